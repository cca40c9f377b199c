from pathlib import Path

from source_fixtures import (
    list_locally,
    write_files,
)


def test_units_are_bounded_in_bytes_and_files(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{number:03}": "x" * 1000 for number in range(100)})
    units = {f["locator"]["unit"] for f in list_locally(f"dir:{tmp_path}", unit_bytes=50_000).files}
    assert units == set(range(35))  # 100 files of 1,000 bytes and 16 KiB for opening each
