"""Canaries: the same bytes everywhere, and as similar to each other as they claim."""

import json
import re
from itertools import pairwise

import pytest

from stackspark.sources.base.content import Request
from stackspark.sources.base.entries import File, Root
from stackspark.sources.base.limits import Limits
from stackspark.sources.canaries import (
    FAR_JACCARD,
    NEAR_JACCARD,
    CanariesParams,
    canaries_container,
    canary_files,
    list_canaries,
    near_jaccard,
    read_canaries,
)
from stackspark.swhid import content_id


def _shingles(data: bytes, size: int = 5) -> set[tuple[str, ...]]:
    tokens = re.findall(r"\w+", data.decode().lower())
    return {tuple(tokens[place : place + size]) for place in range(len(tokens) - size + 1)}


def _request(content: str, path: bytes) -> Request:
    return Request(content, "canaries", "", path, 0, 0)


@pytest.mark.parametrize("ngram_size", [1, 5, 13])
def test_pairs_are_as_similar_as_they_claim(ngram_size: int) -> None:
    files = list(canary_files(CanariesParams(ngram_size=ngram_size)))
    pairs = [pair for pair in pairwise(files) if pair[0].path.endswith("_first.py")]
    assert len(pairs) == 20
    for first, second in pairs:
        one, other = (_shingles(file.data, ngram_size) for file in (first, second))
        jaccard = len(one & other) / len(one | other)
        if first.path.startswith("/far/"):
            assert jaccard == pytest.approx(FAR_JACCARD, abs=0.03)
        elif first.path.startswith("/near/"):
            assert jaccard == pytest.approx(near_jaccard(ngram_size), abs=0.003)
            assert jaccard == pytest.approx(NEAR_JACCARD, abs=0.02)
        else:
            assert jaccard == 1


def test_files_of_no_pair_share_no_shingle_but_their_licence() -> None:
    files = [file for file in canary_files(CanariesParams()) if file.path.startswith("/kept/")]
    for first, second in pairwise(files):
        assert len(_shingles(first.data) & _shingles(second.data)) == 0


def test_every_task_lists_and_makes_the_same_bytes() -> None:
    container = canaries_container(
        CanariesParams(
            benchmark_texts=(("eval", "def leaked(): return 1"), ("surrogate", "\ud800"))
        )
    )
    *files, root = list_canaries(container.location)
    assert isinstance(root, Root)
    assert {bytes(file.path) for file in files if isinstance(file, File)} >= {b"kept/file_0.py"}
    requests = [_request(file.content_id or "", file.path) for file in files]
    contents = list(read_canaries(container.location, requests, 1 << 20, Limits()))
    assert [c.content_id for c in contents] == [file.content_id for file in files]
    assert {c.status for c in contents} == {"ok", "binary", "empty"}
    gone = list(read_canaries(container.location, [_request("0" * 40, b"no")], 99, Limits()))
    assert [c.status for c in gone] == ["missing"]


def test_seed_and_parameters_decide_the_bytes() -> None:
    first = {file.path: file.data for file in canary_files(CanariesParams())}
    assert first == {file.path: file.data for file in canary_files(CanariesParams())}
    other = {file.path: file.data for file in canary_files(CanariesParams(seed=2))}
    assert [path for path in first if first[path] == other[path]] == ["/status/empty.py"]
    assert json.loads(canaries_container(CanariesParams(seed=2)).location)["seed"] == 2
    assert content_id(first["/exact/0_first.py"]) == content_id(first["/exact/0_second.py"])
