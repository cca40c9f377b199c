"""Reject entries that are no regular files (facts of git: symbolic links hold a path, not text)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts

REGULAR_MODES = (0o100644, 0o100755)
SYMBOLIC_LINK = 0o120000


def filter_entries(files: DataFrame) -> DataFrame:
    """Add the verdict of rule `not_a_file`.

    Args:
        files: one row per file with `mode`.
    Returns:
        The same rows with `verdicts`.
    """
    kind = F.when(F.col("mode") == SYMBOLIC_LINK, "symbolic link").otherwise("special entry")
    is_regular = F.col("mode").isin(*REGULAR_MODES)
    rule = Rule(name="not_a_file", fails=~is_regular, evidence=kind)
    return add_verdicts(files, "filter_entries", [rule])
