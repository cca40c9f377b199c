"""The search for near-duplicates against a slow reference of it, over thousands of small corpora.

The corpora are told apart by their scope, so that one search takes them all.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from hashlib import md5, sha1
from itertools import combinations
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from reference_near_duplicates import Blob, Search, component_rows, packed

from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.params import NearDuplicatesParams
from stackspark.duplicates.near.search import NearDuplicateResult, find_near_duplicates
from stackspark.lake.scratch import Scratch
from stackspark.runtime.session import SessionParams, spark_session

MINHASH = MinHashParams(num_perm=62, num_bands=3, rows_per_band=2)
NUM_BANDS, UNUSED_BITS = 3, 4
NUM_CORPORA = 2_000


def made_up_corpus(number: int) -> list[Blob]:
    """Blobs that descend from each other: with 0 to 12 of 62 permutations and some bands changed.

    A pair is similar from 49 equal permutations on, so that chains of similar blobs with unlike
    ends are common, in crowded buckets and in no common bucket. Some repeat a text, some are short.
    """
    chance = random.Random(number)
    blobs: list[Blob] = []
    for place in range(chance.randint(1, 14)):
        name, order = sha1(f"{number}/{place}".encode()).hexdigest(), chance.randrange(8)
        parent = chance.choice(blobs) if blobs and chance.random() < 0.85 else None
        text, bands, signature = name, None, None
        if parent and chance.random() < 0.1:
            text, bands, signature = parent.text, parent.bands, parent.signature
        elif chance.random() < 0.95:
            bands = made_up_bands(parent, chance)
            signature = changed_signature(parent, chance)
        blobs.append(Blob(blob_id=name, order=order, text=text, bands=bands, signature=signature))
    return blobs


def made_up_bands(parent: Blob | None, chance: random.Random) -> tuple[int, ...]:
    inherited = parent.bands if parent and parent.bands else (None,) * NUM_BANDS
    return tuple(
        band if band is not None and chance.random() < 0.6 else 10 * place + chance.randrange(3)
        for place, band in enumerate(inherited)
    )


def changed_signature(parent: Blob | None, chance: random.Random) -> bytes:
    if parent is None or parent.signature is None:
        bits = chance.getrandbits(2 * MINHASH.num_perm)
        return (bits << UNUSED_BITS).to_bytes(16)
    bits = int.from_bytes(parent.signature)
    for place in chance.sample(range(MINHASH.num_perm), chance.randint(0, 12)):
        bits ^= chance.randint(1, 3) << UNUSED_BITS + 2 * place
    return bits.to_bytes(16)


@cache
def corpora(count: int) -> list[list[Blob]]:
    return [made_up_corpus(number) for number in range(count)]


def table(count: int) -> pa.Table:
    """Candidates of so many corpora, in no order; the scope is the corpus's number."""
    rows = [(str(number), blob) for number, corpus in enumerate(corpora(count)) for blob in corpus]
    random.Random(count).shuffle(rows)
    return pa.table(
        {
            "blob_id": [blob.blob_id for _, blob in rows],
            "scope": [scope for scope, _ in rows],
            "normalized_hash": [md5(blob.text.encode()).hexdigest() for _, blob in rows],
            "band_hashes": pa.array([packed(b.bands) for _, b in rows], pa.binary()),
            "signature": pa.array([blob.signature for _, blob in rows], pa.binary()),
            "keep_order": [{"order": b.order, "blob_id": b.blob_id} for _, b in rows],
        }
    )


def searched(count: int, params: NearDuplicatesParams) -> list[Search]:
    return [
        Search(
            blobs=corpus,
            num_perm=params.minhash.num_perm,
            threshold=params.threshold,
            heads_per_bucket=params.heads_per_bucket,
            max_rounds=params.max_rounds,
        )
        for corpus in corpora(count)
    ]


def check_search(candidates: DataFrame, params: NearDuplicatesParams, scratch: Scratch) -> None:
    """Compare the search with the reference, row by row and round by round."""
    expected = searched(candidates.select("scope").distinct().count(), params)
    result = find_near_duplicates(candidates, params, scratch)
    check_rows(result, [search.rows() for search in expected])
    assert result.is_settled == all(search.is_settled for search in expected)
    for done in result.rounds:
        numbers = [number for search in expected for _, number in search.edges.values()]
        removed = sum(len(search.removed[: done.round][-1]) for search in expected)
        assert (done.num_verified, done.num_removed) == (numbers.count(done.round), removed)


def check_components(candidates: DataFrame, params: NearDuplicatesParams, scratch: Scratch) -> None:
    """Compare the rule `components` with a union of one pair after the other."""
    count = candidates.select("scope").distinct().count()
    params = replace(params, rule="components")
    result = find_near_duplicates(candidates, params, scratch)
    expected = [component_rows(corpus, MINHASH.num_perm) for corpus in corpora(count)]
    check_rows(result, expected)
    assert result.is_settled
    gone = [row for rows in expected for row in rows.values()]
    assert sum(how == "component" and value < params.threshold for _, value, how, _ in gone) > 100


def check_rows(
    result: NearDuplicateResult, expected: list[dict[str, tuple[str, float, str, int]]]
) -> None:
    actual = {row["blob_id"]: tuple(row)[1:] for row in result.rows.collect()}
    assert actual == {
        blob_id: (kept, similarity, established_by, str(scope), number)
        for scope, rows in enumerate(expected)
        for blob_id, (kept, similarity, established_by, number) in rows.items()
    }


@pytest.mark.parametrize(
    ("shuffle", "limits"),
    [
        ((1, True), {"heads_per_bucket": 1, "max_in_driver": 0}),
        ((4, False), {"heads_per_bucket": 2, "max_rounds": 3, "max_in_driver": 0}),
        ((16, True), {"heads_per_bucket": 8, "max_in_driver": 0}),
        ((4, True), {"heads_per_bucket": 1}),
        ((4, True), {"heads_per_bucket": 2, "max_rounds": 3}),
        ((4, True), {"heads_per_bucket": 8}),
    ],
)
def test_find_near_duplicates_equals_its_references(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shuffle: tuple[int, bool],
    limits: dict[str, int],
) -> None:
    """Whatever the partitions, adaptive execution, the input's order, and who searches."""
    num_partitions, is_adaptive = shuffle
    settings = {
        "spark.sql.shuffle.partitions": str(num_partitions),
        "spark.sql.adaptive.enabled": str(is_adaptive).lower(),
        "spark.sql.autoBroadcastJoinThreshold": "-1",
    }
    monkeypatch.setattr("stackspark.duplicates.near.tasks.MIN_ITEMS_PER_TASK", 100)
    params = NearDuplicatesParams(minhash=MINHASH, verification="estimate", **limits)
    before = {key: spark.conf.get(key, None) for key in settings}
    try:
        for key, value in settings.items():
            spark.conf.set(key, value)
        candidates = spark.createDataFrame(table(NUM_CORPORA))
        check_search(candidates, params, Scratch(folder=str(tmp_path / "cover")))
        check_components(candidates, params, Scratch(folder=str(tmp_path / "components")))
    finally:
        for key, old in before.items():
            spark.conf.set(key, old) if old is not None else spark.conf.unset(key)


@pytest.mark.parametrize("limits", [{"heads_per_bucket": 1}, {"heads_per_bucket": 8}])
def test_search_keeps_what_it_promises(limits: dict[str, int]) -> None:
    """What the reference, and thus the search, guarantees of any corpus."""
    params = NearDuplicatesParams(minhash=MINHASH, verification="estimate", **limits)
    searches = searched(NUM_CORPORA, params)
    assert all(search.is_settled for search in searches)
    for search in searches:
        check_removed(search)
        check_kept(search)
    assert sum(len(search.removed) > 3 for search in searches) > 10
    comebacks = sum(bool(s.removed[0].keys() - s.removed[-1].keys()) for s in searches)
    assert comebacks > 10


def check_removed(search: Search) -> None:
    """Every removed blob has a better twin that stays, is similar, or has an equal text."""
    place = {blob.blob_id: number for number, blob in enumerate(search.blobs)}
    rows = search.rows()
    for removed, (kept, similarity, established_by, _) in rows.items():
        assert kept not in rows
        head = search.text_head[place[removed]]
        assert place[kept] <= head
        if established_by == "normalized_text":
            assert place[kept] == head != place[removed]
        else:
            assert similarity == search.similarity(head, place[kept]) >= search.threshold


def check_kept(search: Search) -> None:
    """No two that stay are alike, as far as the search looks.

    Of two similar blobs in one bucket that both stay, the better was not the bucket's head, and
    not both were among the survivors of round 1 with the better one within `heads_per_bucket` of
    their best. No verified neighbour of a blob that stays has a twin that is similar to it.
    """
    gone = search.removed[-1]
    rows = search.rows()
    kept = [n for n, blob in enumerate(search.blobs) if blob.blob_id not in rows and blob.bands]
    peeled = search.peeled()
    for head, member in combinations(kept, 2):
        if search.similarity(member, head) < search.threshold:
            continue
        for bucket, left in zip(search.buckets.values(), peeled, strict=True):
            assert bucket[0] != head or member not in bucket
            assert head not in left[: search.heads_per_bucket] or member not in left
    for member, head in search.edges:
        if member not in gone:
            assert search.similarity(member, gone[head]) < search.threshold


class FailingScratch(Scratch):
    """Scratch whose writing tasks all fail once, after the last row."""

    def write(self, rows: DataFrame, name: str) -> DataFrame:
        return super().write(failing_once(rows), name)


def failing_once(rows: DataFrame) -> DataFrame:
    return rows.mapInArrow(fail_first_attempt, rows.schema)


def fail_first_attempt(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches
    context = TaskContext.get()
    assert context is not None
    if context.attemptNumber() == 0:
        raise RuntimeError("the first attempt of each task fails")


@pytest.mark.integration
def test_find_near_duplicates_with_tasks_that_fail_once(tmp_path: Path) -> None:
    """In a process of its own: a local session says at its start how often a task may fail."""
    command = [sys.executable, __file__, str(tmp_path)]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | paths
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "equal"


def search_with_failures(folder: str) -> None:
    session = SessionParams(
        master="local[2,3]", driver_memory="1g", shuffle_partitions=3, local_dir=folder
    )
    spark = spark_session(session)
    candidates = failing_once(spark.createDataFrame(table(NUM_CORPORA // 10)))
    params = NearDuplicatesParams(
        minhash=MINHASH, verification="estimate", heads_per_bucket=2, max_in_driver=0
    )
    check_search(candidates, params, FailingScratch(folder=f"{folder}/cover"))
    check_components(candidates, params, FailingScratch(folder=f"{folder}/components"))
    print("equal")
    spark.stop()


if __name__ == "__main__":
    search_with_failures(sys.argv[1])
