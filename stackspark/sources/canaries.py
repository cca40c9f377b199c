"""Canaries: synthetic files of known fate that a run carries along, under a made-up origin.

Each task generates them from a seed alone, so they need no disk and their bytes are always the
same. Their texts repeat no real one: words come from a hash of the seed.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256

from stackspark.sources.base.container import Container
from stackspark.sources.base.content import Content, Request, failed_content, make_content
from stackspark.sources.base.entries import File, Root, SourceFault
from stackspark.sources.base.limits import Limits
from stackspark.swhid import FILE_MODE, content_id

KIND = "canaries"
SOURCE = "canaries:"
ORIGIN_URL = "https://stackspark.invalid/stackspark/canaries"
REPO_NAME = "stackspark/canaries"
OPT_OUT_PATH = "/opted_out/*"
NUM_WORDS = 600
NUM_PAIRS = 5
FAR = "far"
NEAR_JACCARD, FAR_JACCARD = 0.93, 0.2
LONG_LINE_CHARS = 4000
LETTERS = str.maketrans("0123456789", "ghijklmnop")


@dataclass(frozen=True, kw_only=True)
class CanariesParams:
    """Parameters that decide the bytes of the canaries.

    Limits of rules do not: files that change with one would be listed and measured again.

    Attributes:
        seed: of the words; change it where a corpus holds canaries of another run as files.
        ngram_size: tokens of a shingle, which decides how similar pairs are.
        benchmark_texts: names of benchmarks, each with one of its items, which must not be kept.
    """

    seed: int = 1
    ngram_size: int = 5
    benchmark_texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Canary:
    """One file; `rule` should remove it, or one file of its `pair`; with None, all should stay.

    `benchmark` is that of a leaked item.
    """

    path: str
    data: bytes
    rule: str | None
    pair: str = ""
    benchmark: str = ""


def canaries_container(params: CanariesParams) -> Container:
    """The container that lists and reads the canaries."""
    return Container(
        source=SOURCE,
        kind=KIND,
        location=json.dumps(asdict(params), sort_keys=True),
        ref=None,
        origin_url=ORIGIN_URL,
        repo_name=REPO_NAME,
        visit_date=None,
        size_bytes=NUM_WORDS * 16 * NUM_PAIRS,
    )


@dataclass(frozen=True, kw_only=True)
class CanaryRow:
    """Synthetic files planted for one rule, and how many of them it removed."""

    rule: str
    num_planted: int
    num_caught: int
    num_false_alarms: int


def canary_files(params: CanariesParams) -> Iterator[Canary]:
    """Every canary, group by group."""
    yield from _pairs(params)
    for number in range(NUM_PAIRS):
        yield Canary(f"/kept/file_{number}.py", _code(_words(params, f"kept {number}")), None)
    yield Canary("/license/gpl.py", _code(_words(params, "gpl"), "GPL-3.0-only"), "license")
    yield Canary("/opted_out/private.py", _code(_words(params, "private")), "opt_out")
    yield Canary("/status/binary.py", b"\0\1\2" + _code(_words(params, "binary")), "binary")
    yield Canary("/status/empty.py", b"", "empty")
    line = " ".join(_words(params, "long"))[:LONG_LINE_CHARS]
    yield Canary("/lines/long.py", (_head() + f'text = "{line}"\n' * 4).encode(), "avg_line_length")
    numbers = (int(digest, 16) for digest in _digests(params, "digits")[:100])
    digits = _head() + "".join(f"{number}\n" for number in numbers)
    yield Canary("/letters/numbers.py", digits.encode(), "alpha_fraction")
    for number, (benchmark, text) in enumerate(params.benchmark_texts):
        # As the matcher reads an item that no file could hold.
        leaked = _code(_words(params, f"leaked {number}")) + text.encode("utf-8", "replace") + b"\n"
        path = f"/benchmark/leaked_{number}.py"
        yield Canary(path, leaked, "contamination", benchmark=benchmark)


def near_jaccard(ngram_size: int) -> float:
    """Similarity of the near twins, to two digits: whole words are changed."""
    num_shingles = NUM_WORDS - ngram_size + 1
    spoilt = ngram_size * _num_changed(NEAR_JACCARD, ngram_size)
    return (num_shingles - spoilt) / (num_shingles + spoilt)


def list_canaries(location: str) -> Iterator[File | Root]:
    """List the canaries of a container."""
    for canary in _by_path(location).values():
        path = canary.path.lstrip("/").encode()
        yield File(path, FILE_MODE, content_id(canary.data), len(canary.data))
    yield Root()


def read_canaries(
    location: str, requests: Iterable[Request], max_text_bytes: int, _limits: Limits
) -> Iterator[Content]:
    """Generate the requested canaries."""
    known = _by_path(location)
    for request in requests:
        canary = known.get("/" + (request.member or b"").decode())
        if canary is None:
            fault = SourceFault("missing_member", "no such canary")
            yield failed_content(request.content_id, fault)
        else:
            data = canary.data
            yield make_content(request.content_id, len(data), iter((data,)), max_text_bytes)


@lru_cache(maxsize=4)
def _by_path(location: str) -> dict[str, Canary]:
    params = CanariesParams(**json.loads(location))
    return {canary.path: canary for canary in canary_files(params)}


def _pairs(params: CanariesParams) -> Iterator[Canary]:
    """Twins of each kind, and pairs that are too different to be any."""
    for kind, rule, changed in (
        ("exact", "exact_duplicate", 0),
        ("blanks", "normalized_duplicate", 0),
        ("near", "near_duplicate", _num_changed(NEAR_JACCARD, params.ngram_size)),
        (FAR, None, _num_changed(FAR_JACCARD, params.ngram_size)),
    ):
        for number in range(NUM_PAIRS):
            words = _words(params, f"{kind} {number}")
            others = _changed(words, changed, _words(params, f"other {kind} {number}"))
            first, second = _code(words), _code(others)
            if kind == "blanks":
                second = second.replace(b"\n", b"  \n")
            for name, data in (("first", first), ("second", second)):
                yield Canary(f"/{kind}/{number}_{name}.py", data, rule, f"{kind} {number}")


def _num_changed(jaccard: float, ngram_size: int) -> int:
    """Words to change; each spoils `ngram_size` shingles of either file."""
    num_shingles = NUM_WORDS - ngram_size + 1
    return max(1, round(num_shingles * (1 - jaccard) / (ngram_size * (1 + jaccard))))


def _changed(words: Sequence[str], count: int, others: Sequence[str]) -> list[str]:
    """`words` with `count` of them replaced, as far from each other as they can be."""
    places = {(2 * each + 1) * len(words) // (2 * count) for each in range(count)}
    return [others[i] if i in places else word for i, word in enumerate(words)]


def _words(params: CanariesParams, name: str) -> list[str]:
    """Made-up words, of letters alone as in code."""
    return [f"w{digest.translate(LETTERS)}" for digest in _digests(params, name)]


def _digests(params: CanariesParams, name: str) -> list[str]:
    numbers = (f"{params.seed} {name} {number}".encode() for number in range(NUM_WORDS))
    return [sha256(number).hexdigest()[:8] for number in numbers]


def _head(license_id: str = "MIT") -> str:
    return f"# SPDX-License-Identifier: {license_id}\n"


def _code(words: Sequence[str], license_id: str = "MIT") -> bytes:
    """Calls of made-up functions, two words a line."""
    pairs = zip(words[::2], words[1::2], strict=True)
    lines = (f"{function}({argument})\n" for function, argument in pairs)
    return (_head(license_id) + "".join(lines)).encode()
