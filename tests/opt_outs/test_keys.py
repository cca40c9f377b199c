import re
import time
from functools import cache

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from swh.model.model import Origin

from stackspark.opt_outs.keys import glob_regex, location_key, origin_keys, origin_keys_array


@pytest.mark.parametrize(
    "location",
    [
        "github.com/owner/repo",
        "https://github.com/Owner/Repo",
        "HTTPS://user:pass@www.GitHub.com:443/Owner/Repo.git/",
        "git@github.com:owner/repo.git",
        "ssh://git@github.com:22/owner/repo",
        "git://github.com//owner/repo?tab=readme#top",
        "  github.com/owner/repo/ ",
    ],
)
def test_location_key_has_one_form(location: str) -> None:
    assert location_key(location) == "github.com/owner/repo"


@pytest.mark.parametrize(
    ("location", "key"),
    [("Owner/Repo", "owner/repo"), ("Owner", "owner"), ("", ""), ("https://", ""), ("/", "")],
)
def test_location_key_without_a_host(location: str, key: str) -> None:
    assert location_key(location) == key


def test_origin_keys_name_every_owner_above() -> None:
    keys = set(origin_keys("https://gitlab.com/Group/sub/name.git", "Group/sub/name"))
    assert {key for key in keys if not key.startswith("swhid")} == {
        "repository:gitlab.com/group/sub/name",
        "repository:group/sub/name",
        "owner:group",
        "owner:group/sub",
        "owner:gitlab.com/group",
        "owner:gitlab.com/group/sub",
    }


def test_origin_keys_of_a_local_folder_name_no_owner() -> None:
    keys = set(origin_keys("file:///home/someone/code", "@scope/pkg@1.2"))
    assert {key for key in keys if not key.startswith("swhid")} == {
        "repository:@scope/pkg@1.2",
        "repository:@scope/pkg",
        "owner:scope",
    }


def test_origin_keys_hold_the_swhid_of_the_url() -> None:
    url = "https://github.com/Python/CPython"
    assert f"swhid:{Origin(url=url).swhid()}" in origin_keys(url, "Python/CPython")


def test_origin_keys_array_is_row_by_row() -> None:
    urls, names = ["https://a/b/c", "https://d/e/f"], ["b/c", "e/f"]
    keys = origin_keys_array(pa.array(urls), pa.array(names)).to_pylist()
    assert keys == [origin_keys(*pair) for pair in zip(urls, names, strict=True)]


@pytest.mark.parametrize(
    ("glob", "covered", "spared"),
    [
        ("/private/*", ["/private/a", "/private/a/b", "/Private/A"], ["/x/private/a", "/privates"]),
        ("/private", ["/private", "/private/a/b"], ["/private2", "/x/private"]),
        ("/private/", ["/private/a"], ["/private2/a"]),
        ("diary.md", ["/diary.md", "/a/b/diary.md", "/DIARY.MD"], ["/mydiary.md", "/diary.mdx"]),
        ("*.pem", ["/a.pem", "/x/y.pem"], ["/a.pem2", "/pem"]),
        ("**/keys/**/id_?", ["/keys/a/id_x", "/a/keys/b/c/id_x"], ["/keys/a/id_xy", "/keys/id"]),
        ("/a+b(c)[1]/*", ["/a+b(c)[1]/x"], ["/aab(c)1/x"]),
        # a piece is found at its first place, not at its last
        ("*keys*pem", ["/keys/pem/keys"], ["/pem/keys"]),
        ("/*", ["/a", "/a/b"], []),
        ("/new\nline", ["/new\nline"], ["/new line"]),
        ("/ÄPFEL/*", ["/äpfel/x"], ["/apfel/x"]),
    ],
)
def test_glob_regex_covers(glob: str, covered: list[str], spared: list[str]) -> None:
    pattern = re.compile(glob_regex(glob))
    assert {path: bool(pattern.match(path)) for path in covered + spared} == {
        **dict.fromkeys(covered, True),
        **dict.fromkeys(spared, False),
    }


@given(st.text("ab/*?", max_size=8), st.text("ab/", max_size=10).map("/{}".format))
def test_glob_regex_agrees_with_the_oracle(glob: str, path: str) -> None:
    assert bool(re.match(glob_regex(glob), path)) == covers(glob, path)


def test_glob_regex_of_a_hostile_path_is_quick() -> None:
    started = time.perf_counter()
    assert not re.match(glob_regex("*a" * 20 + "b"), "/" + "a" * 100_000)
    assert time.perf_counter() - started < 2


def covers(glob: str, path: str) -> bool:
    """Letter by letter, trying everything."""
    glob = glob if glob.startswith(("/", "*")) else f"*/{glob}"

    @cache
    def matches(at: int, place: int) -> bool:
        if at == len(glob):
            return place == len(path)
        if glob[at] == "*":
            return matches(at + 1, place) or (place < len(path) and matches(at, place + 1))
        same = place < len(path) and glob[at] in ("?", path[place])
        return same and matches(at + 1, place + 1)

    if matches(0, 0):
        return True
    folder = glob.removesuffix("/")
    ends = [end for end in range(len(path) + 1) if end == len(path) or path[end] == "/"]
    return not glob.endswith("*") and any(covers_exactly(folder, path[:end]) for end in ends)


def covers_exactly(glob: str, path: str) -> bool:
    pattern = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob)
    return re.fullmatch(pattern, path, re.DOTALL) is not None
