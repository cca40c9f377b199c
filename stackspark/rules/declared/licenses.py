"""Files whose licence the dataset does not take, here or where the text stands elsewhere."""

from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column
from pyspark.sql import functions as F

from stackspark.licenses.expression_columns import OTHER_TERMS
from stackspark.rules.rule import Rule, Verdict

LicenseType = Literal["permissive", "no_license", "non_permissive"]
Lineage = Literal["ignore", "flag", "remove"]


@dataclass(frozen=True, kw_only=True)
class LicensesParams:
    """Which licences stay.

    Attributes:
        kept_types: values of `license_type` that stay; The Stack v2 keeps code without one too.
        lineage: what becomes of a file whose text is not permissive in another place: remove it,
            flag it in the report, or ignore that.
    """

    kept_types: tuple[LicenseType, ...] = ("permissive", "no_license")
    lineage: Lineage = "flag"


def _license(params: LicensesParams) -> Verdict:
    """A file that has no decision does not stay."""
    stays = F.coalesce(F.col("license_type").isin(*params.kept_types), F.lit(False))
    return Verdict(fails=~stays, evidence=_decision())


def _license_elsewhere(params: LicensesParams) -> Verdict:
    has_other_terms = F.array_contains("license_conflicts", OTHER_TERMS)
    fails = F.lit(params.lineage == "remove") & has_other_terms
    return Verdict(fails=fails, evidence=_decision())


def _decision() -> Column:
    """The deciding step and the expressions, such as ``declared_non_permissive: GPL-2.0-only``."""
    expressions = F.array_join("detected_licenses", ", ")
    return F.concat_ws(": ", "license_reason", F.nullif(expressions, F.lit("")))


LICENSE = Rule(
    name="license",
    title="Licence not permissive",
    description="A licence that applies to the file is not on the list of permissive licences.",
    source="Lozhkov et al. 2024 (The Stack v2), section 2.2 and figure 1",
    section="licenses",
    verdicts={"file": _license},
)
LICENSE_ELSEWHERE = Rule(
    name="license_elsewhere",
    title="Not permissive elsewhere",
    description="The same text stands under a licence that is not permissive in another place.",
    source="stackspark",
    section="licenses",
    verdicts={"file": _license_elsewhere},
)
