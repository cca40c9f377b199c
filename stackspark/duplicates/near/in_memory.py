"""The search for near-duplicates in the memory of one process: Spark's rounds without its jobs.

A job costs Spark half a second of CPU, and a search has twenty. Here the same kernels work on
arrays, one band after the other, and find the same twins round by round.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stackspark.duplicates.near.edges import ESTIMATED, EXACT, edge_table, num_of_round
from stackspark.duplicates.near.kernels.buckets import NO_HEAD, BucketHeads
from stackspark.duplicates.near.kernels.equal_texts import pair_equal
from stackspark.duplicates.near.kernels.hops import Pairs, distinct_pairs, hops
from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.kernels.resolution import ORDER, Resolution, Settled
from stackspark.duplicates.near.kernels.shingles import Hashes
from stackspark.duplicates.near.kernels.signatures import estimate_in_pieces, width_bytes
from stackspark.duplicates.near.params import (
    COMPONENT,
    COMPONENTS,
    NearDuplicatesParams,
    RoundStats,
    components_round,
    is_settled,
)
from stackspark.duplicates.near.stack_v2.union_find import best_of_components
from stackspark.duplicates.near.tables.settle_twins import NORMALIZED_TEXT
from stackspark.errors import ContractError
from stackspark.runtime.buffers import Bytes, Flags, Longs, fixed_width_rows, text_buffers

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
"""What of a candidate is compared: its scope, 32 hex digits, uint64 each, 2 bits each."""

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


@dataclass(frozen=True, kw_only=True)
class FoundTwins:
    """What a search found: one row of `TWINS` per removed candidate, by ascending member."""

    twins: pa.Table
    num_text_twins: int
    rounds: tuple[RoundStats, ...]
    is_settled: bool


def search_arrays(
    candidates: Candidates,
    params: NearDuplicatesParams,
    compare: Compare,
    num_published: int = 0,
) -> FoundTwins:
    """Find the candidates to remove as duplicates of better ones.

    Args:
        candidates: by rank.
        params: limits.
        compare: gives the exact similarities that are asked for.
        num_published: so many of the first ranks stay.
    """
    search = _Search(candidates, params, compare, num_published)
    text_twins = search.pair_texts()
    removed = search.run(text_twins[0])
    return FoundTwins(
        twins=_settled(text_twins, removed),
        num_text_twins=len(text_twins[0]),
        rounds=tuple(search.rounds),
        is_settled=search.is_settled(),
    )


@dataclass
class _Search:
    candidates: Candidates
    params: NearDuplicatesParams
    compare: Compare
    num_published: int
    rounds: list[RoundStats] = field(default_factory=list)
    _edges: list[pa.Table] = field(default_factory=list)

    def pair_texts(self) -> Pairs:
        """Blobs that repeat a better one's normalised text."""
        ranks = self.candidates.with_text
        scopes = self._mixed(ranks)[:, np.newaxis]
        members, heads = pair_equal(self.candidates.text_hashes ^ scopes, ranks)
        is_new = members >= self.num_published
        return members[is_new], heads[is_new]

    def run(self, text_twins: Longs) -> pa.Table:
        """Go through the rounds; returns the edges of removed blobs to their kept twins."""
        is_out = np.zeros(len(self.candidates), np.bool_)
        is_out[text_twins] = True
        pairs, num_pairs = self._bucket_pairs(is_out)
        if self.params.rule == COMPONENTS:
            return self._join(pairs, num_pairs)
        self._verify(pairs, 1)
        while True:
            settled = self._resolve(num_pairs)
            if self.is_settled() or len(self.rounds) == self.params.max_rounds:
                return _marked(settled.twins)
            following = hops(settled.still_open.to_batches(), settled.twins.to_batches())
            num_pairs = len(following[0])
            self._verify(following, len(self.rounds) + 1)
            if len(self.rounds) == 1:
                is_gone = is_out.copy()
                is_gone[settled.twins["member"].to_numpy()] = True
                peeled, num_peeled = self._peeled_pairs(is_out, is_gone)
                self._verify(peeled, 2)
                num_pairs += num_peeled

    def is_settled(self) -> bool:
        """Whether a further round found nothing new."""
        return is_settled(self.params, self.rounds[-1])

    def _mixed(self, ranks: Longs) -> Hashes:
        """What keeps the hashes of two scopes apart."""
        return self.candidates.scopes[ranks].astype(np.uint64) * SCOPE_FACTOR

    def _bands(self, is_out: Flags) -> Iterator[tuple[Hashes, Longs, BucketHeads]]:
        """Of each band, the hashes and ranks of all that take part, and the best per hash."""
        takes_part = ~is_out[self.candidates.with_bands]
        ranks = self.candidates.with_bands[takes_part]
        scopes = self._mixed(ranks)
        for band in self.candidates.band_hashes.T:
            hashes = band[takes_part] ^ scopes
            buckets = BucketHeads(1)
            buckets.add(hashes, ranks)
            yield hashes, ranks, buckets

    def _bucket_pairs(self, is_out: Flags) -> tuple[Pairs, int]:
        """Pairs of each blob with the best one of each of its buckets, and how many were seen."""
        gathered = _Gathered()
        for hashes, ranks, buckets in self._bands(is_out):
            gathered.add(ranks, buckets.heads(hashes, ranks))
        return gathered.distinct(), gathered.num_seen

    def _peeled_pairs(self, is_out: Flags, is_gone: Flags) -> tuple[Pairs, int]:
        """As `_bucket_pairs`, of what is left of the buckets without their heads."""
        gathered = _Gathered()
        for hashes, ranks, buckets in self._bands(is_out):
            is_left = (buckets.heads(hashes, ranks)[:, 0] != NO_HEAD) & ~is_gone[ranks]
            left = BucketHeads(self.params.heads_per_bucket)
            left.add(hashes[is_left], ranks[is_left])
            gathered.add(ranks[is_left], left.heads(hashes[is_left], ranks[is_left]))
        return gathered.distinct(), gathered.num_seen

    def _verify(self, pairs: Pairs, number: int) -> None:
        """Keep the pairs whose signatures say that they may be similar."""
        members, heads, similarity = self._estimated(pairs)
        is_near = similarity >= self.params.threshold - self.params.margin
        self._edges.append(edge_table((members, heads), similarity, number).filter(is_near))

    def _estimated(self, pairs: Pairs) -> tuple[Longs, Longs, npt.NDArray[np.float64]]:
        """Pairs of new members, and their estimated similarities."""
        is_new = pairs[0] >= self.num_published
        members, heads = pairs[0][is_new], pairs[1][is_new]
        of_ranks, num_perm = self.candidates.signatures.__getitem__, self.params.minhash.num_perm
        similarity = estimate_in_pieces(members, heads, of_ranks, num_perm)
        return members, heads, similarity

    def _resolve(self, num_pairs: int) -> Settled:
        """Decide all blobs by the edges so far."""
        start, number = time.perf_counter(), len(self.rounds) + 1
        settled = self._pass()
        num_compared = settled.asked.num_rows
        if num_compared:
            self._edges.append(self._compared(settled.asked, number))
            settled = self._pass()
            check_answered(settled.asked.num_rows, num_compared)
        self.rounds.append(
            RoundStats(
                round=number,
                num_pairs=num_pairs,
                num_verified=num_of_round(settled.similar, number),
                num_compared=num_compared,
                num_removed=settled.twins.num_rows,
                num_edges_resolved=sum(edges.num_rows for edges in self._edges),
                resolve_seconds=time.perf_counter() - start,
            )
        )
        return settled

    def _pass(self) -> Settled:
        edges = pa.concat_tables(self._edges).sort_by(ORDER)
        limits = self.params.threshold, self.params.margin
        return Resolution(len(self.candidates), *limits).settle(edges)

    def _compared(self, asked: pa.Table, number: int) -> pa.Table:
        """Edges with the exact similarities that a pass asked for."""
        compared = self.compare(asked)
        pairs = compared["member"].to_numpy(), compared["head"].to_numpy()
        return edge_table(pairs, compared["similarity"].to_numpy(), number, is_exact=True)

    def _join(self, pairs: Pairs, num_pairs: int) -> pa.Table:
        """The rule `components`: everything that a chain of pairs connects goes but its best."""
        start = time.perf_counter()
        stars = best_of_components(len(self.candidates), *pairs)
        seconds = time.perf_counter() - start
        members, heads, similarity = self._estimated(stars)
        self.rounds.append(components_round(num_pairs, len(members), seconds))
        edges = edge_table((members, heads), similarity, 1)
        return edges.append_column("established_by", pa.array([COMPONENT] * len(members)))


class _Gathered:
    """Pairs of many buckets: each is kept once, and all are counted."""

    def __init__(self) -> None:
        self.num_seen = 0
        self._pairs: list[Pairs] = []
        self._num_pending = 0

    def add(self, ranks: Longs, heads: Longs) -> None:
        """Take in members of buckets with their heads, as `BucketHeads` gives them."""
        has_head = heads[:, 0] != NO_HEAD
        ranks, heads = ranks[has_head], heads[has_head]
        self.num_seen += heads.size
        members, heads = np.repeat(ranks, heads.shape[1]), heads.ravel()
        self._pairs.append((members[heads != NO_HEAD], heads[heads != NO_HEAD]))
        self._num_pending += len(self._pairs[-1][0])
        if self._num_pending > MAX_PENDING_PAIRS:
            self._pairs, self._num_pending = [self.distinct()], 0

    def distinct(self) -> Pairs:
        """Each pair once, in order."""
        members, heads = (
            np.concatenate([np.zeros(0, np.int64), *(pair[side] for pair in self._pairs)])
            for side in (0, 1)
        )
        return distinct_pairs(members, heads)


def _marked(edges: pa.Table) -> pa.Table:
    """Edges with the words for how their similarity is known."""
    is_exact = edges["is_exact"].to_numpy()
    return edges.append_column("established_by", pa.array(np.where(is_exact, EXACT, ESTIMATED)))


def _settled(text_twins: Pairs, removed: pa.Table) -> pa.Table:
    """Join the two kinds of removed blobs, as `settle_twins` does for Spark."""
    near = removed.select(["member", "head", "similarity", "established_by", "round"])
    near = near.rename_columns(TWINS.names).cast(TWINS)
    members, heads = text_twins
    went = near["member"].to_numpy()
    place = np.searchsorted(went, heads)
    place[place == len(went)] = 0
    goes = went[place] == heads if len(went) else np.zeros(len(heads), np.bool_)
    stays = ~goes
    same = pa.table(
        [
            members[stays],
            heads[stays],
            np.ones(stays.sum()),
            pa.array([NORMALIZED_TEXT] * int(stays.sum()), pa.string()),
            np.zeros(stays.sum(), np.int32),
        ],
        schema=TWINS,
    )
    with_head = near.take(place[goes]).set_column(0, "member", pa.array(members[goes]))
    twins = pa.concat_tables([near, same, with_head.cast(TWINS)]).sort_by("member")
    check_twins_stay(int(pc.sum(pc.is_in(twins["twin"], twins["member"])).as_py() or 0))
    return twins


def check_answered(num_open: int, num_asked: int) -> None:
    """Raise `ContractError` if pairs whose exact similarity decides have none."""
    if num_open:
        raise ContractError(
            f"near_duplicates: {num_open} of {num_asked} pairs near the threshold "
            "found no texts to compare; nothing was removed"
        )


def check_twins_stay(num_orphans: int) -> None:
    """Raise `ContractError` if removed blobs have a twin that was removed."""
    if num_orphans:
        raise ContractError(
            f"near_duplicates: every removed blob needs a twin that stays; {num_orphans} have none."
            " This is a defect of stackspark; nothing was removed"
        )
