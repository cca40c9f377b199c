"""Group the kept files of each repository to training documents.

Output: `schemas/documents.yaml`.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.errors import InvalidParamsError
from stackspark.runtime.sizes import NumBytes


@dataclass(frozen=True, kw_only=True)
class BuildDocumentsParams:
    """How repositories become documents.

    Attributes:
        max_document_bytes: a part is closed before the first file that begins at or after a
            multiple of this many bytes, so it has fewer bytes than this plus its last file's. An
            exported row holds the text twice and must stay far below 2 GB, the limit of one value
            in Parquet and Arrow.
        max_document_files: files per part; bounds the list in a row.
        metadata_fraction: share of repositories whose documents name repository and paths.
        seed: of the order of files and of the choice of repositories.
    """

    max_document_bytes: NumBytes = 32 * 2**20
    max_document_files: int = 20_000
    metadata_fraction: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_document_bytes < 1 or self.max_document_files < 1:
            raise InvalidParamsError(
                "documents need max_document_bytes and max_document_files of at least 1, found "
                f"{self.max_document_bytes} and {self.max_document_files}"
            )
        if not 0 <= self.metadata_fraction <= 1:
            raise InvalidParamsError(
                f"documents need a metadata_fraction in 0..1, found {self.metadata_fraction}"
            )


def build_documents(files: DataFrame, params: BuildDocumentsParams | None = None) -> DataFrame:
    """Order the files of each repository and cut them into numbered parts.

    Args:
        files: the kept files, (`directory_id`, `path`) unique: `directory_id`, `path`, `blob_id`,
            `length_bytes`.
        params: limits and seed.

    Returns:
        One row per part of a repository; every file is in one part. Files are in the order of
        hash(seed, `blob_id`, `path`), so that it says nothing and any cluster finds the same.
    Shuffles: one, on `directory_id`, of ids and paths.
    """
    params = params or BuildDocumentsParams()
    in_order = Window.partitionBy("directory_id").orderBy("place", "path")
    before = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    cut = files.select(
        "directory_id",
        "path",
        "blob_id",
        "length_bytes",
        F.xxhash64(F.lit(params.seed), "blob_id", "path").alias("place"),
    ).select(
        "*",
        F.floor(
            (F.sum("length_bytes").over(before) - F.col("length_bytes"))
            / F.lit(params.max_document_bytes)
        ).alias("bytes_cut"),
        F.floor((F.row_number().over(in_order) - 1) / F.lit(params.max_document_files)).alias(
            "files_cut"
        ),
    )
    parts = cut.groupBy("directory_id", "bytes_cut", "files_cut").agg(
        F.sum("length_bytes").alias("size_bytes"),
        F.count(F.lit(1)).alias("num_files"),
        F.sort_array(F.collect_list(F.struct("place", "path", "blob_id"))).alias("placed"),
    )
    return parts.select(*_columns(params))


def _columns(params: BuildDocumentsParams) -> list[Column]:
    repository = Window.partitionBy("directory_id")
    # A large file may skip multiples of the limit: parts are numbered by rank.
    part = F.row_number().over(repository.orderBy("bytes_cut", "files_cut")) - 1
    columns = {
        "document_id": F.concat(F.col("directory_id"), F.lit("-"), part),
        "part": part,
        "num_parts": F.count(F.lit(1)).over(repository).cast("int"),
        "has_metadata": _fraction(params.seed, "directory_id") < params.metadata_fraction,
        "files": F.transform("placed", lambda file: F.struct(file["path"], file["blob_id"])),
    }
    return [
        columns.get(name, F.col(name)).alias(name)
        for name in table_contract("documents").column_names
    ]


def _fraction(seed: int, key: str) -> Column:
    """A number in [0, 1) that depends on seed and key alone, of 32 bits."""
    return F.shiftrightunsigned(F.xxhash64(F.lit(seed), F.col(key)), 32) / F.lit(2**32)
