"""The blobs that are compared: the representatives that every other rule keeps."""

from itertools import chain

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.params import NearDuplicatesParams
from stackspark.languages.linguist import language_families


def near_duplicate_candidates(
    chosen: DataFrame,
    measurements: DataFrame,
    params: NearDuplicatesParams,
    published: DataFrame | None = None,
) -> DataFrame:
    """Candidates of `find_near_duplicates`, from the representatives of the blobs.

    `published` has the documents whose blobs stay.
    """
    scopes = {
        "language": F.coalesce("language", F.lit("")),
        "language_family": _language_family(),
        "repository": F.col("directory_id"),
        "corpus": F.lit(""),
    }
    ranked = chosen.select("blob_id", scopes[params.scope].alias("scope"), "keep_order")
    if published is not None:
        kept = published.select(F.explode("files.blob_id").alias("blob_id")).distinct()
        marked = kept.withColumn("is_published", F.lit(True))
        ranked = ranked.join(marked, "blob_id", how="left").fillna(False, ["is_published"])
    measured = measurements.select("blob_id", "normalized_hash", "band_hashes", "signature")
    return ranked.join(measured, "blob_id", how="inner")


def _language_family() -> Column:
    """The family of the representative's language; the language itself where it is in none."""
    pairs = chain.from_iterable(language_families().items())
    families = F.create_map(*map(F.lit, pairs))
    return F.coalesce(families[F.col("language")], "language", F.lit(""))
