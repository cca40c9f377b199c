import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from reference_documents import render

from stackspark.contracts.tables import table_contract
from stackspark.errors import ContractError, InvalidParamsError
from stackspark.export.manifest import Shard, shard_rows
from stackspark.export.shards import ShardParams, export_documents, export_files, export_ids
from stackspark.lake.content_reader import ReadMetrics

FILES = {
    "/a.py": ("Python", "print('ä')\n"),
    "/b.py": ("Python", "x = '😀' # <|endoftext|>\n"),
    "/c/d.cpp": ("C++", "int main() {}\n" * 30),
    "/e": (None, "no language\n"),
    "/f.py": ("Python", "y\n" * 50),
}
VISIT = datetime(2021, 9, 4, 17, 22, 29, 355846, UTC)
SMALL = ShardParams(target_file_bytes=200, row_group_bytes=60, row_group_rows=2)


def blob_id(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


@pytest.fixture
def contents(spark: SparkSession, tmp_path: Path) -> DataFrame:
    rows = [(blob_id(text), len(text.encode()), "ok", text) for _, text in FILES.values()]
    folder = str(tmp_path / "contents")
    spark.createDataFrame(
        rows, "blob_id string, length_bytes bigint, status string, content string"
    ).repartition(2, "blob_id").write.parquet(folder)
    return spark.read.parquet(folder)


def file_rows(spark: SparkSession) -> DataFrame:
    """Two repositories with the same files, as the export takes them, fewer columns."""
    rows = [
        (blob_id(text), directory * 40, path, ["MIT"], VISIT, language, len(text.encode()))
        for directory in ("a", "b")
        for path, (language, text) in FILES.items()
    ]
    schema = (
        "blob_id string, directory_id string, path string, detected_licenses array<string>, "
        "visit_date timestamp, language string, length_bytes bigint"
    )
    return spark.createDataFrame(rows, schema)


def document_rows(spark: SparkSession) -> DataFrame:
    """A repository in two parts, and one in one part without metadata."""
    parts = [
        ("a", 0, 2, True, ["/a.py", "/b.py"]),
        ("a", 1, 2, True, ["/c/d.cpp"]),
        ("b", 0, 1, False, ["/f.py", "/e"]),
    ]
    rows = [
        (
            f"{directory * 40}-{part}",
            position,
            has_metadata,
            blob_id(FILES[path][1]),
            f"me/{directory}",
            VISIT,
            len(paths),
            part,
            num_parts,
            (path, FILES[path][0], len(FILES[path][1].encode())),
        )
        for directory, part, num_parts, has_metadata, paths in parts
        for position, path in enumerate(paths)
    ]
    return spark.createDataFrame(
        rows,
        "document_id string, position int, has_metadata boolean, blob_id string, "
        "repo_name string, visit_date timestamp, num_files bigint, part int, num_parts int, "
        "file struct<path:string,language:string,length_bytes:bigint>",
    )


Export = Callable[[SparkSession, DataFrame, str, int], list[Shard]]


def run_files(spark: SparkSession, contents: DataFrame, folder: str, parts: int) -> list[Shard]:
    rows = file_rows(spark).repartition(parts, "path")
    return export_files(rows, contents, folder, SMALL)


def run_documents(spark: SparkSession, contents: DataFrame, folder: str, parts: int) -> list[Shard]:
    rows = document_rows(spark).repartition(parts, "blob_id")
    return export_documents(rows, contents, folder, SMALL)


def run_ids(spark: SparkSession, _: DataFrame, folder: str, parts: int) -> list[Shard]:
    rows = document_rows(spark).repartition(parts, "blob_id")
    return export_ids(rows, folder, ShardParams(target_file_bytes=512))


@pytest.mark.parametrize("run", [run_files, run_documents, run_ids])
def test_exports_have_the_same_bytes_at_any_partitioning(
    spark: SparkSession,
    contents: DataFrame,
    tmp_path: Path,
    run: Export,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for parts in (1, 4, 16):
        monkeypatch.setattr("stackspark.lake.content_reader._partitions_for", lambda _, n=parts: n)
        found.append(run(spark, contents, str(tmp_path / str(parts)), parts))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 1
    for shard in found[0]:
        data = (tmp_path / "1" / shard.path).read_bytes()
        assert hashlib.sha256(data).hexdigest() == shard.sha256
        assert len(data) == shard.size_bytes
        assert data == (tmp_path / "16" / shard.path).read_bytes()


def test_export_files_gives_every_file_its_content(
    spark: SparkSession, contents: DataFrame, tmp_path: Path
) -> None:
    metrics = ReadMetrics(spark)
    shards = export_files(file_rows(spark), contents, str(tmp_path / "x"), SMALL, metrics)
    table = ds.dataset(tmp_path / "x").to_table()
    assert {
        (row["directory_id"], row["path"]): (row["language"], row["content"])
        for row in table.to_pylist()
    } == {
        (directory * 40, path): named_text
        for directory in ("a", "b")
        for path, named_text in FILES.items()
    }
    assert table.schema.field("visit_date").type == pa.timestamp("us", "UTC")
    assert table.column("visit_date")[0].as_py() == VISIT
    assert table.schema.names == [*file_rows(spark).columns, "content"]
    # Each text is read once, however many files hold it.
    assert metrics.totals()["num_texts"] == len(FILES)
    assert metrics.totals()["num_row_groups"] == len(contents.inputFiles())
    by_language: dict[str | None, int] = {}
    for shard in shards:
        rows = pq.read_table(tmp_path / "x" / shard.path).to_pylist()
        assert {row["language"] for row in rows} == {shard.language}
        assert rows == sorted(rows, key=lambda row: (row["directory_id"], row["path"]))
        assert shard.language_counts == {shard.language or "unknown": shard.num_rows}
        by_language[shard.language] = by_language.get(shard.language, 0) + shard.num_rows
    assert by_language == {"Python": 6, "C++": 2, None: 2}
    assert any(shard.path.startswith("part-C_2b_2b--") for shard in shards)


def test_export_files_caps_row_groups(
    spark: SparkSession, contents: DataFrame, tmp_path: Path
) -> None:
    params = ShardParams(target_file_bytes=10**6, row_group_bytes=130, row_group_rows=3)
    shards = export_files(file_rows(spark), contents, str(tmp_path / "x"), params)
    (python,) = [shard for shard in shards if shard.language == "Python"]
    file = pq.ParquetFile(tmp_path / "x" / python.path)
    groups = [file.read_row_group(number) for number in range(file.num_row_groups)]
    sizes = [
        [len(text.encode()) for text in group.column("content").to_pylist()] for group in groups
    ]
    # 12, 27 and 100 bytes twice, in the order of the paths.
    assert sizes == [[12, 27], [100, 12], [27, 100]]
    (cpp,) = [shard for shard in shards if shard.language == "C++"]
    assert pq.ParquetFile(tmp_path / "x" / cpp.path).num_row_groups == 2


def test_export_documents_renders_each_part(
    spark: SparkSession, contents: DataFrame, tmp_path: Path
) -> None:
    metrics = ReadMetrics(spark)
    shards = export_documents(document_rows(spark), contents, str(tmp_path / "x"), SMALL, metrics)
    rows = ds.dataset(tmp_path / "x").to_table().to_pylist()
    found = {(row["repo_name"], row["part"]): row for row in rows}

    def expected(paths: list[str], repo: str, *, has_metadata: bool) -> str:
        return render(repo, [(p, FILES[p][1]) for p in paths], has_metadata=has_metadata)

    assert {key: row["text"] for key, row in found.items()} == {
        ("me/a", 0): expected(["/a.py", "/b.py"], "me/a", has_metadata=True),
        ("me/a", 1): expected(["/c/d.cpp"], "me/a", has_metadata=True),
        ("me/b", 0): expected(["/f.py", "/e"], "me/b", has_metadata=False),
    }
    first = found["me/a", 0]
    assert first["num_escaped_sentinels"] == 1
    assert [file["content"] for file in first["files"]] == [FILES[p][1] for p in ("/a.py", "/b.py")]
    assert list(first) == [
        "repo_name",
        "visit_date",
        "files",
        "num_files",
        "part",
        "num_parts",
        "text",
        "num_escaped_sentinels",
    ]
    assert metrics.totals()["num_texts"] == len(FILES)
    counts = [(language, n) for shard in shards for language, n in shard.language_counts.items()]
    assert sum(n for _, n in counts) == 5
    assert {language for language, _ in counts} == {"Python", "C++", "unknown"}


def test_export_ids_has_no_content(spark: SparkSession, tmp_path: Path) -> None:
    export_ids(document_rows(spark), str(tmp_path / "x"))
    (path,) = (tmp_path / "x").glob("*.parquet")
    assert path.name == "part-00000-of-00001.parquet"
    rows = pq.read_table(path).to_pylist()
    assert [(row["repo_name"], row["part"], row["num_files"]) for row in rows] == [
        ("me/a", 0, 2),
        ("me/a", 1, 1),
        ("me/b", 0, 2),
    ]
    assert list(rows[0]) == ["repo_name", "visit_date", "files", "num_files", "part", "num_parts"]
    assert list(rows[0]["files"][0]) == ["path", "language", "length_bytes"]


def test_export_files_fails_if_a_text_is_missing(
    spark: SparkSession, contents: DataFrame, tmp_path: Path
) -> None:
    fewer = contents.where(contents["blob_id"] != blob_id(FILES["/e"][1]))
    with pytest.raises(ContractError, match="text of 10 files, found 8"):
        export_files(file_rows(spark), fewer, str(tmp_path / "x"), SMALL)


def test_export_files_of_nothing_writes_nothing(
    spark: SparkSession, contents: DataFrame, tmp_path: Path
) -> None:
    assert export_files(file_rows(spark).limit(0), contents, str(tmp_path / "x")) == []
    assert list((tmp_path / "x").iterdir()) == []


def test_export_ids_removes_what_an_earlier_try_left(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("part-00007-of-00009.parquet", ".part-00000-of-00001.parquet.0f.tmp", "README.md"):
        (tmp_path / name).write_text("old")
    shards = export_ids(document_rows(spark), str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", shards[0].path}


def test_shard_params_refuse_nothing() -> None:
    with pytest.raises(InvalidParamsError, match="at least 1"):
        ShardParams(row_group_rows=0)


def test_shard_rows_are_those_of_the_contract(spark: SparkSession, tmp_path: Path) -> None:
    shards = export_ids(document_rows(spark), str(tmp_path))
    rows = shard_rows(spark, "ids", "0123", shards)
    contract = table_contract("shards")
    assert [(field.name, field.dataType.simpleString()) for field in rows.schema.fields] == [
        (column.name, column.data_type) for column in contract.columns
    ]
    (row,) = rows.collect()
    assert row.path == "shards/ids/0123/part-00000-of-00001.parquet"
    assert row.language_counts == {"C++": 1, "Python": 3, "unknown": 1}
