"""The truth: all pairs of files whose sets of shingles have a Jaccard similarity of 0.65 or more.

An exact join, no sketch: shingles are numbered from the rarest to the most frequent, and files from
the smallest set to the largest. Two sets that are so similar must share one of the first
`n - ceil(t * n) + 1` numbers of the larger and of the first `n - ceil(2t / (1 + t) * n) + 1` of the
smaller; so only these are looked up and indexed, and every pair that meets there is counted out.
(Bayardo, Ma and Srikant 2007; Xiao and others 2008.) All thresholds are fractions of integers.
"""

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from near_duplicates.corpora import Corpus
from near_duplicates.shingles import Files, Hashes, Longs, measure

LEAST_PERCENT = 65
NUM_SLICES = 16
"""Hashes are numbered by slices of their values: a sixteenth of them is sorted at a time."""

Labels = npt.NDArray[np.uint32]


class Truth(NamedTuple):
    """Facts of a corpus' rows, and its pairs of similar rows, `left` < `right`."""

    num_tokens: Longs
    num_bytes: Longs
    normalized: npt.NDArray[np.bytes_]
    left: Longs
    right: Longs
    similarity: npt.NDArray[np.float64]


class Sets(NamedTuple):
    """Sets from the smallest to the largest; shingles that only one of them has are left out.

    `rows` says which row each is, `sizes` counts its shingles, and those that others have too are
    `labels[starts[i] : starts[i + 1]]`, ascending from the rarest.
    """

    rows: Longs
    sizes: Longs
    starts: Longs
    labels: Labels


def find_truth(corpus: Corpus) -> Truth:
    """The truth of a corpus, found once and kept beside it."""
    facts, pairs = (corpus.path.with_suffix(f".{name}.parquet") for name in ("facts", "pairs"))
    if not pairs.exists():
        files = measure(corpus)
        found = similar_pairs(files.shingles, files.ends)
        pq.write_table(facts_table(files), facts)
        pq.write_table(
            pa.table(dict(zip(("left", "right", "similarity"), found, strict=True))), pairs
        )
    rows, edges = pq.read_table(facts), pq.read_table(pairs)
    return Truth(
        num_tokens=rows["num_tokens"].to_numpy(),
        num_bytes=rows["num_bytes"].to_numpy(),
        normalized=np.array(rows["normalized"].to_pylist(), "S32"),
        left=edges["left"].to_numpy(),
        right=edges["right"].to_numpy(),
        similarity=edges["similarity"].to_numpy(),
    )


def facts_table(files: Files) -> pa.Table:
    """What the truth keeps of the rows themselves."""
    return pa.table(
        {
            "num_tokens": files.num_tokens,
            "num_bytes": files.num_bytes,
            "normalized": pa.array(files.normalized.tolist(), pa.binary()),
        }
    )


def similar_pairs(
    shingles: Hashes, ends: Longs, percent: int = LEAST_PERCENT
) -> tuple[Longs, Longs, npt.NDArray[np.float64]]:
    """All pairs of sets with a Jaccard similarity of `percent` / 100 or more.

    Args:
        shingles: the sets one after another, each without repeats.
        ends: where each set ends; empty sets are similar to nothing.

    Returns:
        left, right (numbers of sets, left < right) and similarity of each pair, in order.
    """
    sets = as_sets(shingles, ends)
    places = _capacities(sets, percent)
    left, right, similarity = _join(sets, percent, places, np.empty(places[-1], np.int32))
    left, right = np.minimum(left, right), np.maximum(left, right)
    order = np.lexsort((right, left))
    return left[order], right[order], similarity[order]


def as_sets(shingles: Hashes, ends: Longs) -> Sets:
    """Number the shingles from the rarest on, and sort the sets by size."""
    labels, num_files = number_shingles(shingles)
    order = np.argsort(num_files, kind="stable")
    places = np.empty(len(order), np.uint32)
    places[order] = np.arange(len(order), dtype=np.uint32)
    num_unique = int(np.searchsorted(num_files[order], 2))
    starts = np.concatenate([[0], ends])
    sizes = np.diff(starts)
    rows = np.argsort(sizes, kind="stable")
    shared: list[Labels] = []
    for row in rows:
        numbers = np.sort(places[labels[starts[row] : starts[row + 1]]])
        shared.append(numbers[np.searchsorted(numbers, num_unique) :] - np.uint32(num_unique))
    return Sets(
        rows=rows,
        sizes=sizes[rows],
        starts=np.concatenate([[0], np.cumsum([len(each) for each in shared], dtype=np.int64)]),
        labels=np.concatenate([np.zeros(0, np.uint32), *shared]),
    )


def number_shingles(shingles: Hashes) -> tuple[Labels, Longs]:
    """A number for each distinct shingle, at every place where it stands; and its frequency."""
    labels = np.empty(len(shingles), np.uint32)
    frequencies: list[Longs] = []
    num_labels = 0
    slices = (shingles >> np.uint64(60)).astype(np.uint8)
    for number in range(NUM_SLICES):
        places = np.flatnonzero(slices == number)
        _, inverse, counts = np.unique(shingles[places], return_inverse=True, return_counts=True)
        labels[places] = inverse + num_labels
        num_labels += len(counts)
        frequencies.append(counts)
    return labels, np.concatenate(frequencies)


@numba.njit(inline="always")
def _up(numerator: int, denominator: int) -> int:
    """Quotient, rounded up."""
    return -(-numerator // denominator)


@numba.njit(inline="always")
def _indexed(size: int, num_shared: int, percent: int) -> int:
    """How many shared labels of a set are indexed; unique ones come first and are not looked up."""
    first = size - _up(2 * percent * size, 100 + percent) + 1
    return max(0, first - (size - num_shared))


@numba.njit(cache=True)
def _capacities(sets: Sets, percent: int) -> Longs:
    """Where the list of each label starts in the index."""
    num_labels = 0
    for label in sets.labels:
        num_labels = max(num_labels, label + 1)
    places = np.zeros(num_labels + 1, np.int64)
    for number in range(len(sets.sizes)):
        start, end = sets.starts[number], sets.starts[number + 1]
        count = _indexed(sets.sizes[number], end - start, percent)
        for label in sets.labels[start : start + count]:
            places[label + 1] += 1
    return np.cumsum(places)


@numba.njit(cache=True)
def _common(left: Labels, right: Labels, least: int) -> int:
    """Labels that two ascending lists share, or -1 once they can't be as many as `least`."""
    i = j = common = 0
    while i < len(left) and j < len(right):
        if common + min(len(left) - i, len(right) - j) < least:
            return -1
        if left[i] == right[j]:
            common += 1
            i += 1
            j += 1
        elif left[i] < right[j]:
            i += 1
        else:
            j += 1
    return common if common >= least else -1


@numba.njit(cache=True)
def _join(
    sets: Sets, percent: int, places: Longs, index: npt.NDArray[np.int32]
) -> tuple[Longs, Longs, npt.NDArray[np.float64]]:
    """Look up each set among the smaller ones, then add it to the index."""
    firsts, ends = places[:-1].copy(), places[:-1].copy()
    seen = np.full(len(sets.sizes), -1, np.int32)
    found, num_found = np.empty((1024, 3), np.int64), 0
    for number in range(len(sets.sizes)):
        size = sets.sizes[number]
        labels = sets.labels[sets.starts[number] : sets.starts[number + 1]]
        num_looked_up = max(0, size - _up(percent * size, 100) + 1 - (size - len(labels)))
        smallest = _up(percent * size, 100)
        for label in labels[:num_looked_up]:
            while firsts[label] < ends[label] and sets.sizes[index[firsts[label]]] < smallest:
                firsts[label] += 1
            for place in range(firsts[label], ends[label]):
                other = index[place]
                if seen[other] == number:
                    continue
                seen[other] = number
                both = size + sets.sizes[other]
                least = _up(percent * both, 100 + percent)
                others = sets.labels[sets.starts[other] : sets.starts[other + 1]]
                common = _common(labels, others, least)
                if common >= 0:
                    if num_found == len(found):
                        found = np.concatenate((found, np.empty_like(found)))
                    found[num_found] = sets.rows[number], sets.rows[other], common
                    num_found += 1
        for label in labels[: _indexed(size, len(labels), percent)]:
            index[ends[label]] = number
            ends[label] += 1
    left, right, similarity = (
        np.empty(num_found, np.int64),
        np.empty(num_found, np.int64),
        np.empty(num_found),
    )
    sizes = np.empty(len(sets.rows), np.int64)
    sizes[sets.rows] = sets.sizes
    for pair in range(num_found):
        left[pair], right[pair], common = found[pair]
        similarity[pair] = common / (sizes[left[pair]] + sizes[right[pair]] - common)
    return left, right, similarity
