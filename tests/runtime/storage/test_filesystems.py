"""One way to files, on disk and in an object store: what is written is whole, or not there."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_proxy import EXPIRED, RESET, SLOW, SLOW_DOWN, Faults, faulty_s3
from s3_servers import SECRET_KEY, S3Server

from stackspark.errors import InputError, UsageError
from stackspark.export.manifest import ShardGroup, write_manifest
from stackspark.export.shard_files import RowGroupLimits, RowShape, write_shards
from stackspark.lake.content_reader import read_contents
from stackspark.lake.scratch import Scratch
from stackspark.runtime.storage import filesystems
from stackspark.runtime.storage.filesystems import (
    exists,
    file_names,
    joined,
    located,
    publish_file,
    remove_files,
    remove_folder,
    staging_path,
    store_text,
    stored_text,
)

TEXTS = [f"text {number} " * 50 for number in range(40)]


@pytest.fixture(params=["disk", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder that does not exist yet, with an awkward name."""
    if request.param == "disk":
        return str(tmp_path / "lake ü%20#x")
    bucket = request.getfixturevalue("s3_bucket")
    return f"s3a://{bucket}/{tmp_path.name}/lake ü%20#x"


def test_texts_are_stored_replaced_listed_and_removed(folder: str) -> None:
    filesystems.make_folder(folder)
    assert stored_text(joined(folder, "a.json")) is None
    store_text(joined(folder, "a.json"), "old")
    store_text(joined(folder, "a.json"), "ä new\n")
    store_text(joined(folder, "b.json"), "")
    assert stored_text(joined(folder, "a.json")) == "ä new\n"
    assert stored_text(joined(folder, "b.json")) == ""
    assert file_names(folder) == ["a.json", "b.json"], "nothing is left of the staging"
    remove_files(folder, ["b.json"])
    assert file_names(folder) == ["a.json"]
    assert exists(folder)
    remove_folder(folder)
    remove_folder(folder)
    assert not exists(folder)
    assert file_names(folder) == []


def test_staged_file_of_a_store_is_outside_until_it_is_whole(folder: str) -> None:
    filesystems.make_folder(folder)
    target = joined(folder, "part.parquet")
    staged = staging_path(target)
    staged.write_bytes(b"x" * 100)
    assert not exists(target)
    publish_file(staged, target)
    assert not staged.exists()
    assert file_names(folder) == ["part.parquet"]


def test_publish_file_sends_parts_of_a_long_one(s3_bucket: str) -> None:
    target = f"s3a://{s3_bucket}/long"
    staged = staging_path(target)
    data = bytes(range(256)) * (1 << 16)
    staged.write_bytes(data)
    publish_file(staged, target)
    filesystem, path = located(target)
    with filesystem.open_input_stream(path) as file:
        assert hashlib.sha1(file.read()).digest() == hashlib.sha1(data).digest()


SHAPE = RowShape(
    schema=pa.schema({"path": pa.string(), "content": pa.string()}),
    key=("path",),
    gather=iter,
    sizes=lambda batch: pa.array([1] * batch.num_rows),
    languages=lambda batch: pa.array(["C"] * batch.num_rows),
)


def test_shards_of_both_have_the_same_bytes(s3_bucket: str, tmp_path: Path) -> None:
    rows = pa.RecordBatch.from_pydict(
        {
            "path": [f"/{number}" for number in range(len(TEXTS))],
            "content": TEXTS,
            "shard": pa.array([0] * 20 + [1] * 20, pa.int32()),
        }
    )
    groups = [ShardGroup(language="C", slug="C", first=0, num_buckets=2)]
    limits = RowGroupLimits(max_bytes=7, max_rows=100)
    found = []
    for folder in (str(tmp_path), f"s3a://{s3_bucket}/shards/files/x"):
        written = write_shards(iter([rows]), SHAPE, groups, folder, limits)
        shards = [shard for batch in written for shard in batch.to_pylist()]
        for shard in shards:
            filesystem, path = located(joined(folder, shard["path"]))
            with filesystem.open_input_stream(path) as file:
                assert hashlib.sha256(file.read()).hexdigest() == shard["sha256"]
        write_manifest(folder, "files", [], {})
        assert file_names(folder)[0] == "manifest.json"
        found.append(shards)
    assert found[0] == found[1]


def test_shard_that_fails_leaves_nothing_in_the_store(s3_bucket: str) -> None:
    def broken() -> object:
        yield pa.RecordBatch.from_pydict(
            {"path": ["/0"], "content": ["x"], "shard": pa.array([0], pa.int32())}
        )
        raise RuntimeError("the task died")

    groups = [ShardGroup(language="C", slug="C", first=0, num_buckets=2)]
    limits = RowGroupLimits(max_bytes=7, max_rows=100)
    folder = f"s3a://{s3_bucket}/shards/torn"
    with pytest.raises(RuntimeError, match="the task died"):
        list(write_shards(broken(), SHAPE, groups, folder, limits))
    assert file_names(folder) == []


def stored_contents(bucket: str) -> pa.RecordBatch:
    """A data file of `contents` in the store, and a plan that reads some rows of it."""
    ids = [hashlib.sha1(text.encode()).hexdigest() for text in TEXTS]
    filesystem, path = located(f"s3a://{bucket}/tables/contents/part 1.parquet")
    with filesystem.open_output_stream(path) as file:
        pq.write_table(pa.table({"blob_id": ids, "content": TEXTS}), file, row_group_size=7)
    rows = [0, 1, 6, 7, 7, 20, 39]
    return pa.RecordBatch.from_pydict(
        {
            "blob_id": [ids[row] for row in rows],
            "content_file": [f"s3a://{bucket}/tables/contents/part%201.parquet"] * len(rows),
            "content_block": pa.array([0] * len(rows), pa.int64()),
            "content_row": pa.array(rows, pa.int64()),
        }
    )


def texts(plan: pa.RecordBatch) -> list[str]:
    return [text for batch in read_contents([plan]) for text in batch.texts.to_pylist()]


def test_contents_are_read_from_the_store(s3_bucket: str) -> None:
    plan = stored_contents(s3_bucket)
    assert texts(plan) == [TEXTS[row] for row in (0, 1, 6, 7, 20, 39)]


def test_contents_are_read_from_a_store_that_stumbles(
    moto: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = stored_contents(s3_bucket)
    faults = Faults(rate=0.3, kinds=[SLOW_DOWN, RESET, SLOW], seed=2, burst=1)
    with faulty_s3(moto.endpoint, faults) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
        assert texts(plan) == [TEXTS[row] for row in (0, 1, 6, 7, 20, 39)]
        assert sum(proxy.injected.values()) > 0


def test_contents_that_may_not_be_read_are_one_line(
    moto: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = stored_contents(s3_bucket)
    faults = Faults(rate=1.0, kinds=[EXPIRED], applies=lambda *_: True)
    with faulty_s3(moto.endpoint, faults) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
        with pytest.raises(InputError, match="cannot read the data file s3a://") as caught:
            texts(plan)
    assert SECRET_KEY not in str(caught.value)


def test_scratch_is_written_and_cleared_in_the_store(s3_bucket: str) -> None:
    scratch = Scratch(folder=f"s3a://{s3_bucket}/scratch/run")
    for value in (1, 2):
        with scratch.writer("one", pa.schema({"id": pa.int64()})) as writer:
            writer.write_table(pa.table({"id": [value]}))
    (batch,) = scratch.batches("one", ["id"])
    assert batch["id"].to_pylist() == [2]
    scratch.clear()
    assert not exists(scratch.folder)


@pytest.mark.parametrize("path", ["s3a://key:word@bucket/lake", "s3a:///lake", "gs://bucket/lake"])
def test_located_refuses_other_places_and_repeats_no_credential(path: str) -> None:
    with pytest.raises(UsageError) as caught:
        located(path)
    assert "word" not in str(caught.value)


def test_located_takes_the_forms_that_spark_gives(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    for path in (f"file://{tmp_path}/a", f"file:{tmp_path}/a", f"{tmp_path}/a"):
        assert located(path)[1] == str(tmp_path / "a")
