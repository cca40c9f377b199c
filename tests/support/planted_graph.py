"""A graph with planted cases, and its listing."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from swh_graphs import (
    Content,
    Entry,
    entry_rows,
    oid,
    oid_of_empty,
    write_graph,
)

from stackspark.lake.scratch import Scratch
from stackspark.run.listed import OPT_OUTS_DDL
from stackspark.sources.base.limits import Limits
from stackspark.sources.origins.index_listings import IndexListing, IndexSource, list_graph
from stackspark.sources.swh_graph.tables import graph_folder, read_graph
from stackspark.sources.swh_graph.visits import NO_BRANCHES
from stackspark.sources.swh_graph.walk import WalkDirectoriesParams

MAX_MEMBERS = 400


FORGE = "https://github.com/"


FILE, EXECUTABLE, LINK, DIR, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o40000, 0o160000


def file(name: bytes, content: str, perms: int = FILE) -> Entry:
    return Entry(name, "file", oid(content), perms)


def folder(name: bytes, directory: str) -> Entry:
    return Entry(name, "dir", oid(directory), DIR)


def chain(length: int) -> dict[str, list[Entry]]:
    links = {f"chain{n}": [file(b"at", "a"), folder(b"d", f"chain{n + 1}")] for n in range(length)}
    return links | {f"chain{length}": [file(b"end", "b")]}


def drawn(seed: int) -> dict[str, list[Entry]]:
    """Directories with links to each other, upwards too."""
    draw = random.Random(seed)
    found = {}
    for number in range(12):
        links = [folder(b"d%d" % n, f"drawn{draw.randrange(12)}") for n in range(draw.randrange(3))]
        found[f"drawn{number}"] = [*links, file(b"f", draw.choice("abcx"))]
    return found


TREES = {
    "root": [
        file(b"a.py", "a"),
        file(b"run", "b", EXECUTABLE),
        file(b"old", "b", 0o100664),
        file(b"link", "c", LINK),
        file(b"caf\xe9.py", "a"),
        Entry(b"sub", "rev", oid("elsewhere"), SUBMODULE),
        folder(b"shared", "shared"),
        folder(b"again", "shared"),
        Entry(b"empty", "dir", oid_of_empty(), DIR),
    ],
    "fork": [file(b"b.py", "b"), folder(b"shared", "shared"), folder(b"vendor", "root")],
    "shared": [file(b"s.py", "a"), folder(b"deep", "deep")],
    "deep": [file(b"d.py", "c"), Entry(b"m", "rev", oid("elsewhere"), SUBMODULE)],
    "faults": [
        folder(b"gone", "never archived"),
        folder(b"..", "shared"),
        file(b"a/b", "a"),
        file(b"", "a"),
        Entry(b"odd", "socket", oid("a"), FILE),
        file(b"hidden", "hidden"),
        file(b"missing", "missing"),
        file(b"huge", "huge"),
        file(b"bare", "bare"),
        file(b"both", "both"),
    ],
    "shown": [file(b"\xff", "a"), file(b"\\xff", "b")],
    "self": [file(b"f", "a"), folder(b"me", "self"), folder(b"other", "ring")],
    "ring": [file(b"r", "b"), folder(b"back", "self"), folder(b"down", "deep")],
    **{f"bomb{n}": [folder(b"%d" % i, f"bomb{n + 1}") for i in range(10)] for n in range(5)},
    "bomb5": [file(b"f", "a")],
    **chain(70),
    **drawn(1),
}


ENTRIES = {oid(name): entries for name, entries in TREES.items()}


STATUSES = {"hidden": "hidden", "huge": "skipped", "bare": "skipped"}


CONTENTS = {
    oid(name): Content(
        None if name == "bare" else oid(f"sha1 of {name}"),
        oid(name),
        100 + place,
        STATUSES.get(name, "visible"),
    )
    for place, name in enumerate(("a", "b", "c", "x", "hidden", "huge", "bare", "both"))
}


Branches = dict[bytes, tuple[str, str]]


REVISION = {f"rev of {name}": name for name in TREES} | {"rev of nothing": "never archived"}


RELEASES = {
    "v1": ("release", oid("v1 inside")),
    "v1 inside": ("revision", oid("rev of fork")),
    "v2": ("release", oid("no such release")),
    "of tree": ("directory", oid("shared")),
}


def alias(name: str) -> tuple[str, str]:
    return "alias", name.encode().hex()


def tip(tree: str) -> tuple[str, str]:
    return "revision", oid(f"rev of {tree}")


MAIN, MASTER, TRUNK = b"refs/heads/main", b"refs/heads/master", b"refs/heads/trunk"


ORIGINS: dict[str, Branches] = {
    "ada/root": {b"HEAD": alias("refs/heads/trunk"), TRUNK: tip("root"), MAIN: tip("fork")},
    "bob/same": {MAIN: tip("root"), MASTER: tip("fork")},
    "bob/master": {MASTER: tip("fork"), b"HEAD": alias("refs/heads/gone")},
    "cat/tagged": {b"HEAD": ("release", oid("v1")), MASTER: tip("root")},
    "cat/tree": {b"HEAD": ("release", oid("of tree"))},
    "cat/bytes": {b"HEAD": alias("refs/heads/caf")} | {b"refs/heads/caf": tip("fork")},
    "cat/directory": {b"HEAD": ("directory", oid("shared"))},
    "cat/faults": {b"HEAD": tip("faults")},
    "cat/shown": {b"HEAD": tip("shown")},
    "dan/ring": {b"HEAD": tip("self")},
    "dan/bomb": {b"HEAD": tip("bomb0")},
    "dan/chain": {b"HEAD": tip("chain0")},
    "dan/drawn": {b"HEAD": tip("drawn0")},
    "dan/other": {b"HEAD": tip("drawn7")},
    "dan/loop": {b"HEAD": alias("a"), b"a": alias("HEAD"), MAIN: tip("shared")},
    "dan/empty": {b"HEAD": ("directory", oid_of_empty())},
    # Nothing of these is listed.
    "eve/loop": {b"HEAD": alias("a"), b"a": alias("HEAD")},
    "eve/release": {b"HEAD": ("release", oid("v2"))},
    "eve/revision": {b"HEAD": ("revision", oid("no such revision"))},
    "eve/content": {b"HEAD": ("content", oid("a"))},
    "eve/dev": {b"refs/heads/dev": tip("root")},
    "eve/gone": {b"HEAD": tip("nothing")},
    "out/out": {b"HEAD": tip("root")},
}


BRANCH = {
    "ada/root": ("refs/heads/trunk", "root"),
    "bob/same": ("refs/heads/main", "root"),
    "bob/master": ("refs/heads/master", "fork"),
    "cat/tagged": ("HEAD", "fork"),
    "cat/tree": ("HEAD", "shared"),
    "cat/bytes": ("refs/heads/caf", "fork"),
    "cat/directory": ("HEAD", "shared"),
    "cat/faults": ("HEAD", "faults"),
    "cat/shown": ("HEAD", "shown"),
    "dan/ring": ("HEAD", "self"),
    "dan/chain": ("HEAD", "chain0"),
    "dan/drawn": ("HEAD", "drawn0"),
    "dan/other": ("HEAD", "drawn7"),
    "dan/loop": ("refs/heads/main", "shared"),
}


NORMAL, WILD, EARLY = 1_500_000_000, 1 << 41, -65_000_000_000


DATES = {"root": (NORMAL, NORMAL + 1), "fork": (WILD, EARLY)}


def micros(seconds: int) -> int:
    return seconds * 1_000_000


def visits() -> Iterator[tuple[Any, ...]]:
    for number, name in enumerate(ORIGINS):
        day = micros(NORMAL + 86_400 * number)
        yield FORGE + name, 2, day, "full", oid(f"snapshot {name}"), "git"
        # Earlier, later but partial, and later without a snapshot or a branch: none of them counts.
        yield FORGE + name, 1, day, "full", oid("snapshot eve/dev"), "git"
        yield FORGE + name, 3, day + 1, "partial", oid("snapshot eve/dev"), "git"
        yield FORGE + name, 4, day + 2, "full", None, "git"
        yield FORGE + name, 5, day + 3, "full", NO_BRANCHES, "git"
    yield FORGE + "fay/partial", 1, 0, "partial", oid("snapshot eve/dev"), "git"
    yield FORGE + "fay/null", 1, 0, "full", None, "git"
    yield FORGE + "fay/nothing", 1, 0, "full", NO_BRANCHES, "git"


def tables() -> dict[str, list[tuple[Any, ...]]]:
    return {
        "origin_visit_status": list(visits()),
        "snapshot_branch": [
            (oid(f"snapshot {origin}"), name, target, kind)
            for origin, branches in ORIGINS.items()
            for name, (kind, target) in branches.items()
        ],
        "release": [(oid(n), b"v", target, kind, None) for n, (kind, target) in RELEASES.items()],
        "revision": [
            (oid(name), *map(micros, DATES.get(tree, (0, 0))), oid(tree), "git")
            for name, tree in REVISION.items()
        ],
        "directory_entry": list(entry_rows(ENTRIES)),
        "content": [tuple(c) for c in CONTENTS.values() if c.status != "skipped"],
        "skipped_content": [
            (c.blob_id, c.content_id, c.length_bytes, "absent", "too large")
            for c in [*CONTENTS.values(), CONTENTS[oid("both")]]
            if c.status == "skipped" or c.content_id == oid("both")
        ],
    }


def listed(spark: SparkSession, place: Path, levels: int, **renamed: str) -> IndexListing:
    write_graph(place, tables(), {key.replace("__", "."): name for key, name in renamed.items()})
    return list_graph(
        IndexSource(source="swh:here", store=str(place)),
        read_graph(spark, graph_folder(str(place))),
        spark.createDataFrame([("asked", "repository", "out/out", None, None)], OPT_OUTS_DDL),
        None,
        Scratch(folder=str(place / "scratch")),
        WalkDirectoriesParams(max_levels=levels, limits=Limits(max_members=MAX_MEMBERS)),
    )


def rows(table: DataFrame, kind: str) -> list[Row]:
    return table.where(f"kind = '{kind}'").select(f"{kind}.*").collect()
