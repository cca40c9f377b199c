"""Matcher of benchmark strings in texts, regardless of letter case and white space.

Texts and strings are lower-cased and lose all white space (`str.isspace`); then a string occurs
where it is a substring. Each character is lower-cased alone, so that its neighbours do not matter:
a final sigma is a sigma.

One search for all strings, in three steps. A Bloom filter with one hash is probed every `stride`
bytes of a text for 8 bytes that stand near the start of a string, then a table of hashes for the
whole start. The few texts that pass are read by an Aho-Corasick automaton of the first 64 bytes of
each string (of whole strings it would take 12 bytes of memory a byte), and its hits are compared in
full. No step loses an occurrence.

Short strings match everywhere once the white space is gone (``returnx+y``), so they are left out
and named in `BenchmarkMatcher.dropped`.

Source: StarCoder2 paper (arXiv 2402.19173), decontamination; HumanEval exceptions of the published
StarCoder code.
"""

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from ahocorasick_rs import BytesAhoCorasick, Implementation

from stackspark.runtime.buffers import Bytes, Flags, Longs, text_buffers
from stackspark.runtime.compiled import compiled, inlined
from stackspark.texts.text_metrics import decode_at, require_texts

MATCHER_VERSION = f"1/unicode-{unicodedata.unidata_version}"
"""Changes with any result of `BenchmarkMatcher.matches`."""

MIN_NORMALIZED_CHARS = 20

HUMAN_EVAL_EXCEPTIONS = (
    "return x + y",
    "return len(string)",
    "return n**2",
    "return ''.join(strings)",
)
"""Solutions of HumanEval that any program may hold."""

MATCH_TYPE = pa.struct([(part, pa.string()) for part in ("benchmark", "item_id", "field")])

PROBE_BYTES, MAX_START_BYTES, PREFIX_BYTES = 8, 32, 64
BITS_PER_ENTRY = 32
PIECE_BYTES = 65_536
"""Bytes that the automaton reads at a time, so that its list of hits stays small on any text."""

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

WHITE_SPACE = -1
DOTTED_I, SMALL_I, DOT_ABOVE = 0x130, 0x69, 0x307
"""The one character whose lower case is two."""

Match = tuple[str, str, str]
Lowered = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkItem:
    """One text of a benchmark: a docstring, a solution, a question."""

    benchmark: str
    item_id: str
    field: str
    text: str


class StartFilter(NamedTuple):
    """Filter of texts by the starts of all strings; with a stride of 0 every text passes.

    `probes` and `words` are Bloom filters with one hash: of the 8 bytes at each of the first
    `stride` bytes of a string, and of its first 8 bytes; `starts` are hashes of its first
    `stride + 7` bytes, sorted.
    """

    stride: int
    probes: Bytes
    words: Bytes
    starts: Hashes


class CompiledMatcher(NamedTuple):
    """Filter and automaton of a matcher, compiled once per process."""

    filter: StartFilter
    automaton: BytesAhoCorasick
    needles: tuple[bytes, ...]
    by_prefix: tuple[tuple[int, ...], ...]


class BenchmarkMatcher:
    """Finds the items of benchmarks in texts.

    It pickles as its normalised strings, a few megabytes, and is compiled on its first use in a
    process, in less than a second. Equal fingerprints mean equal answers.

    Attributes:
        dropped: items shorter than the minimum once normalised, in the order given.
        excepted: items that equal an exception once normalised, in the order given.
        needles: normalised strings that are looked for, sorted, no two equal.
        owners: for each of them the items that it stands for, sorted.
        fingerprint: SHA-256 over version, strings and items, 64 hex digits.
    """

    def __init__(
        self,
        items: Iterable[BenchmarkItem],
        *,
        min_normalized_chars: int = MIN_NORMALIZED_CHARS,
        exceptions: Iterable[str] = HUMAN_EVAL_EXCEPTIONS,
    ) -> None:
        items = tuple(items)
        needles = normalize([item.text for item in items])
        excepted = set(normalize(list(exceptions)))
        pairs = list(zip(needles, items, strict=True))
        self.excepted = tuple(item for needle, item in pairs if needle in excepted)
        pairs = [pair for pair in pairs if pair[0] not in excepted]
        min_chars = max(min_normalized_chars, 1)
        self.dropped = tuple(item for needle, item in pairs if len(needle) < min_chars)
        owners: dict[str, set[Match]] = {}
        for needle, item in pairs:
            if len(needle) >= min_chars:
                owners.setdefault(needle, set()).add((item.benchmark, item.item_id, item.field))
        self.needles = tuple(sorted(owners))
        self.owners = tuple(tuple(sorted(owners[needle])) for needle in self.needles)
        looked_for = [MATCHER_VERSION, self.needles, self.owners]
        self.fingerprint = sha256(json.dumps(looked_for).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BenchmarkMatcher) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def matches(self, texts: pa.Array) -> pa.Array:
        """Items that occur in each text.

        Args:
            texts: n texts, string or large_string, valid UTF-8, no nulls.

        Returns:
            list<struct<benchmark, item_id, field>>, n lists, never null, sorted, without repeats.

        Raises:
            ValueError: if a text is null.
        """
        require_texts(texts)
        found = self._found(texts) if self.needles else {}
        sizes = np.zeros(len(texts) + 1, np.int32)
        for row, matches in found.items():
            sizes[row + 1] = len(matches)
        values = [match for row in sorted(found) for match in found[row]]
        structs = pa.array(
            [dict(zip(MATCH_TYPE.names, v, strict=True)) for v in values], MATCH_TYPE
        )
        return pa.ListArray.from_arrays(pa.array(np.cumsum(sizes, dtype=np.int32)), structs)

    def _found(self, texts: pa.Array) -> dict[int, list[Match]]:
        search = _compiled_matcher(self)
        normalized, offsets = _normalized(texts)
        found = {}
        for row in np.flatnonzero(_suspects(normalized, offsets, search.filter)).tolist():
            indexes = _occurring(search, normalized[offsets[row] : offsets[row + 1]].tobytes())
            if indexes:
                found[row] = sorted({match for index in indexes for match in self.owners[index]})
        return found


def normalize(texts: Sequence[str]) -> list[str]:
    """Lower-case texts without white space, as they are compared."""
    encoded = pa.array([text.encode("utf-8", "replace") for text in texts], pa.large_binary())
    data, offsets = _normalized(encoded)
    return [
        data[start:end].tobytes().decode()
        for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    ]


def _normalized(texts: pa.Array) -> tuple[Bytes, Longs]:
    data, offsets = text_buffers(texts)
    # Two bytes can become three (Ⱥ, İ).
    normalized = np.empty(int(offsets[-1] - offsets[0]) * 3 // 2, np.uint8)
    ends = np.zeros(len(offsets), np.int64)
    _normalize(data, offsets, _lowered(), normalized, ends)
    return normalized, ends


@cache
def _lowered() -> Lowered:
    """Lower case of each code point, -1 for white space; made in 0.3 s on the first call."""
    table = np.arange(1 << 21, dtype=np.int32)
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        if character.isspace():
            table[point] = WHITE_SPACE
        elif point != DOTTED_I:
            table[point] = ord(character.lower())
    table[ord("ς")] = ord("σ")
    return table


@lru_cache(maxsize=4)
def _compiled_matcher(matcher: BenchmarkMatcher) -> CompiledMatcher:
    needles = tuple(needle.encode() for needle in matcher.needles)
    by_prefix: dict[bytes, list[int]] = {}
    for index, needle in enumerate(needles):
        by_prefix.setdefault(needle[:PREFIX_BYTES], []).append(index)
    automaton = BytesAhoCorasick(list(by_prefix), implementation=Implementation.ContiguousNFA)
    return CompiledMatcher(
        _filter(needles), automaton, needles, tuple(map(tuple, by_prefix.values()))
    )


def _filter(needles: Sequence[bytes]) -> StartFilter:
    start_bytes = min(MAX_START_BYTES, *map(len, needles))
    stride = max(start_bytes - PROBE_BYTES + 1, 0)
    num_bits = 1 << (BITS_PER_ENTRY * max(stride, 1) * len(needles)).bit_length()
    made = StartFilter(
        stride=stride,
        probes=np.zeros(num_bits // 8, np.uint8),
        words=np.zeros(num_bits // 8, np.uint8),
        starts=np.zeros(len(needles) if stride else 0, np.uint64),
    )
    starts = b"".join(needle[:start_bytes] for needle in needles)
    _fill(np.frombuffer(starts, np.uint8), made)
    made.starts.sort()
    return made


def _occurring(search: CompiledMatcher, haystack: bytes) -> set[int]:
    """Indexes of the needles that occur in a normalised text."""
    found: set[int] = set()
    for piece in range(0, len(haystack), PIECE_BYTES):
        part = haystack[piece : piece + PIECE_BYTES + PREFIX_BYTES - 1]
        for prefix, start, _ in search.automaton.find_matches_as_indexes(part, overlapping=True):
            for index in search.by_prefix[prefix]:
                if index not in found and haystack.startswith(search.needles[index], piece + start):
                    found.add(index)
    return found


@compiled
def _normalize(
    data: Bytes, offsets: Longs, lowered: Lowered, normalized: Bytes, ends: Longs
) -> None:
    """Write the normalised texts one after the other; text i is `ends[i]` to `ends[i + 1]`."""
    written = 0
    for row in range(len(offsets) - 1):
        position, end = offsets[row], offsets[row + 1]
        while position < end:
            byte = data[position]
            if byte < 0x80:
                position += 1
                # Written always: a branch on white space would be mispredicted.
                lower = lowered[byte]
                normalized[written] = lower & 0x7F
                written += lower >= 0
            else:
                point, size = decode_at(data, position, end)
                position += size
                written = _write(lowered[point], normalized, written)
        ends[row + 1] = written


@compiled
def _write(lower: int, normalized: Bytes, written: int) -> int:
    """Write a lower-cased code point as UTF-8; return the position after it."""
    if lower < 0:
        return written
    if lower == DOTTED_I:
        normalized[written] = SMALL_I
        written += 1
        lower = DOT_ABOVE
    if lower < 0x80:
        normalized[written] = lower
        return written + 1
    size = 2 if lower < 0x800 else (3 if lower < 0x10000 else 4)
    for step in range(size - 1, 0, -1):
        normalized[written + step] = 0x80 | (lower & 0x3F)
        lower >>= 6
    normalized[written] = ((0xF00 >> size) & 0xFF) | lower
    return written + size


@compiled
def _word(data: Bytes, position: int) -> np.uint64:
    """Eight bytes as one number."""
    word = np.uint64(0)
    for step in range(PROBE_BYTES):
        word |= np.uint64(data[position + step]) << np.uint64(8 * step)
    return word


@inlined
def _bit(word: np.uint64, num_bytes: int) -> np.uint64:
    """Place of a hash in a set of `num_bytes` bytes, a power of two."""
    mixed = word * MULTIPLIER
    return (mixed ^ (mixed >> np.uint64(32))) & np.uint64(num_bytes * 8 - 1)


@compiled
def _start_hash(data: Bytes, position: int, num_bytes: int) -> np.uint64:
    """Hash of `num_bytes` bytes, 8 at least."""
    mixed = np.uint64(0)
    for step in range(0, num_bytes - PROBE_BYTES, PROBE_BYTES):
        mixed = (mixed ^ _word(data, position + step)) * MULTIPLIER
        mixed ^= mixed >> np.uint64(29)
    return mixed ^ _word(data, position + num_bytes - PROBE_BYTES)


@inlined
def _is_set(bits: Bytes, bit: np.uint64) -> bool:
    return bool((bits[np.int64(bit >> np.uint64(3))] >> (np.int64(bit) & 7)) & 1)


@inlined
def _set(bits: Bytes, bit: np.uint64) -> None:
    bits[np.int64(bit >> np.uint64(3))] |= np.uint8(1 << (np.int64(bit) & 7))


@compiled
def _fill(starts: Bytes, made: StartFilter) -> None:
    """Put the starts of all strings, one after the other, into the sets of a filter."""
    start_bytes = made.stride + PROBE_BYTES - 1
    for index in range(len(made.starts)):
        start = index * start_bytes
        for offset in range(made.stride):
            _set(made.probes, _bit(_word(starts, start + offset), len(made.probes)))
        _set(made.words, _bit(_word(starts, start), len(made.words)))
        made.starts[index] = _start_hash(starts, start, start_bytes)


@compiled
def _suspects(data: Bytes, offsets: Longs, wanted: StartFilter) -> Flags:
    """Whether each text may hold the start of a string; true for every text that does."""
    suspects = np.zeros(len(offsets) - 1, np.bool_)
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        if wanted.stride == 0:
            suspects[row] = start < end
            continue
        probe = start
        while probe + PROBE_BYTES <= end and not suspects[row]:
            if _is_set(wanted.probes, _bit(_word(data, probe), len(wanted.probes))):
                suspects[row] = _holds_start(data, (start, end), probe, wanted)
            probe += wanted.stride
    return suspects


@compiled
def _holds_start(data: Bytes, text: tuple[int, int], probe: int, wanted: StartFilter) -> bool:
    """Whether the start of a string may stand in a text so that `probe` is in its first bytes."""
    start_bytes = wanted.stride + PROBE_BYTES - 1
    first = max(text[0], probe - wanted.stride + 1)
    last = min(probe, text[1] - start_bytes)
    if first > last:
        return False
    word = _word(data, first)
    for start in range(first, last + 1):
        if start > first:
            word >>= np.uint64(8)
            word |= np.uint64(data[start + PROBE_BYTES - 1]) << np.uint64(56)
        if _is_set(wanted.words, _bit(word, len(wanted.words))):
            start_hash = _start_hash(data, start, start_bytes)
            place = np.searchsorted(wanted.starts, start_hash)
            if place < len(wanted.starts) and wanted.starts[place] == start_hash:
                return True
    return False
