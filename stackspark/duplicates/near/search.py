"""The search for near-duplicates among the candidates of a Spark table; see `rounds.py`."""

from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.in_memory import MEASURED, InMemoryEngine, candidates_of
from stackspark.duplicates.near.params import COVER, NearDuplicatesParams
from stackspark.duplicates.near.rounds import FoundTwins, find_twins
from stackspark.duplicates.near.similarities import ExactSimilarities, ShingleSource
from stackspark.duplicates.near.spark import SparkEngine
from stackspark.duplicates.near.tables.ranks import name_twins, sort_candidates
from stackspark.errors import InvalidParamsError
from stackspark.lake.scratch import Scratch

IS_PUBLISHED = "is_published"


@dataclass(frozen=True, kw_only=True)
class NearDuplicateResult(FoundTwins[DataFrame]):
    """Removed blobs with their twins, and the statistics of the search.

    `ranked` has the candidate of each `rank`. `similarities` are the exact ones that this search
    computed, without those that it knew: (`blob_id`, `other_blob_id`, `similarity`), by the order
    of the two ids.
    """

    ranked: DataFrame
    similarities: DataFrame
    num_candidates: int

    @property
    def rows(self) -> DataFrame:
        """Rows of `near_duplicates`."""
        return name_twins(self.twins, self.ranked)


def find_near_duplicates(
    candidates: DataFrame,
    params: NearDuplicatesParams,
    scratch: Scratch,
    shingles_of: ShingleSource | None = None,
    known_similarities: DataFrame | None = None,
) -> NearDuplicateResult:
    """Find the blobs to remove as duplicates of better ones.

    Up to `params.max_in_driver` candidates the driver searches in its memory; beyond, Spark's tasks
    do. Both find the same.

    Args:
        candidates: one row per `blob_id` with `scope` (twins are sought within one),
            `normalized_hash`, `band_hashes` and `signature` as measured with `params.minhash`, and
            `keep_order`, a struct whose ascending order puts the better copy first and that ends in
            a unique key. `blob_id` may be any type. With a column `is_published`, the blobs for
            which it is true come before all others and stay, whatever they are similar to. Read
            twice.
        params: limits.
        scratch: for the tables between the rounds; the result reads from it.
        shingles_of: where exact similarities come from; needed if `params` ask for them.
        known_similarities: those that earlier searches with the same `params.minhash` computed; the
            result is the same without them, but reads more texts.

    Returns:
        The removed blobs with their kept twins, and the statistics of each round.

    Raises:
        InvalidParamsError: if exact similarities are asked for without `shingles_of`.
        ContractError: if a removed blob has no twin that stays; a defect, never the data's fault.
    """
    if params.rule == COVER and params.verification == "exact" and shingles_of is None:
        raise InvalidParamsError("verification exact needs a source of shingles; found none")
    num_published = 0
    if IS_PUBLISHED in candidates.columns:
        num_published = candidates.where(IS_PUBLISHED).count()
        keep_order = F.struct((~F.col(IS_PUBLISHED)).alias("is_new"), "keep_order")
        candidates = candidates.withColumn("keep_order", keep_order)
    ranked, files = scratch.write_numbered(sort_candidates(candidates), "ranked")
    num_candidates = sum(file.num_rows for file in files)
    exact = ExactSimilarities(
        ranked=ranked, scratch=scratch, shingles_of=shingles_of, known=known_similarities
    )
    found: FoundTwins[DataFrame]
    if num_candidates <= params.max_in_driver:
        measured = candidates_of(scratch.table("ranked", MEASURED), params.minhash)
        here = find_twins(InMemoryEngine(measured, params, exact.compare, num_published), params)
        found = replace(here, twins=exact.hand_over(here.twins, "twins"))
    else:
        found = find_twins(
            SparkEngine(
                ranked=ranked,
                files=files,
                num_published=num_published,
                params=params,
                scratch=scratch,
                exact=exact,
            ),
            params,
        )
    return NearDuplicateResult(
        **vars(found), ranked=ranked, similarities=exact.new, num_candidates=num_candidates
    )
