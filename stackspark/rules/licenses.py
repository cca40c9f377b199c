"""Reject files whose licence the dataset does not take, here or where the text stands elsewhere."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.errors import InvalidParamsError
from stackspark.ledger.verdicts import Rule, add_verdicts
from stackspark.licenses.expression_columns import OTHER_TERMS

LINEAGES = ("ignore", "flag", "remove")


@dataclass(frozen=True, kw_only=True)
class FilterLicensesParams:
    """Which licences stay.

    Attributes:
        kept_types: values of `license_type` that stay; The Stack v2 keeps code without one too.
        lineage: what becomes of a file whose text is not permissive in another place: remove it,
            flag it in the report, or ignore that.
    """

    kept_types: tuple[str, ...] = ("permissive", "no_license")
    lineage: str = "flag"

    def __post_init__(self) -> None:
        if self.lineage not in LINEAGES:
            raise InvalidParamsError(
                f"filters.licenses.lineage: needed one of {', '.join(LINEAGES)}, "
                f"found {self.lineage!r}"
            )


def filter_licenses(
    files: DataFrame, params: FilterLicensesParams = FilterLicensesParams()
) -> DataFrame:
    """Add the verdicts of rules `license` and `license_elsewhere`.

    A file that has no decision does not stay.

    Args:
        files: one row per file with `license_type`, `license_reason`, `detected_licenses` and
            `license_conflicts`.
        params: the types that stay, and what becomes of texts that are not permissive elsewhere.
    Returns:
        The same rows with `verdicts`; the evidence is the deciding step and the expressions.
    """
    stays = F.coalesce(F.col("license_type").isin(*params.kept_types), F.lit(False))
    expressions = F.array_join("detected_licenses", ", ")
    evidence = F.concat_ws(": ", "license_reason", F.nullif(expressions, F.lit("")))
    has_other_terms = F.array_contains("license_conflicts", OTHER_TERMS)
    rules = [
        Rule(name="license", fails=~stays, evidence=evidence),
        Rule(
            name="license_elsewhere",
            fails=F.lit(params.lineage == "remove") & has_other_terms,
            evidence=evidence,
        ),
    ]
    return add_verdicts(files, "filter_licenses", rules)
