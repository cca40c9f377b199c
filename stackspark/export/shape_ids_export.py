"""Rows that the export `ids` is put together from: identifiers without contents.

Output: one row per file of a document, as `shape_documents_export` has them, with SWHIDs.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def shape_ids_export(document_files: DataFrame) -> DataFrame:
    """Add fully qualified SWHIDs of the repository's directory and of each file.

    Args:
        document_files: from `shape_documents_export`.

    Returns:
        The same rows with `swhid` of the root directory, and `file.swhid`.
    Shuffles: none.
    """
    directory = F.concat(F.lit("swh:1:dir:"), F.col("directory_id"))
    anchor = F.coalesce(_swhid("rev", F.col("revision_id")), directory)
    context = [_qualifier("origin", _escaped(F.col("repo_url"))), _visit()]
    path = _qualifier("path", _escaped(F.col("file.path")))
    content = _swhid("cnt", F.col("file.content_id"))
    of_file = F.concat_ws(";", content, *context, _qualifier("anchor", anchor), path)
    of_revision = _qualifier("anchor", _swhid("rev", F.col("revision_id")))
    return document_files.withColumn(
        "swhid", F.concat_ws(";", directory, *context, of_revision)
    ).withColumn("file", F.col("file").withField("swhid", of_file))


def _visit() -> Column:
    return _qualifier("visit", _swhid("snp", F.col("snapshot_id")))


def _swhid(kind: str, object_id: Column) -> Column:
    return F.concat(F.lit(f"swh:1:{kind}:"), object_id)


def _qualifier(name: str, value: Column) -> Column:
    """``name=value``; null, so left out, where the value is."""
    return F.concat(F.lit(f"{name}="), value)


def _escaped(value: Column) -> Column:
    """Percent and semicolon would end or change a qualifier."""
    return F.replace(F.replace(value, F.lit("%"), F.lit("%25")), F.lit(";"), F.lit("%3B"))
