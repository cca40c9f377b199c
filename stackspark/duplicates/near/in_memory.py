"""The rounds of a search in the memory of one process, by NumPy.

A job costs Spark half a second of CPU, and a search has twenty. Here the same kernels work on
arrays, one band after the other, and find the same twins round by round.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stackspark.duplicates.near.kernels.buckets import NO_HEAD, BucketHeads
from stackspark.duplicates.near.kernels.edges import ORDER, edge_table
from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.kernels.pairs import (
    NO_PAIRS,
    Pairs,
    concat_pairs,
    distinct_pairs,
    hops,
    pair_equal,
)
from stackspark.duplicates.near.kernels.resolution import Resolution, Settled
from stackspark.duplicates.near.kernels.shingles import Hashes
from stackspark.duplicates.near.kernels.signatures import estimate_in_pieces, width_bytes
from stackspark.duplicates.near.params import (
    COMPONENT,
    ESTIMATED,
    EXACT,
    NORMALIZED_TEXT,
    NearDuplicatesParams,
)
from stackspark.duplicates.near.rounds import CandidatePairs, PassStats
from stackspark.duplicates.near.stack_v2.union_find import best_of_components
from stackspark.runtime.buffers import Bytes, Longs, fixed_width_rows, text_buffers

TWINS = pa.schema(
    {
        "member": pa.int64(),
        "twin": pa.int64(),
        "similarity": pa.float64(),
        "established_by": pa.string(),
        "round": pa.int32(),
    }
)

MAX_PENDING_PAIRS = 1 << 22
"""Pairs that are gathered before those of several bands become one: 64 MB."""

SCOPE_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no two scopes get one product; its bits look random."""

MEASURED = pa.schema(
    {
        "scope": pa.string(),
        "normalized_hash": pa.string(),
        "band_hashes": pa.binary(),
        "signature": pa.binary(),
    }
)
"""Columns of a candidate that are compared: 32 hex digits, uint64 each, 2 bits each."""

Compare = Callable[[pa.Table], pa.Table]
"""From the pairs (`member`, `head`) that a round asks for to these with their exact `similarity`,
in any order."""


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Candidates by rank, from the best copy on.

    `scopes` (int64, shape (n,)) numbers the scopes. `with_text` lists the ranks that have a
    normalised text, `text_hashes` (uint64, shape (len(with_text), 2)) its hash; `with_bands` the
    ranks with shingles, `band_hashes` (uint64, shape (len(with_bands), bands)) their bands, and
    `signatures` (uint8, shape (n, bytes)) all signatures, 0 without shingles.
    """

    scopes: Longs
    with_text: Longs
    text_hashes: Hashes
    with_bands: Longs
    band_hashes: Hashes
    signatures: Bytes

    def __len__(self) -> int:
        return len(self.scopes)


def candidates_of(measured: pa.Table, minhash: MinHashParams) -> Candidates:
    """Candidates from the rows of `MEASURED`, in the order of their ranks."""
    scopes, hashes, bands, signatures = (measured[name].combine_chunks() for name in MEASURED.names)
    has_text, has_bands = (
        column.is_valid().to_numpy(zero_copy_only=False) for column in (hashes, bands)
    )
    digits = text_buffers(hashes.drop_null())[0].tobytes().decode()
    return Candidates(
        scopes=scopes.dictionary_encode().indices.to_numpy().astype(np.int64),
        with_text=np.flatnonzero(has_text),
        text_hashes=np.frombuffer(bytes.fromhex(digits), np.uint64).reshape(-1, 2),
        with_bands=np.flatnonzero(has_bands),
        band_hashes=fixed_width_rows(bands.drop_null(), 8 * minhash.num_bands).view(np.uint64),
        signatures=fixed_width_rows(signatures, width_bytes(minhash.num_perm)),
    )


class InMemoryEngine:
    """The engine of `rounds.find_twins` for candidates that fit in memory; twins are `TWINS`.

    `compare` gives the exact similarities that are asked for; the first `num_published` ranks stay.
    """

    def __init__(
        self,
        candidates: Candidates,
        params: NearDuplicatesParams,
        compare: Compare,
        num_published: int = 0,
    ) -> None:
        self._candidates, self._params, self._compare = candidates, params, compare
        self._num_published = num_published
        self._text_twins = NO_PAIRS
        self._is_out = np.zeros(len(candidates), np.bool_)
        self._edges: list[pa.Table] = []
        self._settled: Settled
        self._removed: pa.Table

    def pair_texts(self) -> int:
        """Pair blobs of one scope by the hash of their normalised text."""
        ranks = self._candidates.with_text
        scopes = self._mixed(ranks)[:, np.newaxis]
        pairs = pair_equal(self._candidates.text_hashes ^ scopes, ranks)
        self._text_twins = self._of_new_members(pairs)
        self._is_out[self._text_twins[0]] = True
        return len(self._text_twins[0])

    def pair_buckets(self) -> CandidatePairs[Pairs]:
        """Pair up each band on its own; a pair of several bands is kept once."""
        gathered = _Gathered()
        for hashes, ranks, buckets in self._bands():
            gathered.add(ranks, buckets.heads(hashes, ranks))
        return gathered.candidates()

    def follow(self, number: int) -> CandidatePairs[Pairs]:  # noqa: ARG002 - of the protocol
        """Follow the open edges of the last pass."""
        settled = self._settled
        pairs = hops(settled.still_open.to_batches(), settled.twins.to_batches())
        return CandidatePairs(pairs=pairs, num_pairs=len(pairs[0]))

    def peel(self) -> CandidatePairs[Pairs]:
        """As `pair_buckets`, of what is left of the buckets without their heads."""
        is_gone = np.zeros(len(self._candidates), np.bool_)
        is_gone[self._settled.twins["member"].to_numpy()] = True
        gathered = _Gathered()
        for hashes, ranks, buckets in self._bands():
            is_left = (buckets.heads(hashes, ranks)[:, 0] != NO_HEAD) & ~is_gone[ranks]
            left = BucketHeads(self._params.heads_per_bucket)
            left.add(hashes[is_left], ranks[is_left])
            gathered.add(ranks[is_left], left.heads(hashes[is_left], ranks[is_left]))
        return gathered.candidates()

    def verify(self, candidates: CandidatePairs[Pairs], number: int) -> None:
        """Estimate all pairs."""
        edges = self._estimated(candidates.pairs, number)
        least = self._params.threshold - self._params.margin
        self._edges.append(edges.filter(pc.greater_equal(edges["similarity"], least)))

    def resolve(self, number: int) -> PassStats:
        """Sort all edges and decide all members at once."""
        edges = pa.concat_tables(self._edges).sort_by(ORDER)
        limits = self._params.threshold, self._params.margin
        self._settled = settled = Resolution(len(self._candidates), *limits).settle(edges)
        is_exact = settled.twins["is_exact"]
        ways = pc.if_else(is_exact, EXACT, ESTIMATED)
        self._removed = settled.twins.append_column("established_by", ways)
        return PassStats(
            num_edges=edges.num_rows,
            num_verified=settled.num_verified(number),
            num_removed=settled.twins.num_rows,
            num_open=settled.still_open.num_rows,
            num_asked=settled.asked.num_rows,
        )

    def compare(self, number: int) -> None:
        """Ask for the similarities of the pairs that the last pass could not decide."""
        compared = self._compare(self._settled.asked)
        pairs = compared["member"].to_numpy(), compared["head"].to_numpy()
        similarity = compared["similarity"].to_numpy()
        self._edges.append(edge_table(pairs, similarity, number, is_exact=True))

    def keep_best_of_components(self, candidates: CandidatePairs[Pairs]) -> int:
        """Components by union-find."""
        stars = best_of_components(len(self._candidates), *candidates.pairs)
        edges = self._estimated(stars, 1)
        ways = pa.array([COMPONENT] * edges.num_rows, pa.string())
        self._removed = edges.append_column("established_by", ways)
        return int(edges.num_rows)

    def settle(self) -> pa.Table:
        """One row per removed blob, by ascending member; see `settle_twins` for Spark."""
        near = self._removed.select(["member", "head", "similarity", "established_by", "round"])
        near = near.rename_columns(TWINS.names).cast(TWINS)
        members, heads = self._text_twins
        place = pc.index_in(pa.array(heads), near["member"].combine_chunks())
        goes = place.is_valid()
        with_head = near.take(place.drop_null())
        with_head = with_head.set_column(0, "member", pa.array(members).filter(goes))
        stays = pc.invert(goes)
        sides = [pa.array(side).filter(stays) for side in (members, heads)]
        evidence = [pa.repeat(value, len(sides[0])) for value in (1.0, NORMALIZED_TEXT, 0)]
        same = pa.table([*sides, *evidence], TWINS.names).cast(TWINS)
        return pa.concat_tables([near, same, with_head]).sort_by("member")

    def num_orphans(self, twins: pa.Table) -> int:
        """Twins that are members."""
        return int(pc.sum(pc.is_in(twins["twin"], twins["member"])).as_py() or 0)

    def _mixed(self, ranks: Longs) -> Hashes:
        """Numbers that keep the hashes of two scopes apart."""
        return self._candidates.scopes[ranks].astype(np.uint64) * SCOPE_FACTOR

    def _bands(self) -> Iterator[tuple[Hashes, Longs, BucketHeads]]:
        """Of each band, the hashes and ranks of all that take part, and the best per hash."""
        takes_part = ~self._is_out[self._candidates.with_bands]
        ranks = self._candidates.with_bands[takes_part]
        scopes = self._mixed(ranks)
        for band in self._candidates.band_hashes.T:
            hashes = band[takes_part] ^ scopes
            buckets = BucketHeads(1)
            buckets.add(hashes, ranks)
            yield hashes, ranks, buckets

    def _of_new_members(self, pairs: Pairs) -> Pairs:
        """Pairs whose member may go."""
        is_new = pairs[0] >= self._num_published
        return pairs[0][is_new], pairs[1][is_new]

    def _estimated(self, pairs: Pairs, number: int) -> pa.Table:
        """Edges of new members with their estimated similarities."""
        pairs = self._of_new_members(pairs)
        of_ranks, num_perm = self._candidates.signatures.__getitem__, self._params.minhash.num_perm
        return edge_table(pairs, estimate_in_pieces(*pairs, of_ranks, num_perm), number)


class _Gathered:
    """Pairs of many buckets: each is kept once, and all are counted."""

    def __init__(self) -> None:
        self._num_pairs = 0
        self._pairs: list[Pairs] = []
        self._num_pending = 0

    def add(self, ranks: Longs, heads: Longs) -> None:
        """Add members of buckets with their heads, as `BucketHeads` gives them."""
        has_head = heads[:, 0] != NO_HEAD
        ranks, heads = ranks[has_head], heads[has_head]
        self._num_pairs += heads.size
        members, heads = np.repeat(ranks, heads.shape[1]), heads.ravel()
        self._pairs.append((members[heads != NO_HEAD], heads[heads != NO_HEAD]))
        self._num_pending += len(self._pairs[-1][0])
        if self._num_pending > MAX_PENDING_PAIRS:
            self._pairs, self._num_pending = [self._distinct()], 0

    def candidates(self) -> CandidatePairs[Pairs]:
        """Each pair once, in order."""
        return CandidatePairs(pairs=self._distinct(), num_pairs=self._num_pairs)

    def _distinct(self) -> Pairs:
        return distinct_pairs(*concat_pairs(self._pairs))
