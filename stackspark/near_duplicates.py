"""The search for near-duplicates: stages in rounds, with every round materialised.

1. Rank the candidates from the best copy to the worst.
2. Equal normalised texts: the best stays, only these go on.
3. Round 1 pairs each blob with the best one of each of its buckets.
4. Verify the pairs on their signatures.
5. Resolve all verified edges in rank order: a blob goes if a better, similar one stays.
6. Further rounds pair up what is left: the members of each bucket without its head, and blobs whose
   verified neighbour was removed with that neighbour's twin. Then 4 and 5 again, over all edges.
7. Stop when a further round verifies nothing new, or at the last round.
8. Check that every removed blob has a twin that stays, and name the twins.

No components are built, so no chain A ~ B ~ C ever removes C for its likeness to a removed B.
"""

import time
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.errors import ContractError, InvalidParamsError
from stackspark.io.scratch import Scratch
from stackspark.kernels.minhash import MinHashParams
from stackspark.kernels.resolution import Resolution, merge_edges
from stackspark.stages.find_candidate_edges import find_candidate_edges
from stackspark.stages.follow_twins import follow_twins
from stackspark.stages.list_bands import list_bands
from stackspark.stages.name_twins import name_twins
from stackspark.stages.pair_normalized_texts import pair_normalized_texts
from stackspark.stages.peel_buckets import peel_buckets
from stackspark.stages.select_signatures import select_signatures
from stackspark.stages.settle_twins import settle_twins
from stackspark.stages.sort_candidates import sort_candidates
from stackspark.stages.sort_edges import SortEdgesParams, sort_edges
from stackspark.stages.verify_edges import VerifyEdgesParams, verify_edges

ESTIMATED = "estimated"

EDGE_SCHEMA = pa.schema(
    {
        "member": pa.int64(),
        "head": pa.int64(),
        "similarity": pa.float64(),
        "round": pa.int32(),
    }
)
"""Verified edges as the driver streams them."""


@dataclass(frozen=True, kw_only=True)
class NearDuplicatesParams:
    """What counts as a near-duplicate, within which scope, and how long to search.

    `threshold` is the least Jaccard similarity of a pair; `scope` names what the caller puts into
    the column of this name: `language`, `repository`, or `corpus` for one scope of all.
    """

    threshold: float = 0.7
    minhash: MinHashParams = field(default_factory=MinHashParams)
    scope: str = "language"
    max_rounds: int = 8

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise InvalidParamsError(f"threshold must be in (0, 1], found {self.threshold}")
        if self.max_rounds < 1:
            raise InvalidParamsError(f"max_rounds must be at least 1, found {self.max_rounds}")
        if self.scope not in ("language", "repository", "corpus"):
            raise InvalidParamsError(
                f"scope must be language, repository or corpus, found {self.scope!r}"
            )


@dataclass(frozen=True, kw_only=True)
class RoundStats:
    """What one round did; `num_removed` counts all blobs removed once the round was resolved."""

    round: int
    num_pairs: int
    num_verified: int
    num_removed: int
    num_edges_resolved: int
    resolve_seconds: float


@dataclass(frozen=True, kw_only=True)
class NearDuplicateResult:
    """Rows of `near_duplicates`, and how they came about.

    `is_settled` says that the last round found nothing new; else the search stopped at
    `max_rounds`.
    """

    rows: DataFrame
    num_candidates: int
    num_text_twins: int
    rounds: tuple[RoundStats, ...]
    is_settled: bool


def find_near_duplicates(
    candidates: DataFrame, params: NearDuplicatesParams, scratch: Scratch
) -> NearDuplicateResult:
    """Find the blobs to remove as duplicates of better ones.

    Args:
        candidates: one row per `blob_id` with `scope` (twins are sought within one),
            `normalized_hash`, `band_hashes` and `signature` as measured with `params.minhash`, and
            `keep_order`, a struct whose ascending order puts the better copy first and that ends in
            `blob_id`. Read twice.
        params: limits.
        scratch: for the tables between the rounds; the result reads from it.

    Returns:
        The removed blobs with their kept twins, and the statistics of each round.

    Raises:
        ContractError: if a removed blob has no twin that stays; a defect, never the data's fault.
    """
    ranked, num_candidates = scratch.write_numbered(sort_candidates(candidates), "ranked")
    text_twins = scratch.write(pair_normalized_texts(ranked), "text_twins")
    search = _Search(ranked=ranked, num_candidates=num_candidates, params=params, scratch=scratch)
    removed = search.run(list_bands(ranked, text_twins))
    twins = scratch.write(settle_twins(text_twins, removed), "twins")
    _check_twins_stay(twins)
    return NearDuplicateResult(
        rows=name_twins(twins, ranked),
        num_candidates=num_candidates,
        num_text_twins=text_twins.count(),
        rounds=tuple(search.rounds),
        is_settled=search.is_settled(),
    )


@dataclass(kw_only=True)
class _Search:
    """The rounds of one search, and what each of them did."""

    ranked: DataFrame
    num_candidates: int
    params: NearDuplicatesParams
    scratch: Scratch
    rounds: list[RoundStats] = field(default_factory=list)

    def run(self, bands: DataFrame) -> DataFrame:
        """Go through the rounds; returns the removed blobs with their kept twins, in ranks."""
        edges = self._find_edges(bands, 1)
        pairs = self.scratch.write(edges.select("member", "head").distinct(), "pairs_1")
        signatures = self.ranked.select("rank", "signature")
        while True:
            number = len(self.rounds) + 1
            num_verified = self._verify(pairs, signatures, number)
            removed, open_edges = self._resolve(number, pairs.count(), num_verified)
            if self.is_settled() or number == self.params.max_rounds:
                return removed
            edges = self._find_edges(peel_buckets(edges, removed), number + 1)
            pairs = self._new_pairs(edges, follow_twins(open_edges, removed), number + 1)
            signatures = self._signatures(pairs, number + 1)

    def is_settled(self) -> bool:
        """Whether the last round had nothing to find; the first alone looks at heads only."""
        last = self.rounds[-1]
        return last.num_pairs == 0 or (last.round > 1 and last.num_verified == 0)

    def _find_edges(self, bands: DataFrame, number: int) -> DataFrame:
        return self.scratch.write(find_candidate_edges(bands), f"edges_{number}")

    def _new_pairs(self, edges: DataFrame, hops: DataFrame, number: int) -> DataFrame:
        """Pairs of a later round, without those that a later round before it tested."""
        pairs = edges.select("member", "head").union(hops).distinct()
        for earlier in range(2, number):
            tested = self.scratch.read(f"pairs_{earlier}", pairs)
            pairs = pairs.join(tested, on=["member", "head"], how="left_anti")
        return self.scratch.write(pairs, f"pairs_{number}")

    def _signatures(self, pairs: DataFrame, number: int) -> DataFrame:
        """The few signatures that a later round needs."""
        chosen = select_signatures(self.ranked, pairs)
        return self.scratch.write(chosen, f"signatures_{number}")

    def _verify(self, pairs: DataFrame, signatures: DataFrame, number: int) -> int:
        """Write the verified edges of a round; returns how many there are."""
        limits = VerifyEdgesParams(
            min_similarity=self.params.threshold, num_perm=self.params.minhash.num_perm
        )
        verified = verify_edges(pairs, signatures, limits).withColumn("round", F.lit(number))
        ranges = SortEdgesParams(num_candidates=self.num_candidates)
        return self.scratch.write(sort_edges(verified, ranges), f"verified_{number}").count()

    def _resolve(
        self, number: int, num_pairs: int, num_verified: int
    ) -> tuple[DataFrame, DataFrame]:
        """Resolve the edges of all rounds so far, from scratch.

        Only adding to what was removed would not do: a twin that goes in a later round leaves its
        dependents without one.
        """
        start = time.perf_counter()
        names = [f"verified_{earlier}" for earlier in range(1, number + 1)]
        resolution = Resolution(self.num_candidates)
        runs = [self.scratch.batches(name, EDGE_SCHEMA.names) for name in names]
        num_edges = num_removed = 0
        with (
            self.scratch.writer(f"removed_{number}", EDGE_SCHEMA) as removed,
            self.scratch.writer(f"open_{number}", EDGE_SCHEMA) as still_open,
        ):
            for edges in merge_edges(runs):
                twins, open_edges = resolution.settle(edges)
                removed.write_table(twins.cast(EDGE_SCHEMA))
                still_open.write_table(open_edges.cast(EDGE_SCHEMA))
                num_edges += edges.num_rows
                num_removed += twins.num_rows
        self.rounds.append(
            RoundStats(
                round=number,
                num_pairs=num_pairs,
                num_verified=num_verified,
                num_removed=num_removed,
                num_edges_resolved=num_edges,
                resolve_seconds=time.perf_counter() - start,
            )
        )
        return self._edges(f"removed_{number}"), self._edges(f"open_{number}")

    def _edges(self, name: str) -> DataFrame:
        session = self.ranked.sparkSession
        edges = session.read.schema(from_arrow_schema(EDGE_SCHEMA)).parquet(self.scratch.path(name))
        return edges.withColumn("established_by", F.lit(ESTIMATED))


def _check_twins_stay(twins: DataFrame) -> None:
    removed = twins.select(F.col("member").alias("twin"))
    orphans = twins.join(removed, on="twin", how="left_semi").count()
    if orphans:
        raise ContractError(
            f"near_duplicates: every removed blob needs a twin that stays; {orphans} have none. "
            "This is a defect of stackspark; nothing was removed"
        )
