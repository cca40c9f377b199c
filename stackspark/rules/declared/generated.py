"""Files that a program wrote, by their path, by name and content, or by their own word."""

from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict

SOURCE = 'Lozhkov et al. 2024 (The Stack v2), section 3.1 "Basic filters"; Linguist'


def _generated(_: None) -> Verdict:
    return Verdict(fails=F.col("is_generated"), evidence=F.lit("name or content"))


def _generated_path(_: None) -> Verdict:
    """Some of Linguist's rules need the whole path (`node_modules/`, `Godeps/`)."""
    return Verdict(fails=F.col("is_generated_path"), evidence=F.lit("path"))


def _generated_marker(_: None) -> Verdict:
    marker = F.col("generated_marker")
    return Verdict(fails=marker.isNotNull(), evidence=marker)


GENERATED = Rule(
    name="generated",
    title="Generated file",
    description="The name or the content is that of a file that a program wrote.",
    source=SOURCE,
    verdicts={"named_blob": _generated, "file": _generated_path},
)
GENERATED_MARKER = Rule(
    name="generated_marker",
    title="Says that it is generated",
    description="One of the first five lines says so.",
    source=SOURCE,
    verdicts={"named_blob": _generated_marker},
)
