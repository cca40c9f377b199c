"""Keys under which requests to be left out meet origins and paths, on any forge.

Requests and origins go through the same functions, so that what somebody writes and what an archive
holds meet whatever their letter case, scheme, user, port, `.git` or trailing slash.
"""

import re
from collections.abc import Iterator
from hashlib import sha1

import pyarrow as pa

MAX_COMPONENTS = 20
"""Deeper paths of repositories exist on no forge."""

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*)://+")
_SHORT_REMOTE = re.compile(r"^(?:[^/@:]+@)([^/:]+):(?!\d+/)/*")
_PORT = re.compile(r":\d+$")


def location_key(location: str) -> str:
    """Normal form of a repository, an owner or their URL.

    ``https://user@GitHub.com:443/Owner/Repo.git/`` and ``git@github.com:owner/repo`` both become
    ``github.com/owner/repo``; ``Owner/Repo`` becomes ``owner/repo``.
    """
    text = re.split(r"[?#]", location.strip().lower(), maxsplit=1)[0]
    text = _SHORT_REMOTE.sub(r"\1/", text)
    if _SCHEME.match(text):
        host, _, path = _SCHEME.sub("", text).partition("/")
        text = f"{_PORT.sub('', host.rpartition('@')[2]).removeprefix('www.')}/{path}"
    parts = [part for part in text.split("/") if part][:MAX_COMPONENTS]
    return "/".join(parts).removesuffix(".git")


def origin_keys(origin_url: str, repo_name: str) -> list[str]:
    """Every ``repository:`` and ``owner:`` key, and the origin's SWHID, that a request may name.

    The owner of ``https://host/group/sub/name`` is ``group`` as well as ``group/sub``, with the
    host or without. A ``file://`` URL names a place on this machine, not an owner.
    """
    origin_id = sha1(origin_url.encode("utf-8", "surrogatepass"), usedforsecurity=False)
    keys = {f"swhid:swh:1:ori:{origin_id.hexdigest()}"}
    keys.update(_keys(location_key(repo_name), num_hosts=0))
    keys.update(_keys(location_key(_without_version(repo_name)), num_hosts=0))
    if _SCHEME.match(origin_url.lower()) and not origin_url.lower().startswith("file:"):
        keys.update(_keys(location_key(origin_url), num_hosts=1))
    return sorted(keys)


def origin_keys_array(origin_urls: pa.Array, repo_names: pa.Array) -> pa.ListArray:
    """`origin_keys` of two string arrays without nulls."""
    pairs = zip(origin_urls.to_pylist(), repo_names.to_pylist(), strict=True)
    return pa.array([origin_keys(*pair) for pair in pairs], pa.list_(pa.string()))


def glob_regex(glob: str) -> str:
    """Regular expression of a path glob, for Java and Python alike; it never backtracks far.

    ``*`` is any text, slashes too, ``?`` one character, letter case does not matter. A glob that
    does not start with ``/`` may start at any folder; one that names a folder takes all below it.
    """
    anchored = glob if glob.startswith(("/", "*")) else f"*/{glob}"
    first, *rest = (_literal(piece) for piece in re.split(r"\*+", anchored))
    below = r"(?:/.*)?"
    if not rest:
        return f"(?isu)^{first.removesuffix('/')}{below}$"
    *middle, last = rest
    # The first place of a piece is as good as any later one: atomic groups never go back.
    pieces = "".join(f"(?>.*?{piece})" for piece in middle if piece)
    return f"(?isu)^{first}{pieces}.*{last.removesuffix('/') + below if last else ''}$"


def _literal(piece: str) -> str:
    return "".join("." if letter == "?" else re.escape(letter) for letter in piece)


def _keys(key: str, num_hosts: int) -> Iterator[str]:
    """The key with and without its host, and every owner above it."""
    parts = key.split("/")
    for start in range(num_hosts + 1):
        if len(parts) > start:
            yield "repository:" + "/".join(parts[start:])
        for end in range(num_hosts + 1, len(parts)):
            yield "owner:" + "/".join(parts[start:end]).removeprefix("@")


def _without_version(repo_name: str) -> str:
    """``name@1.0`` -> ``name``; the ``@`` of a scope, ``@scope/name``, stays."""
    name, at, _ = repo_name.rpartition("@")
    return name if at and name else repo_name
