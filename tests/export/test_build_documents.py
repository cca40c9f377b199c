import pytest
from pyspark.sql import DataFrame, SparkSession

from stackspark.contracts.tables import table_contract
from stackspark.errors import InvalidParamsError
from stackspark.export.build_documents import BuildDocumentsParams, build_documents

SCHEMA = "directory_id string, path string, blob_id string, length_bytes bigint"


def kept(spark: SparkSession, sizes: dict[str, list[int]]) -> DataFrame:
    rows = [
        (directory * 40, f"/{number}", f"{number:040x}", size)
        for directory, lengths in sizes.items()
        for number, size in enumerate(lengths)
    ]
    return spark.createDataFrame(rows, SCHEMA)


def parts_of(
    files: DataFrame, params: BuildDocumentsParams, partitions: int = 3
) -> dict[str, tuple[int, list[str]]]:
    rows = build_documents(files.repartition(partitions, "path"), params).collect()
    assert [row for row in rows if row.part >= row.num_parts] == []
    return {
        row.document_id: (row.size_bytes, [file.path for file in row.files])
        for row in sorted(rows, key=lambda row: row.document_id)
    }


def test_build_documents_has_the_columns_of_its_contract(spark: SparkSession) -> None:
    documents = build_documents(kept(spark, {"a": [5, 0]}))
    assert [(f.name, f.dataType.simpleString()) for f in documents.schema.fields] == [
        (column.name, column.data_type) for column in table_contract("documents").columns
    ]
    (row,) = documents.collect()
    assert (row.document_id, row.part, row.num_parts) == ("a" * 40 + "-0", 0, 1)
    assert (row.num_files, row.size_bytes) == (2, 5)
    assert {(file.path, file.blob_id) for file in row.files} == {
        ("/0", f"{0:040x}"),
        ("/1", f"{1:040x}"),
    }


def test_build_documents_cuts_by_bytes_and_numbers_parts(spark: SparkSession) -> None:
    sizes = [7, 30, 2, 4, 9, 1, 3]
    params = BuildDocumentsParams(max_document_bytes=10)
    found = parts_of(kept(spark, {"a": sizes}), params)
    in_order = [path for _, paths in found.values() for path in paths]
    assert sorted(in_order) == [f"/{number}" for number in range(7)]
    # The slow way: a part ends before the first file that begins past a multiple of the limit.
    expected: dict[int, list[str]] = {}
    before = 0
    for path in in_order:
        expected.setdefault(before // 10, []).append(path)
        before += sizes[int(path[1:])]
    assert [paths for _, paths in found.values()] == list(expected.values())
    assert list(found) == [f"{'a' * 40}-{part}" for part in range(len(expected))]
    for size_bytes, paths in found.values():
        assert size_bytes == sum(sizes[int(path[1:])] for path in paths)
        assert size_bytes < 10 + sizes[int(paths[-1][1:])] + 1


def test_build_documents_cuts_by_files(spark: SparkSession) -> None:
    params = BuildDocumentsParams(max_document_files=2)
    found = parts_of(kept(spark, {"a": [1] * 5, "b": [1] * 2}), params)
    assert [len(paths) for _, paths in found.values()] == [2, 2, 1, 2]


@pytest.mark.parametrize("partitions", [1, 16])
def test_build_documents_does_not_depend_on_partitions(
    spark: SparkSession, partitions: int
) -> None:
    files = kept(spark, {"a": [3] * 9, "b": [3] * 4})
    params = BuildDocumentsParams(max_document_bytes=7)
    assert parts_of(files, params, partitions) == parts_of(files, params, 4)


def test_build_documents_orders_by_seed(spark: SparkSession) -> None:
    files = kept(spark, {"a": [1] * 30})
    orders = [
        next(iter(parts_of(files, BuildDocumentsParams(seed=seed)).values()))[1] for seed in (0, 1)
    ]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) != orders[0]


@pytest.mark.parametrize(
    ("fraction", "low", "high"), [(0.0, 0, 0), (0.5, 60, 140), (1.0, 200, 200)]
)
def test_build_documents_gives_metadata_to_a_share_of_repositories(
    spark: SparkSession, fraction: float, low: int, high: int
) -> None:
    rows = [(f"{number:040x}", f"/{n}", "0" * 40, 1) for number in range(200) for n in range(2)]
    params = BuildDocumentsParams(metadata_fraction=fraction, max_document_files=1)
    documents = build_documents(spark.createDataFrame(rows, SCHEMA), params).collect()
    chosen: dict[str, set[bool]] = {}
    for row in documents:
        chosen.setdefault(row.directory_id, set()).add(row.has_metadata)
    # The parts of a repository agree.
    assert {len(values) for values in chosen.values()} == {1}
    assert low <= sum(values == {True} for values in chosen.values()) <= high


@pytest.mark.parametrize(
    "params",
    [
        {"max_document_bytes": 0},
        {"max_document_files": 0},
        {"metadata_fraction": 1.1},
    ],
)
def test_build_documents_params_refuse_nonsense(params: dict[str, float]) -> None:
    with pytest.raises(InvalidParamsError):
        BuildDocumentsParams(**params)  # type: ignore[arg-type]
