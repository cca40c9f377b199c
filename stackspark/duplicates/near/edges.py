"""The verified edges of a search: sorted runs in scratch tables, streamed and resolved together."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.duplicates.near.kernels.hops import Pairs, hops
from stackspark.duplicates.near.kernels.resolution import Resolution, merge_edges
from stackspark.duplicates.near.tables.sort_edges import SortEdgesParams, sort_edges
from stackspark.lake.scratch import Scratch

ESTIMATED, EXACT = "estimated", "exact"

EDGE_SCHEMA = pa.schema(
    {
        "member": pa.int64(),
        "head": pa.int64(),
        "similarity": pa.float64(),
        "is_exact": pa.bool_(),
        "round": pa.int32(),
    }
)
"""Edges as the driver streams them; `is_exact` tells a similarity from an estimate of one."""

REMOVED, OPEN, ASKED = "removed", "open", "asked"
"""What a pass writes: removed blobs with their twins, open edges, questions; see `Settled`."""


@dataclass(frozen=True, kw_only=True)
class PassStats:
    """What one pass over all edges saw and decided; `num_verified` are those of the last round."""

    num_edges: int = 0
    num_verified: int = 0
    num_removed: int = 0
    num_open: int = 0
    num_asked: int = 0


@dataclass(kw_only=True)
class VerifiedEdges:
    """All edges verified so far; each round adds runs, and every pass resolves all from scratch.

    Only adding to what was removed would not do: a twin that goes in a later round leaves its
    dependents without one.
    """

    spark: SparkSession
    scratch: Scratch
    num_candidates: int
    threshold: float
    margin: float
    _runs: list[str] = field(default_factory=list)

    def add(self, edges: DataFrame) -> None:
        """Write a run of edges; `edges` has the columns of `EDGE_SCHEMA`."""
        ranges = SortEdgesParams(num_candidates=self.num_candidates)
        self.scratch.write(sort_edges(edges.select(EDGE_SCHEMA.names), ranges), self._new_run())

    def add_table(self, edges: pa.Table) -> None:
        """Write a run of a few edges that this process holds, sorted by (member, head)."""
        with self.scratch.writer(self._new_run(), EDGE_SCHEMA) as writer:
            writer.write_table(edges)

    def resolve(self, number: int) -> PassStats:
        """Decide every blob by the edges of all rounds up to this one."""
        resolution = Resolution(self.num_candidates, self.threshold, self.margin)
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
                counts["verified"] += num_of_round(settled.similar, number)
        return PassStats(**{f"num_{name}": count for name, count in counts.items()})

    def read(self, name: str, number: int) -> DataFrame:
        """What the last pass of a round wrote under a name, with `established_by`."""
        path = self.scratch.path(f"{name}_{number}")
        edges = self.spark.read.schema(from_arrow_schema(EDGE_SCHEMA)).parquet(path)
        established_by = F.when(F.col("is_exact"), EXACT).otherwise(ESTIMATED)
        return edges.withColumn("established_by", established_by)

    def hops(self, number: int) -> Pairs:
        """Pairs of members of open edges with the twins of their heads; for a few open edges."""
        return hops(self._stream(f"{OPEN}_{number}"), self._stream(f"{REMOVED}_{number}"))

    def _new_run(self) -> str:
        self._runs.append(f"verified_{len(self._runs) + 1}")
        return self._runs[-1]

    def _stream(self, name: str) -> Iterator[pa.RecordBatch]:
        for batch in self.scratch.batches(name, EDGE_SCHEMA.names):
            yield batch.cast(EDGE_SCHEMA)


def num_of_round(edges: pa.Table, number: int) -> int:
    """Number of edges that a round found."""
    return int(pc.sum(pc.equal(edges["round"], number), min_count=0).as_py())


def edge_table(
    pairs: Pairs, similarity: npt.NDArray[np.float64], number: int, is_exact: bool = False
) -> pa.Table:
    """Edges of a round as a table of `EDGE_SCHEMA`."""
    members, heads = pairs
    columns = {
        "member": members,
        "head": heads,
        "similarity": similarity,
        "is_exact": np.full(len(members), is_exact),
        "round": np.full(len(members), number, np.int32),
    }
    return pa.table(columns, schema=EDGE_SCHEMA)
