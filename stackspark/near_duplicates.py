"""The search for near-duplicates: stages in rounds, with every round materialised.

1. Rank the candidates from the best copy to the worst.
2. Equal normalised texts: the best stays, only these go on.
3. Round 1 pairs each blob with the best one of each of its buckets.
4. Verify the pairs on their signatures.
5. Resolve all verified edges in rank order: a blob goes if a better, similar one stays.
6. Round 2 pairs up what is left of each bucket without its head. It and all further rounds pair
   blobs whose verified neighbour was removed with that neighbour's twin. Then 4 and 5 again, over
   all edges. (Peeling buckets again and again found next to nothing: 19 more of 82,968
   removals on 1.8 GB of code.)
7. Stop when a further round verifies nothing new, or at the last round.
8. Check that every removed blob has a twin that stays, and name the twins.

No components are built, so no chain A ~ B ~ C ever removes C for its likeness to a removed B. The
rule `components` (`near_duplicate_components.py`) does just that in the place of steps 4 to 7.
"""

import time
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.errors import ContractError, InvalidParamsError
from stackspark.io.ranked_signatures import SignatureReader
from stackspark.io.scratch import RankedFile, Scratch
from stackspark.kernels.minhash import MinHashParams
from stackspark.kernels.resolution import Resolution, merge_edges
from stackspark.near_duplicate_components import join_components
from stackspark.stages.find_candidate_edges import FindCandidateEdgesParams, find_candidate_edges
from stackspark.stages.follow_twins import follow_twins
from stackspark.stages.list_bands import ListBandsParams, list_bands
from stackspark.stages.name_twins import name_twins
from stackspark.stages.pack_pairs import PackPairsParams, pack_pairs
from stackspark.stages.pair_normalized_texts import pair_normalized_texts
from stackspark.stages.peel_buckets import PeelBucketsParams, peel_buckets
from stackspark.stages.settle_twins import settle_twins
from stackspark.stages.sort_candidates import sort_candidates
from stackspark.stages.sort_edges import SortEdgesParams, sort_edges
from stackspark.stages.verify_edges import VerifyEdgesParams, verify_edges

COVER, COMPONENTS = "cover", "components"
ESTIMATED, COMPONENT = "estimated", "component"
PAIR_COLUMNS = ("block", "members", "heads")

EDGE_SCHEMA = pa.schema(
    {
        "member": pa.int64(),
        "head": pa.int64(),
        "similarity": pa.float64(),
        "round": pa.int32(),
    }
)
"""Verified edges as the driver streams them."""


MAX_ITEMS_PER_TASK = 4_000_000
"""Band hashes that one task keeps the heads of: at most 256 MB."""

MIN_ITEMS_PER_TASK = 250_000
"""Bands or pairs that are worth a task: half a second."""

MAX_RANKS_PER_BLOCK = 1 << 17
"""Ranks of one block: at most 75 MB of its pairs, and 33 MB of its signatures, in one task."""


@dataclass(frozen=True, kw_only=True)
class NearDuplicatesParams:
    """What counts as a near-duplicate, within which scope, and how long to search.

    `rule` is `cover`, or `components` for the rule of The Stack v2, which verifies nothing: then
    `threshold`, `max_rounds` and `heads_per_bucket` do not matter.
    `threshold` is the least Jaccard similarity of a pair; `scope` names what the caller puts into
    the column of this name: `language`, `repository`, or `corpus` for one scope of all. The first
    round compares each blob with the best one of each of its buckets, the second with the best
    `heads_per_bucket` that are left in it.
    """

    rule: str = COVER
    threshold: float = 0.7
    minhash: MinHashParams = field(default_factory=MinHashParams)
    scope: str = "language"
    max_rounds: int = 8
    heads_per_bucket: int = 8

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise InvalidParamsError(f"threshold must be in (0, 1], found {self.threshold}")
        for name in ("max_rounds", "heads_per_bucket"):
            if getattr(self, name) < 1:
                raise InvalidParamsError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.rule not in (COVER, COMPONENTS):
            raise InvalidParamsError(f"rule must be cover or components, found {self.rule!r}")
        if self.scope not in ("language", "repository", "corpus"):
            raise InvalidParamsError(
                f"scope must be language, repository or corpus, found {self.scope!r}"
            )


@dataclass(frozen=True, kw_only=True)
class RoundStats:
    """What one round did.

    `num_pairs` counts candidate pairs, a pair once for each bucket that it shares, and is an upper
    limit in round 2; `num_removed` counts all blobs that are removed once the round was resolved.
    """

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

    @property
    def last_round(self) -> str:
        """What the last round found, in words."""
        last = self.rounds[-1]
        return f"round {last.round} still verified {last.num_verified:,} pairs"


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
    ranked, files = scratch.write_numbered(sort_candidates(candidates), "ranked")
    text_twins = scratch.write(pair_normalized_texts(ranked), "text_twins")
    search = _Search(ranked=ranked, files=files, params=params, scratch=scratch)
    removed = search.run(text_twins)
    twins = scratch.write(settle_twins(text_twins, removed), "twins")
    _check_twins_stay(twins)
    return NearDuplicateResult(
        rows=name_twins(twins, ranked),
        num_candidates=search.num_candidates,
        num_text_twins=text_twins.count(),
        rounds=tuple(search.rounds),
        is_settled=search.is_settled(),
    )


@dataclass(kw_only=True)
class _Search:
    """The rounds of one search, and what each of them did."""

    ranked: DataFrame
    files: tuple[RankedFile, ...]
    params: NearDuplicatesParams
    scratch: Scratch
    rounds: list[RoundStats] = field(default_factory=list)

    def run(self, text_twins: DataFrame) -> DataFrame:
        """Go through the rounds; returns the removed blobs with their kept twins, in ranks."""
        num_partitions = self._num_tasks(self.num_candidates * self.params.minhash.num_bands)
        listing = ListBandsParams(num_partitions=num_partitions)
        bands = list_bands(self.ranked, text_twins, listing)
        edges = self._find_edges(bands, num_partitions, 1)
        pairs = edges.select(*PAIR_COLUMNS)
        if self.params.rule == COMPONENTS:
            return self._join(pairs)
        while True:
            number, num_pairs = len(self.rounds) + 1, _num_heads(pairs)
            self._verify(pairs, num_pairs, number)
            removed, open_edges = self._resolve(number, num_pairs)
            if self.is_settled() or number == self.params.max_rounds:
                return removed
            hops = pack_pairs(follow_twins(open_edges, removed), PackPairsParams(**self._blocks))
            pairs = self.scratch.write(hops, f"hops_{number + 1}")
            if number == 1:
                pairs = pairs.union(self._peel(edges, removed).select(*PAIR_COLUMNS))

    def is_settled(self) -> bool:
        """Whether a further round found nothing new."""
        last = self.rounds[-1]
        is_last = last.round > 1 and last.num_verified == 0
        return is_last or self.params.rule == COMPONENTS

    @property
    def num_candidates(self) -> int:
        """Blobs that are compared; ranks run from 0 to one less."""
        return sum(file.num_rows for file in self.files)

    def _num_tasks(self, num_items: int) -> int:
        """Tasks for so many bands or pairs: few for a small round, and never too much for one."""
        session = self.ranked.sparkSession
        parallel = int(session.conf.get("spark.sql.shuffle.partitions") or 200)
        least = -(-num_items // MAX_ITEMS_PER_TASK)
        return max(1, least, min(parallel, -(-num_items // MIN_ITEMS_PER_TASK)))

    @property
    def _blocks(self) -> dict[str, int]:
        """Blocks of ranks: a few per task, but none too large for the memory of one."""
        num_tasks = self._num_tasks(self.num_candidates * self.params.minhash.num_bands)
        size = min(max(self.num_candidates // (4 * num_tasks), 1 << 10), MAX_RANKS_PER_BLOCK)
        return {"num_blocks": self.num_candidates // size + 1, "ranks_per_block": size}

    def _find_edges(self, bands: DataFrame, num_partitions: int, number: int) -> DataFrame:
        limits = FindCandidateEdgesParams(
            num_partitions=num_partitions,
            heads_per_bucket=1 if number == 1 else self.params.heads_per_bucket,
            **self._blocks,
        )
        return self.scratch.write(find_candidate_edges(bands, limits), f"edges_{number}")

    def _peel(self, edges: DataFrame, removed: DataFrame) -> DataFrame:
        num_tasks = self._num_tasks(_num_heads(edges))
        limits = PeelBucketsParams(
            num_partitions=num_tasks,
            num_tasks=num_tasks,
            ranks_per_block=self._blocks["ranks_per_block"],
        )
        gone = pack_pairs(removed, PackPairsParams(**self._blocks))
        return self._find_edges(peel_buckets(edges, gone, limits), num_tasks, 2)

    def _join(self, pairs: DataFrame) -> DataFrame:
        """The rule `components`, which counts as one round and estimates what it did at its end."""
        start = time.perf_counter()
        num_pairs = _num_heads(pairs)
        stars = join_components(pairs, self.scratch, self._num_tasks(num_pairs), self._blocks)
        seconds = time.perf_counter() - start
        removed = self.scratch.write(self._estimated(stars, num_pairs, 0.0), "removed_1")
        self.rounds.append(
            RoundStats(
                round=1,
                num_pairs=num_pairs,
                num_verified=0,
                num_removed=removed.count(),
                num_edges_resolved=num_pairs,
                resolve_seconds=seconds,
            )
        )
        marks = {"round": F.lit(1), "established_by": F.lit(COMPONENT)}
        return removed.withColumns(marks)

    def _verify(self, pairs: DataFrame, num_pairs: int, number: int) -> None:
        """Write the verified edges of a round."""
        similar = self._estimated(pairs, num_pairs, self.params.threshold)
        verified = similar.withColumn("round", F.lit(number))
        ranges = SortEdgesParams(num_candidates=self.num_candidates)
        self.scratch.write(sort_edges(verified, ranges), f"verified_{number}")

    def _estimated(self, pairs: DataFrame, num_pairs: int, min_similarity: float) -> DataFrame:
        limits = VerifyEdgesParams(
            min_similarity=min_similarity,
            num_tasks=self._num_tasks(num_pairs),
            **self._blocks,
        )
        signatures = SignatureReader(files=self.files, num_perm=self.params.minhash.num_perm)
        return verify_edges(pairs, signatures, limits)

    def _resolve(self, number: int, num_pairs: int) -> tuple[DataFrame, DataFrame]:
        """Resolve the edges of all rounds so far, from scratch.

        Only adding to what was removed would not do: a twin that goes in a later round leaves its
        dependents without one.
        """
        start = time.perf_counter()
        names = [f"verified_{earlier}" for earlier in range(1, number + 1)]
        resolution = Resolution(self.num_candidates)
        runs = [self.scratch.batches(name, EDGE_SCHEMA.names) for name in names]
        num_edges = num_removed = num_verified = 0
        with (
            self.scratch.writer(f"removed_{number}", EDGE_SCHEMA) as removed,
            self.scratch.writer(f"open_{number}", EDGE_SCHEMA) as still_open,
        ):
            for edges in merge_edges(runs):
                twins, open_edges = resolution.settle(edges)
                removed.write_table(twins.cast(EDGE_SCHEMA))
                still_open.write_table(open_edges.cast(EDGE_SCHEMA))
                num_edges += edges.num_rows
                num_verified += pc.sum(pc.equal(edges["round"], number)).as_py()
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


def _num_heads(packed: DataFrame) -> int:
    num_bytes = packed.agg(F.sum(F.octet_length("heads"))).collect()[0][0]
    return (num_bytes or 0) // 8


def _check_twins_stay(twins: DataFrame) -> None:
    removed = twins.select(F.col("member").alias("twin"))
    orphans = twins.join(removed, on="twin", how="left_semi").count()
    if orphans:
        raise ContractError(
            f"near_duplicates: every removed blob needs a twin that stays; {orphans} have none. "
            "This is a defect of stackspark; nothing was removed"
        )
