"""Golden vectors, Software Heritage's own library as oracle, and what is not a SWHID."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from swh.model import model
from swh.model.swhids import QualifiedSWHID as OracleSWHID

from stackspark import swhid
from stackspark.errors import UsageError
from stackspark.swhid import SWHID, QualifiedSWHID, SnapshotTarget

HEX = "05ee8db65dd113c163da97ae6c8e0130a13d1123"
README = b"# aaaaaaaa\n000000\n"


def test_ids_of_a_published_file() -> None:
    assert swhid.content_id(README) == HEX
    assert swhid.blob_id(README) == "522d5f7839fa28747309c6be133d8a63c2ebfabb"


def test_ids_of_nothing() -> None:
    assert swhid.blob_id(b"") == "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    assert swhid.content_id(b"") == swhid.EMPTY_CONTENT_ID
    assert swhid.directory_id([]) == swhid.EMPTY_DIRECTORY_ID


names = st.binary(min_size=1, max_size=6).filter(lambda n: b"/" not in n and b"\0" not in n)
ids = st.binary(min_size=20, max_size=20)
modes = st.sampled_from([0o100644, 0o100755, 0o120000, 0o040000, 0o160000])
TYPES = {0o040000: "dir", 0o160000: "rev"}


@given(st.dictionaries(names, st.tuples(modes, ids), max_size=8))
def test_directory_id_equals_swh_model(entries: dict[bytes, tuple[int, bytes]]) -> None:
    oracle = model.Directory(
        entries=tuple(
            model.DirectoryEntry(name=name, type=TYPES.get(mode, "file"), target=target, perms=mode)
            for name, (mode, target) in entries.items()
        )
    )
    ours = swhid.directory_id((mode, name, target) for name, (mode, target) in entries.items())
    assert ours == oracle.id.hex()


targets = st.one_of(
    st.none(),
    st.builds(
        SnapshotTarget,
        st.sampled_from(["content", "directory", "revision", "release", "snapshot"]),
        ids,
    ),
)


@given(st.dictionaries(names, targets, min_size=1, max_size=6), st.data())
def test_snapshot_id_equals_swh_model(
    branches: dict[bytes, SnapshotTarget | None], data: st.DataObject
) -> None:
    branches[b"HEAD"] = SnapshotTarget("alias", data.draw(st.sampled_from(sorted(branches))))
    oracle = model.Snapshot(
        branches={
            name: target
            and model.SnapshotBranch(
                target=target.target, target_type=model.SnapshotTargetType(target.target_type)
            )
            for name, target in branches.items()
        }
    )
    assert swhid.snapshot_id(branches) == oracle.id.hex()


def test_revision_id_of_a_commit() -> None:
    manifest = (
        b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
        b"author A <a@example.org> 1 +0000\ncommitter A <a@example.org> 1 +0000\n\nx\n"
    )
    # git commit-tree 4b825dc6... with these dates and this message gives the same id.
    assert swhid.revision_id(manifest) == "47e415b9ba5d85550103d2984d3a256c55f01dd4"


def test_qualified_swhid_in_canonical_order_with_escapes() -> None:
    text = (
        f"swh:1:cnt:{HEX};lines=5-10;path=/a%3Bb%25.c;anchor=swh:1:rev:{HEX}"
        f";visit=swh:1:snp:{HEX};origin=https://example.org/x%3By%25"
    )
    parsed = swhid.parse_qualified_swhid(text)
    assert parsed.origin == "https://example.org/x;y%"
    assert parsed.path == b"/a;b%.c"
    assert str(parsed) == (
        f"swh:1:cnt:{HEX};origin=https://example.org/x%3By%25;visit=swh:1:snp:{HEX}"
        f";anchor=swh:1:rev:{HEX};path=/a%3Bb%25.c;lines=5-10"
    )


@given(
    origin=st.none() | st.text(st.sampled_from("ab;%25=/?#")),
    path=st.none() | st.binary(max_size=8),
    lines=st.none() | st.tuples(st.integers(1, 9), st.none() | st.integers(1, 9)),
)
def test_qualified_swhid_reads_as_swh_model_writes(
    origin: str | None, path: bytes | None, lines: tuple[int, int | None] | None
) -> None:
    ours = QualifiedSWHID(
        core=SWHID("cnt", HEX),
        origin=None if origin is None else f"https://example.org/{origin}",
        anchor=SWHID("dir", HEX),
        path=None if path is None else b"/" + path,
        lines=lines,
    )
    assert str(OracleSWHID.from_string(str(ours))) == str(ours)
    assert swhid.parse_qualified_swhid(str(ours)) == ours


@pytest.mark.parametrize(
    "text",
    [
        "",  # nothing
        HEX,  # no scheme
        f"swh:2:cnt:{HEX}",  # unknown version
        f"swh:1:ori:{HEX}",  # not a public type
        f"swh:1:cnt:{HEX[:-1]}",  # 39 digits
        f"swh:1:cnt:{HEX}0",  # 41 digits
        f"swh:1:cnt:{HEX.upper()}",  # upper case
        f"SWH:1:cnt:{HEX}",  # upper-case scheme
        f"swh:1:cnt:{HEX}\n",  # trailing line end
        f"swh:1:cnt:{HEX};",  # empty qualifier
        f"swh:1:cnt:{HEX};colour=red",  # unknown qualifier
        f"swh:1:cnt:{HEX};lines=0",  # lines count from 1
        f"swh:1:cnt:{HEX};lines=3;lines=4",  # twice
        f"swh:1:cnt:{HEX};path=a.c",  # relative path
        f"swh:1:cnt:{HEX};visit=swh:1:rev:{HEX}",  # a visit is a snapshot
        f"swh:1:cnt:{HEX};anchor=swh:1:cnt:{HEX}",  # a content has no path below it
    ],
)
def test_parse_rejects(text: str) -> None:
    with pytest.raises(UsageError):
        swhid.parse_qualified_swhid(text)


def test_parse_swhid_says_what_it_found() -> None:
    assert swhid.parse_swhid(f"swh:1:dir:{HEX}") == SWHID("dir", HEX)
    with pytest.raises(UsageError, match="found 'swh:1:cnt:xyz'"):
        swhid.parse_swhid("swh:1:cnt:xyz")
