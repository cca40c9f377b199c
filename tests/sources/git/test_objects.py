"""Objects in every layout, and missing, corrupt or lying ones."""

import struct
import zlib
from pathlib import Path

import pytest
from git_repositories import FILES, tree_of
from source_fixtures import commit, fetch_locally, git, list_locally


def packed(folder: Path) -> Path:
    git(folder, "gc", "-q", "--aggressive")
    return folder


def bare(folder: Path) -> Path:
    git(folder.parent, "clone", "-q", "--bare", str(folder), "bare.git")
    return folder.parent / "bare.git"


def borrowing(folder: Path) -> Path:
    git(folder.parent, "clone", "-q", "--shared", str(folder), "borrower")
    assert (folder.parent / "borrower/.git/objects/info/alternates").is_file()
    return folder.parent / "borrower"


def work_tree(folder: Path) -> Path:
    git(folder, "worktree", "add", "-q", "-b", "other", "../linked")
    return folder.parent / "linked"


@pytest.mark.parametrize("variant", [packed, bare, borrowing, work_tree])
def test_list_git_of_every_layout(repository: Path, variant: object) -> None:
    for number in range(12):
        text = "".join(f"{line} {line * number % 7}\n" for line in range(400))
        commit(repository, {"grows.txt": text})
    plain = list_locally(f"git:{repository}")
    other = variant(repository)  # type: ignore[operator]
    listed = list_locally(f"git:{other}")
    assert listed.root_id == plain.root_id
    columns = ("path", "mode", "content_id", "length_bytes")
    assert [[f[c] for c in columns] for f in listed.files] == [
        [f[c] for c in columns] for f in plain.files
    ]
    contents = fetch_locally(listed.files)
    texts = {file["path"]: contents[file["content_id"]]["content"] for file in listed.files}
    assert texts["/grows.txt"] == text
    assert texts["/lib/b.py"] == "b = 1\n"


def test_every_revision_of_a_pack_full_of_differences(repository: Path) -> None:
    revisions = [
        commit(repository, {f"{n}/{n}": f"{n}", "grows.txt": f"{n**9}\n" * 40 + "same\n" * n * 99})
        for n in range(25)
    ]
    packed(repository)
    (pack,) = (repository / ".git/objects/pack").glob("*.pack")
    assert "chain length = 3" in git(repository, "verify-pack", "-v", str(pack))
    for number, revision in enumerate(revisions):
        listed = list_locally(f"git:{repository}@{revision}")
        assert listed.root_id == git(repository, "rev-parse", f"{revision}^{{tree}}")
        assert len(listed.files) == len(FILES) + 2 + number
        assert {f["path"]: (f["mode"], f["content_id"]) for f in listed.files} == tree_of(
            repository, revision
        )
        contents = fetch_locally(listed.files)
        assert {row["status"] for row in contents.values()} == {"ok"}
        (grown,) = [file for file in listed.files if file["path"] == "/grows.txt"]
        assert contents[grown["content_id"]]["length_bytes"] == grown["length_bytes"]


def test_list_git_missing_objects(repository: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:a.txt")
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    subtree = git(repository, "rev-parse", "HEAD:lib")
    (repository / ".git/objects" / subtree[:2] / subtree[2:]).unlink()
    listed = list_locally(f"git:{repository}")
    assert listed.paths == ["/lib.py"]
    assert listed.problems == [("entry", "missing_git_object")] * 2
    assert blob in listed.quarantine[0]["message"]
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    (repository / ".git/objects" / tree[:2] / tree[2:]).unlink()
    assert list_locally(f"git:{repository}").problems == [("origin", "missing_git_object")]


def loose_path(folder: Path, object_id: str) -> Path:
    path = folder / ".git/objects" / object_id[:2] / object_id[2:]
    path.chmod(0o644)
    return path


def test_list_git_corrupt_tree(repository: Path) -> None:
    tree = git(repository, "rev-parse", "HEAD:lib")
    path = loose_path(repository, tree)
    path.write_bytes(zlib.compress(b"tree 3\0abc"))
    listed = list_locally(f"git:{repository}")
    assert listed.problems == [("entry", "broken_git_object")]
    path.write_bytes(b"garbage")
    assert list_locally(f"git:{repository}").problems == [("entry", "broken_git_object")]


def test_fetch_git_corrupt_blob(repository: Path) -> None:
    listed = list_locally(f"git:{repository}")
    blob = git(repository, "rev-parse", "HEAD:a.txt")
    loose_path(repository, blob).write_bytes(zlib.compress(b"blob 2\0b\n"))
    lost = git(repository, "rev-parse", "HEAD:lib/b.py")
    loose_path(repository, lost).unlink()
    contents = fetch_locally(listed.files)
    assert contents[blob]["status"] == "corrupt"
    assert contents[blob]["error_class"] == "changed_content"
    assert (contents[lost]["status"], contents[lost]["error_class"]) == (
        "missing",
        "missing_git_object",
    )
    good = [row["status"] for key, row in contents.items() if key not in (blob, lost)]
    assert good == ["ok", "ok"]


def test_fetch_git_lying_header_stops(repository: Path) -> None:
    listed = list_locally(f"git:{repository}")
    blob = git(repository, "rev-parse", "HEAD:a.txt")
    bomb = zlib.compress(b"blob 2\0" + bytes(50_000_000))
    loose_path(repository, blob).write_bytes(bomb)
    row = fetch_locally(listed.files)[blob]
    assert (row["status"], row["error_class"]) == ("corrupt", "broken_git_object")
    assert "longer than its header says" in row["message"]


def test_fetch_git_large_blob_is_hashed_in_a_stream(repository: Path) -> None:
    commit(repository, {"big.txt": "0123456789" * 1000})
    packed(repository)
    listed = list_locally(f"git:{repository}")
    (big,) = [file for file in listed.files if file["path"] == "/big.txt"]
    row = fetch_locally([big], max_text_bytes=10_000)[big["content_id"]]
    assert (row["status"], row["length_bytes"], row["content"]) == ("too_large", 10_000, None)
    assert row["blob_id"] is not None
    row = fetch_locally([big], max_text_bytes=10_001)[big["content_id"]]
    assert row["status"] == "ok"


def test_list_git_broken_pack(repository: Path) -> None:
    packed(repository)
    (pack,) = (repository / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[12:] = bytes(len(data) - 12)
    pack.write_bytes(data)
    assert list_locally(f"git:{repository}").problems == [("origin", "broken_git_object")]
    pack.write_bytes(struct.pack(">4s", b"PACK"))
    assert list_locally(f"git:{repository}").problems == [("origin", "broken_git_object")]


JUNK = {
    "pack-.pack": b"",
    "pack-0000.pack": b"PACK",
    f"pack-{'1' * 40}.pack": b"\0" * 4000,
    "tmp_pack_x.pack": b"PACK\0\0\0\2\0\0\0\1",
    "not a pack.pack": b"hello",
}


@pytest.mark.parametrize("has_index", [True, False])
def test_junk_beside_good_packs_costs_nothing(repository: Path, *, has_index: bool) -> None:
    packed(repository)
    expected = list_locally(f"git:{repository}")
    folder = repository / ".git/objects/pack"
    (folder / "folder.pack").mkdir()
    for name, data in JUNK.items():
        (folder / name).write_bytes(data)
        if has_index:
            (folder / name).with_suffix(".idx").write_bytes(b"\xfftOc\0\0\0\2" + data)
    assert list_locally(f"git:{repository}") == expected
    assert len(fetch_locally(expected.files)) == len(
        {file["content_id"] for file in expected.files}
    )


def test_object_of_a_broken_pack_is_read_from_another(repository: Path) -> None:
    """Two packs with the same objects; each is spoiled in turn, behind a good header."""
    packed(repository)
    expected = list_locally(f"git:{repository}")
    commit(repository, {"more.txt": "x"})
    git(repository, "update-ref", "refs/heads/main", "HEAD~")
    data = git(repository, "rev-list", "--objects", "HEAD").encode()
    git(repository, "pack-objects", "-q", ".git/objects/pack/pack", "--window=0", data=data)
    packs = [*(repository / ".git/objects/pack").glob("*.pack")]
    assert len(packs) == 2
    for pack in packs:
        whole = pack.read_bytes()
        pack.chmod(0o644)
        pack.write_bytes(whole[:12] + b"\x95" * (len(whole) - 12))
        listed = list_locally(f"git:{repository}")
        assert (listed.paths, listed.problems) == (expected.paths, [])
        statuses = {row["status"] for row in fetch_locally(listed.files).values()}
        assert statuses == {"ok"}
        pack.write_bytes(whole)


def test_what_a_broken_pack_alone_had_names_it(repository: Path) -> None:
    packed(repository)
    (pack,) = (repository / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    pack.write_bytes(b"")
    (row,) = list_locally(f"git:{repository}").quarantine
    assert row["message"].endswith(f"it is missing; these packs cannot be read: {pack.name}")


def test_packs_whose_index_is_shared_alone(repository: Path) -> None:
    packed(repository)
    commit(repository, {"more.txt": "x"})
    git(repository, "repack", "-q", "-d")
    git(repository, "multi-pack-index", "write")
    expected = list_locally(f"git:{repository}")
    head = git(repository, "rev-parse", "HEAD")
    indexes = [*(repository / ".git/objects/pack").glob("*.idx")]
    assert len(indexes) == 2
    for path in indexes:
        path.unlink()
    assert list_locally(f"git:{repository}") == expected
    assert {row["status"] for row in fetch_locally(expected.files).values()} == {"ok"}
    assert list_locally(f"git:{repository}@{head[:9]}").root_id == expected.root_id


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--depth=1"], "the clone is shallow"), (["--filter=blob:none"], "the clone is partial")],
)
def test_clone_that_is_not_whole_says_so(
    repository: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    commit(repository, {"a.txt": "changed"})
    git(repository, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--bare", *options, f"file://{repository}", str(clone))
    before = git(repository, "rev-parse", "HEAD~")
    listed = list_locally(f"git:{clone}" + (f"@{before}" if words.endswith("shallow") else ""))
    assert listed.problems
    if words.endswith("partial"):
        assert all(words in row["message"] for row in listed.quarantine)
