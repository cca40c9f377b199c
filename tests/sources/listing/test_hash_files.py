from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from stackspark.sources.listing.hash_files import hash_files
from stackspark.sources.listing.rows import HASHED, WALKED, batches


def _walked(folder: Path, path: str, **other: Any) -> dict[str, Any]:
    place = {"kind": "dir", "location": str(folder), "member": path.encode(), "position": 0}
    return {
        "container": "dir", "row": "file", "path": path.encode(), "mode": 0o100644,
        "locator": {**place, "unit": 0}, **other,
    }  # fmt: skip


def _hashed(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    found = list(hash_files(batches(rows, WALKED)))
    assert all(batch.schema == HASHED for batch in found)
    return [row for batch in found for row in batch.to_pylist()]


@pytest.mark.parametrize("data", [b"", b"x = 1\n", bytes(range(256)) * 999])
def test_file_on_disk_is_hashed_as_git_does(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.py").write_bytes(data)
    (row,) = _hashed(_walked(tmp_path, "a.py"))
    assert row["content_id"] == sha1(b"blob %d\0%s" % (len(data), data)).hexdigest()
    assert row["length_bytes"] == len(data)


def test_what_the_walk_hashed_is_not_read_again(tmp_path: Path) -> None:
    (row,) = _hashed(_walked(tmp_path, "gone.py", content_id="7" * 40, length_bytes=3))
    assert (row["row"], row["content_id"], row["length_bytes"]) == ("file", "7" * 40, 3)


def test_file_that_is_gone_is_a_problem_that_names_it(tmp_path: Path) -> None:
    (row,) = _hashed(_walked(tmp_path, "gone.py"))
    assert (row["row"], row["content_id"]) == ("problem", None)
    assert row["message"].startswith("/gone.py: ")


def test_paths_are_described_and_folders_have_no_flags(tmp_path: Path) -> None:
    known = {"content_id": "7" * 40, "length_bytes": 3}
    folder = {**_walked(tmp_path, "docs/"), "row": "folder", "locator": None}
    files = [_walked(tmp_path, path, **known) for path in ("node_modules/a.js", "src/a.js")]
    found = _hashed(*files, folder)
    assert [row["is_vendor"] for row in found] == [True, False, None]
    assert [row["display"] for row in found] == ["/node_modules/a.js", "/src/a.js", "/docs/"]
