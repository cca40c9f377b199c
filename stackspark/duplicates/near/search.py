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

Up to `max_in_driver` candidates, steps 2 to 8 happen in the driver's memory
(`arrays.py`); beyond, every step is a job of Spark's.

No components are built, so no chain A ~ B ~ C ever removes C for its likeness to a removed B. The
rule `components` (`components.py`) does just that in the place of steps 4 to 7.
"""

import time
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.duplicates.near.edges import ASKED, OPEN, REMOVED, VerifiedEdges, edge_table
from stackspark.duplicates.near.in_memory import (
    MEASURED,
    Candidates,
    candidates_of,
    check_answered,
    check_twins_stay,
    search_arrays,
)
from stackspark.duplicates.near.kernels.signatures import estimate_in_pieces
from stackspark.duplicates.near.pair_normalized_texts import (
    PairNormalizedTextsParams,
    pair_normalized_texts,
)
from stackspark.duplicates.near.params import (
    COMPONENT,
    COMPONENTS,
    COVER,
    NearDuplicatesParams,
    RoundStats,
    components_round,
    in_words,
    is_settled,
)
from stackspark.duplicates.near.similarities import ExactSimilarities, ShingleSource
from stackspark.duplicates.near.stack_v2.components import join_components
from stackspark.duplicates.near.tables.compare_shingles import COMPARED
from stackspark.duplicates.near.tables.find_candidate_edges import (
    FindCandidateEdgesParams,
    find_candidate_edges,
)
from stackspark.duplicates.near.tables.follow_twins import follow_twins
from stackspark.duplicates.near.tables.list_bands import ListBandsParams, list_bands
from stackspark.duplicates.near.tables.name_twins import name_twins
from stackspark.duplicates.near.tables.pack_pairs import PackPairsParams, pack_pairs
from stackspark.duplicates.near.tables.peel_buckets import PeelBucketsParams, peel_buckets
from stackspark.duplicates.near.tables.ranked_signatures import SignatureReader
from stackspark.duplicates.near.tables.settle_twins import settle_twins
from stackspark.duplicates.near.tables.sort_candidates import sort_candidates
from stackspark.duplicates.near.tables.verify_edges import VerifyEdgesParams, verify_edges
from stackspark.errors import InvalidParamsError
from stackspark.lake.scratch import RankedFile, Scratch

PAIR_COLUMNS = ("block", "members", "heads")

IS_PUBLISHED = "is_published"

MAX_ITEMS_PER_TASK = 4_000_000
"""Band hashes that one task keeps the heads of: at most 256 MB."""

MIN_ITEMS_PER_TASK = 250_000
"""Bands or pairs that are worth a task: half a second."""

MAX_RANKS_PER_BLOCK = 1 << 17
"""Ranks of one block: at most 75 MB of its pairs, and 33 MB of its signatures, in one task."""

BANDS_PER_SET = 100
"""The shingles of a text weigh as much as so many bands."""

MAX_PAIRS_HERE = 1 << 17
"""Pairs that this process tests itself: 70 MB of signatures, and less than Spark's jobs cost."""

MAX_CANDIDATES_HERE = 1 << 22
"""Candidates up to which it does so: few pairs of many blobs may need all 1 GB of signatures."""


@dataclass(frozen=True, kw_only=True)
class NearDuplicateResult:
    """What is removed, and how it came about.

    `twins` has one row per removed blob (`member`, `twin`, `similarity`, `established_by`,
    `round`), in ranks, and `ranked` the candidate of each `rank`. `similarities` are the exact ones
    that this search computed, without those that it knew: (`blob_id`, `other_blob_id`,
    `similarity`), by the order of the two ids. `is_settled` says that the last round found nothing
    new; else the search stopped at `max_rounds`.
    """

    twins: DataFrame
    ranked: DataFrame
    similarities: DataFrame
    num_candidates: int
    num_text_twins: int
    rounds: tuple[RoundStats, ...]
    is_settled: bool

    @property
    def rows(self) -> DataFrame:
        """Rows of `near_duplicates`."""
        return name_twins(self.twins, self.ranked)

    @property
    def last_round(self) -> str:
        """What the last round found, in words."""
        return in_words(self.rounds[-1])


def find_near_duplicates(
    candidates: DataFrame,
    params: NearDuplicatesParams,
    scratch: Scratch,
    shingles_of: ShingleSource | None = None,
    known_similarities: DataFrame | None = None,
) -> NearDuplicateResult:
    """Find the blobs to remove as duplicates of better ones.

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
    search = _Search(
        ranked=ranked,
        files=files,
        num_published=num_published,
        params=params,
        scratch=scratch,
        exact=ExactSimilarities(
            ranked=ranked, scratch=scratch, shingles_of=shingles_of, known=known_similarities
        ),
    )
    if num_candidates <= params.max_in_driver:
        return search.run_here()
    text_twins = scratch.write(search.pair_texts(), "text_twins")
    removed = search.run(text_twins)
    twins = scratch.write(settle_twins(text_twins, removed), "twins")
    _check_twins_stay(twins)
    return NearDuplicateResult(
        twins=twins,
        ranked=ranked,
        similarities=search.exact.new,
        num_candidates=num_candidates,
        num_text_twins=text_twins.count(),
        rounds=tuple(search.rounds),
        is_settled=search.is_settled(),
    )


@dataclass(kw_only=True)
class _Search:
    """The rounds of one search, and what each of them did."""

    ranked: DataFrame
    files: tuple[RankedFile, ...]
    num_published: int
    params: NearDuplicatesParams
    scratch: Scratch
    exact: ExactSimilarities
    rounds: list[RoundStats] = field(default_factory=list)

    def run_here(self) -> NearDuplicateResult:
        """The whole search in this process."""
        found = search_arrays(self._arrays(), self.params, self._compare_here, self.num_published)
        return NearDuplicateResult(
            twins=self._handed_over(found.twins, "twins"),
            ranked=self.ranked,
            similarities=self.exact.new,
            num_candidates=self.num_candidates,
            num_text_twins=found.num_text_twins,
            rounds=found.rounds,
            is_settled=found.is_settled,
        )

    def _arrays(self) -> Candidates:
        return candidates_of(self.scratch.table("ranked", MEASURED), self.params.minhash)

    def _compare_here(self, asked: pa.Table) -> pa.Table:
        """Exact similarities of the pairs that this process asks for; tasks read the texts."""
        name = f"asked_{self.exact.num_passes + 1}"
        pairs = self._handed_over(asked.select(["member", "head"]), name)
        written = self.exact.write(pairs, self._num_tasks(asked.num_rows * BANDS_PER_SET))
        return pa.concat_tables(self.scratch.table(each, COMPARED) for each in written)

    def _handed_over(self, rows: pa.Table, name: str) -> DataFrame:
        """Rows of this process as a table of Spark's."""
        with self.scratch.writer(name, rows.schema) as writer:
            writer.write_table(rows)
        reader = self.ranked.sparkSession.read.schema(from_arrow_schema(rows.schema))
        return reader.parquet(self.scratch.path(name))

    def pair_texts(self) -> DataFrame:
        """Blobs that repeat a better one's normalised text."""
        pairing = PairNormalizedTextsParams(num_partitions=self._num_tasks(self.num_candidates))
        pairs = pair_normalized_texts(self.ranked, pairing)
        return pairs.where(F.col("member") >= self.num_published)

    def run(self, text_twins: DataFrame) -> DataFrame:
        """Go through the rounds; returns the removed blobs with their kept twins, in ranks."""
        num_tasks = self._num_tasks(self.num_candidates * self.params.minhash.num_bands)
        listing = ListBandsParams(num_partitions=num_tasks)
        bands = list_bands(self.ranked, text_twins, listing)
        edges, num_pairs = self._find_edges(bands, num_tasks, 1)
        if self.params.rule == COMPONENTS:
            return self._join(edges.select(*PAIR_COLUMNS), num_pairs)
        self._verify(edges, num_pairs, 1)
        while True:
            num_open = self._resolve(num_pairs)
            if self.is_settled() or len(self.rounds) == self.params.max_rounds:
                return self._edges.read(REMOVED, len(self.rounds))
            num_pairs = self._follow(num_open)
            if len(self.rounds) == 1:
                peeled, num_peeled = self._peel(edges, num_pairs)
                self._verify(peeled, num_peeled, 2)
                num_pairs += num_peeled

    def is_settled(self) -> bool:
        """Whether a further round found nothing new."""
        return is_settled(self.params, self.rounds[-1])

    @property
    def num_candidates(self) -> int:
        """Blobs that are compared; ranks run from 0 to one less."""
        return sum(file.num_rows for file in self.files)

    @cached_property
    def _edges(self) -> VerifiedEdges:
        return VerifiedEdges(
            spark=self.ranked.sparkSession,
            scratch=self.scratch,
            num_candidates=self.num_candidates,
            threshold=self.params.threshold,
            margin=self.params.margin,
        )

    @property
    def _signatures(self) -> SignatureReader:
        return SignatureReader(files=self.files, num_perm=self.params.minhash.num_perm)

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

    def _write_pairs(self, packed: DataFrame, name: str) -> tuple[DataFrame, int]:
        """Write packed pairs; returns them and their number."""
        counted = Observation()
        num_bytes = F.coalesce(F.sum(F.octet_length("heads")), F.lit(0)).alias("num_bytes")
        written = self.scratch.write(packed.observe(counted, num_bytes), name)
        return written, counted.get["num_bytes"] // 8

    def _find_edges(
        self, bands: DataFrame, num_partitions: int, number: int
    ) -> tuple[DataFrame, int]:
        limits = FindCandidateEdgesParams(
            num_partitions=num_partitions,
            heads_per_bucket=1 if number == 1 else self.params.heads_per_bucket,
            **self._blocks,
        )
        return self._write_pairs(find_candidate_edges(bands, limits), f"edges_{number}")

    def _peel(self, edges: DataFrame, num_pairs: int) -> tuple[DataFrame, int]:
        num_tasks = self._num_tasks(num_pairs)
        limits = PeelBucketsParams(
            num_partitions=num_tasks,
            num_tasks=num_tasks,
            ranks_per_block=self._blocks["ranks_per_block"],
        )
        gone = pack_pairs(self._edges.read(REMOVED, 1), PackPairsParams(**self._blocks))
        return self._find_edges(peel_buckets(edges, gone, limits), num_tasks, 2)

    def _join(self, pairs: DataFrame, num_pairs: int) -> DataFrame:
        """The rule `components`, which counts as one round and estimates what it did at its end."""
        start = time.perf_counter()
        stars = join_components(pairs, self.scratch, self._num_tasks(num_pairs), self._blocks)
        seconds = time.perf_counter() - start
        removed = self.scratch.write(self._estimated(stars, num_pairs, 0.0), "removed_1")
        self.rounds.append(components_round(num_pairs, removed.count(), seconds))
        marks = {"round": F.lit(1), "established_by": F.lit(COMPONENT)}
        return removed.withColumns(marks)

    def _verify(self, pairs: DataFrame, num_pairs: int, number: int) -> None:
        """Write the verified edges among candidate pairs of a round."""
        similar = self._estimated(pairs, num_pairs, self.params.threshold - self.params.margin)
        marks = {"is_exact": F.lit(False), "round": F.lit(number)}
        self._edges.add(similar.withColumns(marks))

    def _estimated(self, pairs: DataFrame, num_pairs: int, min_similarity: float) -> DataFrame:
        limits = VerifyEdgesParams(
            min_similarity=min_similarity,
            first_member=self.num_published,
            num_tasks=self._num_tasks(num_pairs),
            **self._blocks,
        )
        return verify_edges(pairs.select(*PAIR_COLUMNS), self._signatures, limits)

    def _follow(self, num_open: int) -> int:
        """Write the verified edges among the pairs that open edges lead to, for the next round."""
        last = len(self.rounds)
        if num_open <= MAX_PAIRS_HERE and self.num_candidates <= MAX_CANDIDATES_HERE:
            return self._follow_here(last)
        pairs = follow_twins(self._edges.read(OPEN, last), self._edges.read(REMOVED, last))
        packed = pack_pairs(pairs, PackPairsParams(**self._blocks))
        written, num_pairs = self._write_pairs(packed, f"hops_{last + 1}")
        self._verify(written, num_pairs, last + 1)
        return num_pairs

    def _follow_here(self, last: int) -> int:
        """As `_follow`, in this process: a few pairs are not worth Spark's jobs."""
        (members, heads), signatures = self._edges.hops(last), self._signatures
        of_ranks = signatures.of_ranks
        similarity = estimate_in_pieces(members, heads, of_ranks, signatures.num_perm)
        is_near = similarity >= self.params.threshold - self.params.margin
        found = edge_table((members, heads), similarity, last + 1).filter(pa.array(is_near))
        self._edges.add_table(found)
        return len(members)

    def _compare(self, number: int, num_pairs: int) -> None:
        """Write the exact similarities that a pass asked for."""
        asked = self._edges.read(ASKED, number).select("member", "head")
        written = self.exact.write(asked, self._num_tasks(num_pairs * BANDS_PER_SET))
        compared = self.exact.read(written)
        self._edges.add(compared.withColumns({"is_exact": F.lit(True), "round": F.lit(number)}))

    def _resolve(self, num_pairs: int) -> int:
        """Decide all blobs by the edges so far; returns the number of open edges."""
        start, number = time.perf_counter(), len(self.rounds) + 1
        stats = self._edges.resolve(number)
        num_compared = stats.num_asked
        if num_compared:
            self._compare(number, num_compared)
            stats = self._edges.resolve(number)
        check_answered(stats.num_asked, num_compared)
        self.rounds.append(
            RoundStats(
                round=number,
                num_pairs=num_pairs,
                num_verified=stats.num_verified,
                num_compared=num_compared,
                num_removed=stats.num_removed,
                num_edges_resolved=stats.num_edges,
                resolve_seconds=time.perf_counter() - start,
            )
        )
        return stats.num_open


def _check_twins_stay(twins: DataFrame) -> None:
    removed = twins.select(F.col("member").alias("twin"))
    check_twins_stay(twins.join(removed, on="twin", how="left_semi").count())
