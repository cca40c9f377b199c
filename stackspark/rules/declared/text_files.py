"""Plain text that is not documentation by its name."""

from dataclasses import dataclass

from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict


@dataclass(frozen=True, kw_only=True)
class TextFilesParams:
    """Names of plain text files that stay, in lower case, as the paper has them.

    Attributes:
        kept_name_parts: parts of a name.
        kept_names: names without their extension.
    """

    kept_name_parts: tuple[str, ...] = ("requirement",)
    kept_names: tuple[str, ...] = ("readme", "notes", "todo", "description", "cmakelists")


def _text_file_name(params: TextFilesParams) -> Verdict:
    name = F.lower("name")
    # A dot at the start does not begin an extension.
    stem = F.regexp_replace(name, r"(?s)^(.+)\.[^.]*$", "$1")
    stays = stem.isin(*params.kept_names)
    for part in params.kept_name_parts:
        stays = stays | name.contains(part)
    return Verdict(fails=(F.col("language") == "Text") & ~stays, evidence=F.col("name"))


TEXT_FILE_NAME = Rule(
    name="text_file_name",
    title="Text file of no use",
    description="A plain text file whose name is not that of documentation.",
    source='Lozhkov et al. 2024 (The Stack v2), section 3.1 "Language-specific filters"',
    section="text_files",
    verdicts={"named_blob": _text_file_name},
)
