"""Reject files whose licence is not of a kind that the dataset takes."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.rules import Rule, add_verdicts


@dataclass(frozen=True, kw_only=True)
class FilterLicensesParams:
    """Values of `license_type` that stay; The Stack v2 keeps code without a licence too."""

    kept_types: tuple[str, ...] = ("permissive", "no_license")


def filter_licenses(
    files: DataFrame, params: FilterLicensesParams = FilterLicensesParams()
) -> DataFrame:
    """Add the verdict of rule `license`; a file that has no decision does not stay.

    Args:
        files: one row per file with `license_type`, `license_reason` and `detected_licenses`.
        params: the types that stay.
    Returns:
        The same rows with `verdicts`; the evidence is the deciding step and the expressions.
    """
    stays = F.coalesce(F.col("license_type").isin(*params.kept_types), F.lit(False))
    expressions = F.array_join("detected_licenses", ", ")
    rule = Rule(
        name="license",
        fails=~stays,
        evidence=F.concat_ws(": ", "license_reason", F.nullif(expressions, F.lit(""))),
    )
    return add_verdicts(files, "filter_licenses", [rule])
