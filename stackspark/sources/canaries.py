"""Canaries: synthetic files of known fate that ride along with a run, under an origin of their own.

They are made where they are asked for, from a seed alone, so they need no disk and every task makes
the same bytes. No text of theirs repeats a real one: words come from a hash of the seed.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256

from stackspark.sources.containers import Container
from stackspark.sources.contents import Content, Request, failed, make_content
from stackspark.sources.found import File, Root, SourceFault
from stackspark.sources.limits import Limits
from stackspark.swhid import FILE_MODE, content_id

KIND = "canaries"
SOURCE = "canaries:"
ORIGIN_URL = "https://stackspark.invalid/stackspark/canaries"
REPO_NAME = "stackspark/canaries"
OPT_OUT_PATH = "/opted_out/*"
NUM_WORDS = 600
NUM_PAIRS = 5
SHINGLE_WORDS = 5


@dataclass(frozen=True, kw_only=True)
class CanariesParams:
    """What decides on the bytes of the canaries.

    Attributes:
        seed: of their words; change it where a corpus holds canaries of another run as files.
        threshold: of the search for near-duplicates; pairs lie well above and well below it.
        max_avg_line_length: limit of that rule; None where it is too large to be tried.
        has_letters_rule: whether the limit of `alpha_fraction` is high enough to be tried.
        benchmark_text: an item that the recipe forbids; None where it forbids none.
    """

    seed: int = 1
    threshold: float = 0.7
    max_avg_line_length: int | None = 100
    has_letters_rule: bool = True
    benchmark_text: str | None = None


@dataclass(frozen=True)
class Canary:
    """One file; `rule` should remove it, or one file of its `pair`; None: it should stay."""

    path: str
    data: bytes
    rule: str | None
    pair: str = ""


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


def canary_files(params: CanariesParams) -> Iterator[Canary]:
    """Every canary, in order of path within a group."""
    yield from _pairs(params)
    for number in range(NUM_PAIRS):
        yield Canary(f"/kept/file_{number}.py", _code(_words(params, f"kept {number}")), None)
    yield Canary("/license/gpl.py", _code(_words(params, "gpl"), "GPL-3.0-only"), "license")
    yield Canary("/opted_out/private.py", _code(_words(params, "private")), "opt_out")
    yield Canary("/status/binary.py", b"\0\1\2" + _code(_words(params, "binary")), "binary")
    yield Canary("/status/empty.py", b"", "empty")
    if params.max_avg_line_length is not None:
        line = " ".join(_words(params, "long"))[: 4 * params.max_avg_line_length]
        text = _head() + f'text = "{line}"\n' * 4
        yield Canary("/lines/long.py", text.encode(), "avg_line_length")
    if params.has_letters_rule:
        numbers = (str(int(word[1:], 16)) for word in _words(params, "digits")[:100])
        text = _head() + "".join(f"{number}\n" for number in numbers)
        yield Canary("/letters/numbers.py", text.encode(), "alpha_fraction")
    if params.benchmark_text is not None:
        leaked = _code(_words(params, "leaked")) + params.benchmark_text.encode() + b"\n"
        yield Canary("/benchmark/leaked.py", leaked, "contamination")


def list_canaries(location: str) -> Iterator[File | Root]:
    """List the canaries of a container."""
    for canary in _by_path(location).values():
        path = canary.path.lstrip("/").encode()
        yield File(path, FILE_MODE, content_id(canary.data), len(canary.data))
    yield Root()


def read_canaries(
    location: str, requests: Iterable[Request], max_text_bytes: int, _limits: Limits
) -> Iterator[Content]:
    """Make the canaries that are asked for."""
    known = _by_path(location)
    for request in requests:
        canary = known.get("/" + (request.member or b"").decode())
        if canary is None:
            yield failed(request.content_id, SourceFault("missing_member", "no such canary"))
        else:
            data = canary.data
            yield make_content(request.content_id, len(data), iter((data,)), max_text_bytes)


@lru_cache(maxsize=4)
def _by_path(location: str) -> dict[str, Canary]:
    params = CanariesParams(**json.loads(location))
    return {canary.path: canary for canary in canary_files(params)}


def _pairs(params: CanariesParams) -> Iterator[Canary]:
    """Twins of each kind, and pairs that are too different to be any."""
    near = params.threshold + 0.7 * (1 - params.threshold)
    for kind, rule, changed in (
        ("exact", "exact_duplicate", 0),
        ("blanks", "normalized_duplicate", 0),
        ("near", "near_duplicate", _num_changed(near)),
        ("far", None, _num_changed(0.4 * params.threshold)),
    ):
        for number in range(NUM_PAIRS):
            words = _words(params, f"{kind} {number}")
            others = _changed(words, changed, _words(params, f"other {kind} {number}"))
            first, second = _code(words), _code(others)
            if kind == "blanks":
                second = second.replace(b"\n", b"  \n")
            for name, data in (("first", first), ("second", second)):
                pair = f"{kind} {number}" if rule else ""
                yield Canary(f"/{kind}/{number}_{name}.py", data, rule, pair)


def _num_changed(jaccard: float) -> int:
    """Words to change, each of which spoils five shingles of either file."""
    num_shingles = NUM_WORDS - SHINGLE_WORDS + 1
    return round(num_shingles * (1 - jaccard) / (SHINGLE_WORDS * (1 + jaccard)))


def _changed(words: Sequence[str], count: int, others: Sequence[str]) -> list[str]:
    """`words` with `count` of them replaced, as far from each other as they can be."""
    places = {(2 * each + 1) * len(words) // (2 * count) for each in range(count)}
    return [others[i] if i in places else word for i, word in enumerate(words)]


def _words(params: CanariesParams, name: str) -> list[str]:
    numbers = (f"{params.seed} {name} {number}".encode() for number in range(NUM_WORDS))
    return [f"w{sha256(number).hexdigest()[:8]}" for number in numbers]


def _head(license_id: str = "MIT") -> str:
    return f"# SPDX-License-Identifier: {license_id}\n"


def _code(words: Sequence[str], license_id: str = "MIT") -> bytes:
    """Calls of made-up functions, two words a line."""
    pairs = zip(words[::2], words[1::2], strict=True)
    lines = (f"{function}({argument})\n" for function, argument in pairs)
    return (_head(license_id) + "".join(lines)).encode()
