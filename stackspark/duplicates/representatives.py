"""The representatives of a published run, from its tables."""

from pyspark.sql import DataFrame

from stackspark.duplicates.select_representatives import (
    SelectRepresentativesParams,
    select_representatives,
)
from stackspark.rules.judge import Tables, resolved, without_duplicates


def representatives(tables: Tables, params: SelectRepresentativesParams) -> DataFrame:
    """The file that stands for each surviving blob of a published run; `params` are the run's."""
    verdicts = resolved(tables, without_duplicates(tables["ledger"]))
    return select_representatives(verdicts, tables["licenses"], tables["origins"], params)
