import csv
import re
import zipfile
from pathlib import Path
from random import Random

import pytest
from build_corpus import (
    Member,
    Package,
    archive_of,
    edit_tokens,
    expected_jaccard,
    grow,
    keep,
    mutated,
    parse_bytes,
    table_of,
    text_members,
)

TEXT = "\n\n".join(f"def step_{n}(value_{n}):\n    return value_{n} + {n}" for n in range(400))


def shingles(text: str) -> set[tuple[str, ...]]:
    tokens = re.findall(r"\w+", text)
    return {tuple(tokens[n : n + 5]) for n in range(len(tokens) - 4)}


@pytest.fixture
def real(tmp_path: Path) -> list[Path]:
    """Three archives of ten files each, below a folder as the command lays them out."""
    paths = []
    for number in range(3):
        path = tmp_path / "archives" / "pypi" / f"tool-{number}.0-py3-none-any.whl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as wheel:
            for name in range(10):
                wheel.writestr(f"tool/m{name}.py", f"# {number} {name}\n{TEXT}")
            wheel.writestr("tool/picture.png", b"\x89PNG\0")
        paths.append(path)
    return paths


@pytest.mark.parametrize("fraction", [0.002, 0.03, 0.12])
def test_edit_tokens_hits_the_jaccard_that_the_table_says(fraction: float) -> None:
    text, num_tokens, num_edited = edit_tokens(TEXT, fraction, Random(1))
    before, after = shingles(TEXT), shingles(text)
    jaccard = len(before & after) / len(before | after)
    assert jaccard == pytest.approx(expected_jaccard(num_edited / num_tokens), abs=0.05)


@pytest.mark.parametrize("text", ["x", "1", "a b", TEXT])
def test_mutated_never_returns_a_copy(text: str) -> None:
    for seed in range(50):
        _, changed = mutated(Member(path="a.py", text=text), Random(seed))
        assert changed != text


def test_far_mutants_share_few_shingles() -> None:
    for seed in range(30):
        row, text = mutated(Member(path="a.py", text=TEXT), Random(seed))
        if text is not None and row["kind"] == "far":
            common = shingles(TEXT) & shingles(text)
            assert len(common) < 0.2 * len(shingles(TEXT))


def test_grow_is_deterministic_and_the_larger_starts_with_the_smaller(
    real: list[Path], tmp_path: Path
) -> None:
    grow(real, tmp_path / "small", 100_000, seed=7)
    grow(real, tmp_path / "large", 700_000, seed=7)
    small = sorted((tmp_path / "small").glob("*.tar.gz"))
    large = sorted((tmp_path / "large").glob("*.tar.gz"))
    assert 0 < len(small) < len(large)
    for path in small:
        twin = tmp_path / "large" / path.name
        assert list(text_members(path)) == list(text_members(twin))


def test_grow_says_of_every_file_where_it_is_from(real: list[Path], tmp_path: Path) -> None:
    grow(real, tmp_path / "grown", 100_000, seed=7)
    target = next((tmp_path / "grown").glob("*.tar.gz"))
    rows = list(csv.DictReader(table_of(target).open(encoding="utf-8")))
    members = {member.path for member in text_members(target)}
    assert members == {f"{row['source']}/{row['path']}" for row in rows}
    assert {row["kind"] for row in rows} == {"near", "far"}


@pytest.mark.parametrize(
    ("package", "fetched"),
    [
        (("pypi", "scikit-learn", "1.5.1"), "scikit_learn-1.5.1-cp311-cp311-linux.whl"),
        (("pypi", "django", "5.1.1"), "Django-5.1.1-py3-none-any.whl"),
        (("npm", "@angular/core", "18.2.3"), "angular-core-18.2.3.tgz"),
        (("go", "golang.org/x/net", "v0.28.0"), "cache/download/golang.org/x/net/@v/v0.28.0.zip"),
        (("crates", "serde", "1.0.210"), "serde-1.0.210.crate"),
    ],
)
def test_archive_of_finds_what_the_client_wrote(
    package: tuple[str, str, str], fetched: str, tmp_path: Path
) -> None:
    registry, name, version = package
    wanted = Package(registry=registry, name=name, version=version, set="full")
    found = tmp_path / "work" / fetched
    found.parent.mkdir(parents=True)
    found.touch()
    assert archive_of(wanted, tmp_path / "archives") == []
    keep(found, tmp_path / "archives" / registry)
    assert archive_of(wanted, tmp_path / "archives") == [tmp_path / "archives" / registry / fetched]


@pytest.mark.parametrize(("text", "num_bytes"), [("1GB", 10**9), ("1.5 MB", 1_500_000), ("7B", 7)])
def test_parse_bytes_reads_decimal_units(text: str, num_bytes: int) -> None:
    assert parse_bytes(text) == num_bytes


def test_parse_bytes_refuses_a_bare_number() -> None:
    with pytest.raises(SystemExit, match="such as 1GB"):
        parse_bytes("1000")
