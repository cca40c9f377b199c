"""Entries that are no regular files: a symbolic link holds a path, not text."""

from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict

REGULAR_MODES = (0o100644, 0o100755)
SYMBOLIC_LINK = 0o120000


def _not_a_file(_: None) -> Verdict:
    kind = F.when(F.col("mode") == SYMBOLIC_LINK, "symbolic link").otherwise("special entry")
    return Verdict(fails=~F.col("mode").isin(*REGULAR_MODES), evidence=kind)


NOT_A_FILE = Rule(
    name="not_a_file",
    title="Not a regular file",
    description="Symbolic links name another file and hold no text of their own.",
    source="git's modes of tree entries",
    verdicts={"file": _not_a_file},
)
