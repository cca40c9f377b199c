from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from stackspark.contracts.tables import table_contract
from stackspark.export.build_documents import build_documents
from stackspark.export.describe_files import describe_files
from stackspark.export.shape_documents_export import shape_documents_export
from stackspark.export.shape_files_export import shape_files_export
from stackspark.export.shape_ids_export import shape_ids_export

DIRECTORY, OTHER = "a" * 40, "b" * 40
BLOB, CONTENT = "1" * 40, "2" * 40
DATE = datetime(2018, 1, 20, 10, 0, 56, tzinfo=UTC)


def table(spark: SparkSession, name: str, *rows: dict[str, Any]) -> DataFrame:
    """Rows of a table with null in every column that a row does not name."""
    contract = table_contract(name)
    ddl = ", ".join(f"`{column.name}` {column.data_type}" for column in contract.columns)
    values = [tuple(row.get(column.name) for column in contract.columns) for row in rows]
    return spark.createDataFrame(values, ddl)


def file_row(directory_id: str, path: str, **values: object) -> dict[str, Any]:
    return {
        "directory_id": directory_id,
        "path": path,
        "name": path.rsplit("/", 1)[1],
        "extension": "py",
        "blob_id": BLOB,
        "content_id": CONTENT,
        "length_bytes": 18,
        "is_vendor": False,
        "is_generated_path": False,
    } | values


def described(spark: SparkSession) -> DataFrame:
    return describe_files(
        table(
            spark,
            "files",
            file_row(DIRECTORY, "/src/a.py"),
            file_row(DIRECTORY, "/x;y%.py", is_generated_path=True, blob_id="3" * 40),
            file_row(OTHER, "/b.py"),
        ),
        origins=table(
            spark,
            "origins",
            {
                "directory_id": DIRECTORY,
                "origin_url": "https://forge.example/me/repo",
                "repo_name": "me/repo",
                "snapshot_id": "5" * 40,
                "revision_id": "6" * 40,
                "visit_date": DATE,
                "star_events_count": 5,
            },
            {"directory_id": OTHER, "origin_url": "file:///x;1", "repo_name": "x"},
        ),
        licenses=table(
            spark,
            "licenses",
            {
                "directory_id": DIRECTORY,
                "path": "/src/a.py",
                "detected_licenses": ["MIT"],
                "license_type": "permissive",
            },
        ),
        file_languages=table(
            spark,
            "file_languages",
            {"blob_id": BLOB, "name": "a.py", "language": "Python", "is_generated": True},
            {"blob_id": BLOB, "name": "b.py", "language": "Other", "is_generated": False},
        ),
        measurements=table(
            spark,
            "measurements",
            {"blob_id": BLOB, "num_lines": 2, "avg_line_length": 8.0, "alpha_fraction": 4 / 9},
        ),
        contents=table(spark, "contents", {"blob_id": BLOB, "src_encoding": "UTF-8"}),
    )


def test_describe_files_joins_what_is_known(spark: SparkSession) -> None:
    rows = {(row.directory_id, row.path): row for row in described(spark).collect()}
    assert len(rows) == 3
    first = rows[DIRECTORY, "/src/a.py"]
    assert (first.filename, first.language, first.is_generated) == ("a.py", "Python", True)
    assert (first.detected_licenses, first.license_type) == (["MIT"], "permissive")
    assert (first.repo_name, first.repo_url) == ("me/repo", "https://forge.example/me/repo")
    assert (first.num_lines, first.src_encoding, first.star_events_count) == (2, "UTF-8", 5)
    unknown = rows[DIRECTORY, "/x;y%.py"]
    assert (unknown.language, unknown.license_type, unknown.num_lines) == (None, None, None)
    # Its name alone says so.
    assert unknown.is_generated
    assert rows[OTHER, "/b.py"].is_generated is False


def test_shape_files_export_has_the_published_columns(spark: SparkSession) -> None:
    assert shape_files_export(described(spark)).dtypes == [
        ("blob_id", "string"),
        ("directory_id", "string"),
        ("path", "string"),
        ("content_id", "string"),
        ("detected_licenses", "array<string>"),
        ("license_type", "string"),
        ("repo_name", "string"),
        ("snapshot_id", "string"),
        ("revision_id", "string"),
        ("branch_name", "string"),
        ("visit_date", "timestamp"),
        ("revision_date", "timestamp"),
        ("committer_date", "timestamp"),
        ("github_id", "bigint"),
        ("star_events_count", "bigint"),
        ("fork_events_count", "bigint"),
        ("gha_license_id", "string"),
        ("gha_event_created_at", "timestamp"),
        ("gha_created_at", "timestamp"),
        ("gha_language", "string"),
        ("src_encoding", "string"),
        ("language", "string"),
        ("is_vendor", "boolean"),
        ("is_generated", "boolean"),
        ("length_bytes", "bigint"),
        ("extension", "string"),
        ("filename", "string"),
    ]


def document_files(spark: SparkSession) -> DataFrame:
    files = described(spark)
    return shape_documents_export(build_documents(files), files)


def test_shape_documents_export_has_the_published_columns(spark: SparkSession) -> None:
    rows = document_files(spark)
    assert rows.columns == [
        "document_id",
        "position",
        "has_metadata",
        "blob_id",
        "repo_name",
        "repo_url",
        "snapshot_id",
        "revision_id",
        "directory_id",
        "branch_name",
        "visit_date",
        "revision_date",
        "committer_date",
        "github_id",
        "star_events_count",
        "fork_events_count",
        "gha_license_id",
        "gha_created_at",
        "gha_updated_at",
        "gha_pushed_at",
        "gha_language",
        "num_files",
        "part",
        "num_parts",
        "file",
    ]
    assert rows.schema["file"].dataType.simpleString() == (
        "struct<blob_id:string,path:string,content_id:string,language:string,length_bytes:bigint,"
        "detected_licenses:array<string>,license_type:string,src_encoding:string,"
        "is_vendor:boolean,is_generated:boolean,alphanum_fraction:float,alpha_fraction:float,"
        "num_lines:int,avg_line_length:float,max_line_length:int>"
    )
    found = sorted((row.document_id[0], row.position, row.num_files) for row in rows.collect())
    assert found == [("a", 0, 2), ("a", 1, 2), ("b", 0, 1)]


def test_shape_ids_export_qualifies_swhids(spark: SparkSession) -> None:
    rows = shape_ids_export(document_files(spark)).collect()
    found = {row.file.path: (row.swhid, row.file.swhid) for row in rows}
    context = f";origin=https://forge.example/me/repo;visit=swh:1:snp:{'5' * 40}"
    anchor = f";anchor=swh:1:rev:{'6' * 40}"
    assert found["/src/a.py"] == (
        f"swh:1:dir:{DIRECTORY}{context}{anchor}",
        f"swh:1:cnt:{CONTENT}{context}{anchor};path=/src/a.py",
    )
    assert found["/x;y%.py"][1] == f"swh:1:cnt:{CONTENT}{context}{anchor};path=/x%3By%25.py"
    # Neither visited nor a revision: the directory itself is the anchor of its files.
    assert found["/b.py"] == (
        f"swh:1:dir:{OTHER};origin=file:///x%3B1",
        f"swh:1:cnt:{CONTENT};origin=file:///x%3B1;anchor=swh:1:dir:{OTHER};path=/b.py",
    )
