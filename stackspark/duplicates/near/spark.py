"""The rounds of a search by Spark's tasks, with every round materialised."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.duplicates.near.kernels.edges import EDGE_SCHEMA, edge_table, merge_edges
from stackspark.duplicates.near.kernels.pairs import Pairs, hops
from stackspark.duplicates.near.kernels.resolution import Resolution
from stackspark.duplicates.near.kernels.signatures import estimate_in_pieces
from stackspark.duplicates.near.params import COMPONENT, ESTIMATED, EXACT, NearDuplicatesParams
from stackspark.duplicates.near.rounds import CandidatePairs, PassStats
from stackspark.duplicates.near.similarities import ExactSimilarities
from stackspark.duplicates.near.stack_v2.components import join_components
from stackspark.duplicates.near.tables.buckets import (
    find_candidate_edges,
    list_bands,
    peel_buckets,
)
from stackspark.duplicates.near.tables.normalized_texts import pair_normalized_texts
from stackspark.duplicates.near.tables.packed import PAIR_COLUMNS, BlockParams, pack_pairs
from stackspark.duplicates.near.tables.ranked_signatures import SignatureReader
from stackspark.duplicates.near.tables.twins import (
    follow_twins,
    orphaned,
    settle_twins,
    sort_edges,
)
from stackspark.duplicates.near.tables.verify_edges import VerifyEdgesParams, verify_edges
from stackspark.duplicates.near.tasks import num_tasks
from stackspark.lake.scratch import RankedFile, Scratch

MAX_RANKS_PER_BLOCK = 1 << 17
"""Ranks of one block: at most 75 MB of its pairs, and 33 MB of its signatures, in one task."""

MAX_PAIRS_HERE = 1 << 17
"""Pairs that this process tests itself: 70 MB of signatures, and less than Spark's jobs cost."""

MAX_CANDIDATES_HERE = 1 << 22
"""Candidates up to which it does so: few pairs of many blobs may need all 1 GB of signatures."""

REMOVED, OPEN, ASKED = "removed", "open", "asked"
"""Tables that a pass writes: removed blobs with their twins, open edges, questions; see
`Settled`."""

SparkPairs = DataFrame | Pairs
"""Packed pairs, or a few in this process."""


@dataclass(kw_only=True)
class SparkEngine:
    """The engine of `rounds.find_twins` for any number of candidates; twins are a scratch table.

    Edges are sorted runs of scratch tables; a pass streams and merges them in this process, with
    two bits of memory per candidate.

    Attributes:
        ranked: the candidate of each `rank`.
        files: of `ranked`, from which tasks read signatures.
        num_published: so many of the first ranks stay.
        params: limits.
        scratch: for the tables between the rounds.
        exact: where exact similarities come from.
    """

    ranked: DataFrame
    files: tuple[RankedFile, ...]
    num_published: int
    params: NearDuplicatesParams
    scratch: Scratch
    exact: ExactSimilarities
    _text_twins: DataFrame = field(init=False)
    _bucket_edges: CandidatePairs[DataFrame] = field(init=False)
    _removed: DataFrame = field(init=False)
    _last: PassStats = field(init=False)
    _runs: list[str] = field(default_factory=list)

    def pair_texts(self) -> int:
        """Pair blobs by a shuffle of the hashes of their normalised texts."""
        pairs = pair_normalized_texts(self.ranked, self._num_tasks(self._num_candidates))
        new = pairs.where(F.col("member") >= self.num_published)
        self._text_twins = self.scratch.write(new, "text_twins")
        return self._text_twins.count()

    def pair_buckets(self) -> CandidatePairs[DataFrame]:
        """Pair up the buckets by a shuffle of all band hashes."""
        blocks = self._blocks(self._num_bands)
        bands = list_bands(self.ranked, self._text_twins, blocks)
        self._bucket_edges = self._write_pairs(find_candidate_edges(bands, blocks), "edges_1")
        return self._bucket_edges

    def follow(self, number: int) -> CandidatePairs[SparkPairs]:
        """Follow open edges by a join; a few, and few candidates, in this process."""
        last = number - 1
        if self._last.num_open <= MAX_PAIRS_HERE and self._num_candidates <= MAX_CANDIDATES_HERE:
            few = hops(self._stream(f"{OPEN}_{last}"), self._stream(f"{REMOVED}_{last}"))
            return CandidatePairs(pairs=few, num_pairs=len(few[0]))
        pairs = follow_twins(self._read(OPEN, last), self._read(REMOVED, last))
        return self._write_pairs(pack_pairs(pairs, self._blocks(0)), f"hops_{number}")

    def peel(self) -> CandidatePairs[DataFrame]:
        """Peel by a shuffle of the edges of round 1, then pair up as before."""
        edges, blocks = self._bucket_edges.pairs, self._blocks(self._bucket_edges.num_pairs)
        gone = pack_pairs(self._read(REMOVED, 1), blocks)
        left = peel_buckets(edges, gone, blocks)
        again = find_candidate_edges(left, blocks, self.params.heads_per_bucket)
        return self._write_pairs(again, "edges_2")

    def verify(self, candidates: CandidatePairs[SparkPairs], number: int) -> None:
        """Estimate by two shuffles; pairs that this process holds, in this process."""
        least = self.params.threshold - self.params.margin
        if isinstance(candidates.pairs, DataFrame):
            similar = self._estimated(candidates.pairs, candidates.num_pairs, least)
            self._add(similar, number, is_exact=False)
            return
        signatures = self._signatures
        similarity = estimate_in_pieces(*candidates.pairs, signatures.of_ranks, signatures.num_perm)
        found = edge_table(candidates.pairs, similarity, number)
        with self.scratch.writer(self._new_run(), EDGE_SCHEMA) as writer:
            writer.write_table(found.filter(pc.greater_equal(found["similarity"], least)))

    def resolve(self, number: int) -> PassStats:
        """Stream all edges; write removed blobs, open edges and questions."""
        params = self.params
        resolution = Resolution(self._num_candidates, params.threshold, params.margin)
        counts = dict.fromkeys(("edges", "verified", REMOVED, OPEN, ASKED), 0)
        with ExitStack() as stack:
            writers = {
                name: stack.enter_context(self.scratch.writer(f"{name}_{number}", EDGE_SCHEMA))
                for name in (REMOVED, OPEN, ASKED)
            }
            for edges in merge_edges([self._stream(run) for run in self._runs]):
                settled = resolution.settle(edges)
                parts = {REMOVED: settled.twins, OPEN: settled.still_open, ASKED: settled.asked}
                for name, rows in parts.items():
                    writers[name].write_table(rows.cast(EDGE_SCHEMA))
                    counts[name] += rows.num_rows
                counts["edges"] += edges.num_rows
                counts["verified"] += settled.num_verified(number)
        self._removed = self._read(REMOVED, number)
        self._last = PassStats(**{f"num_{name}": count for name, count in counts.items()})
        return self._last

    def compare(self, number: int) -> None:
        """Ask for the similarities of the pairs that the last pass could not decide."""
        asked = self._read(ASKED, number).select("member", "head")
        written = self.exact.write(asked, self._last.num_asked)
        self._add(self.exact.read(written), number, is_exact=True)

    def keep_best_of_components(self, candidates: CandidatePairs[SparkPairs]) -> int:
        """Components by stars, in rounds of their own."""
        num_pairs = candidates.num_pairs
        assert isinstance(candidates.pairs, DataFrame)  # as `pair_buckets` gives them
        pairs = candidates.pairs.select(*PAIR_COLUMNS)
        stars = join_components(pairs, self.scratch, self._blocks(num_pairs))
        removed = self.scratch.write(self._estimated(stars, num_pairs, 0.0), "removed_1")
        marks = {"round": F.lit(1), "established_by": F.lit(COMPONENT)}
        self._removed = removed.withColumns(marks)
        return removed.count()

    def settle(self) -> DataFrame:
        """One row per removed blob."""
        return self.scratch.write(settle_twins(self._text_twins, self._removed), "twins")

    def num_orphans(self, twins: DataFrame) -> int:
        """Twins that are members."""
        return orphaned(twins).count()

    @property
    def _num_candidates(self) -> int:
        """Ranks run from 0 to one less."""
        return sum(file.num_rows for file in self.files)

    @property
    def _num_bands(self) -> int:
        return self._num_candidates * self.params.minhash.num_bands

    @property
    def _signatures(self) -> SignatureReader:
        return SignatureReader(files=self.files, num_perm=self.params.minhash.num_perm)

    def _num_tasks(self, num_items: int) -> int:
        return num_tasks(self.ranked, num_items)

    def _blocks(self, num_items: int) -> BlockParams:
        """Tasks for so many items, and blocks: a few per task, none too large for its memory."""
        few = self._num_candidates // (4 * self._num_tasks(self._num_bands))
        size = min(max(few, 1 << 10), MAX_RANKS_PER_BLOCK)
        return BlockParams(
            num_tasks=self._num_tasks(num_items),
            num_blocks=self._num_candidates // size + 1,
            ranks_per_block=size,
        )

    def _write_pairs(self, packed: DataFrame, name: str) -> CandidatePairs[DataFrame]:
        counted = Observation()
        num_bytes = F.coalesce(F.sum(F.octet_length("heads")), F.lit(0)).alias("num_bytes")
        written = self.scratch.write(packed.observe(counted, num_bytes), name)
        return CandidatePairs(pairs=written, num_pairs=counted.get["num_bytes"] // 8)

    def _estimated(self, pairs: DataFrame, num_pairs: int, min_similarity: float) -> DataFrame:
        limits = VerifyEdgesParams(
            min_similarity=min_similarity,
            first_member=self.num_published,
            blocks=self._blocks(num_pairs),
        )
        return verify_edges(pairs, self._signatures, limits)

    def _add(self, edges: DataFrame, number: int, is_exact: bool) -> None:
        """Write a run of edges."""
        marked = edges.withColumns({"is_exact": F.lit(is_exact), "round": F.lit(number)})
        run = sort_edges(marked.select(EDGE_SCHEMA.names), self._num_candidates)
        self.scratch.write(run, self._new_run())

    def _new_run(self) -> str:
        self._runs.append(f"verified_{len(self._runs) + 1}")
        return self._runs[-1]

    def _read(self, name: str, number: int) -> DataFrame:
        """Rows that the last pass of a round wrote under a name, with `established_by`."""
        path = self.scratch.path(f"{name}_{number}")
        reader = self.ranked.sparkSession.read.schema(from_arrow_schema(EDGE_SCHEMA))
        established_by = F.when(F.col("is_exact"), EXACT).otherwise(ESTIMATED)
        return reader.parquet(path).withColumn("established_by", established_by)

    def _stream(self, name: str) -> Iterator[pa.RecordBatch]:
        for batch in self.scratch.batches(name, EDGE_SCHEMA.names):
            yield batch.cast(EDGE_SCHEMA)
