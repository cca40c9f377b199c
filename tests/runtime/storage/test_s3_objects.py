"""The lake's lock in an object store: one holder, whatever the network does to the answers."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from s3_proxy import EXPIRED, RESET, SLOW_DOWN, TRUNCATED, Faults, faulty_s3
from s3_servers import ACCESS_KEY, SECRET_KEY, S3Server

from stackspark.errors import LockedError, SetupError, UsageError
from stackspark.lake.lake import Lake
from stackspark.lake.locks import LOCK_NAME, LakeLock
from stackspark.runtime.storage.objects import ObjectFolder, object_folder
from stackspark.runtime.storage.s3 import s3_client
from stackspark.runtime.storage.s3_objects import S3Folder


@pytest.fixture
def root(s3_bucket: str) -> str:
    return f"s3a://{s3_bucket}/lake"


@pytest.fixture(params=["disk", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectFolder:
    on_disk = request.param == "disk"
    return object_folder(str(tmp_path) if on_disk else request.getfixturevalue("root"))


def test_objects_are_written_on_condition(folder: ObjectFolder) -> None:
    assert folder.read("a") is None
    assert folder.create("a", b"one")
    assert not folder.create("a", b"two")
    first = folder.read("a")
    assert first
    assert first.data == b"one"
    assert folder.replace("a", b"three", first.tag)
    assert not folder.replace("a", b"four", first.tag)
    assert not folder.delete("a", first.tag)
    second = folder.read("a")
    assert second
    assert second.data == b"three"
    assert folder.delete("a", second.tag)
    assert folder.read("a") is None
    assert not folder.replace("b", b"five", second.tag)
    assert folder.create("a", b"six")
    assert not folder.create("a", b"seven")


class Careless:
    """A client of a store that takes every write, as old ones do."""

    def __init__(self, *ignored: str) -> None:
        self.client, self.ignored = s3_client(), ignored

    def get_object(self, **request: Any) -> Any:
        return self.client.get_object(**request)

    def put_object(self, **request: Any) -> Any:
        return self.client.put_object(**{k: v for k, v in request.items() if k not in self.ignored})


@pytest.mark.parametrize("ignored", ["IfNoneMatch", "IfMatch"])
def test_store_that_ignores_conditions_is_refused(root: str, ignored: str) -> None:
    with pytest.raises(SetupError, match="was overwritten against its condition"):
        S3Folder(root, Careless(ignored)).create("a", b"one")


def held(root: str) -> dict[str, Any]:
    found = object_folder(root).read(LOCK_NAME)
    assert found
    return dict(json.loads(found.data))


def change_lock(root: str, **changes: object) -> None:
    folder = object_folder(root)
    found = folder.read(LOCK_NAME)
    assert found
    assert folder.replace(
        LOCK_NAME, json.dumps(json.loads(found.data) | changes).encode(), found.tag
    )


PAST = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()


def test_second_writer_is_refused_and_told_who_holds_the_lake(root: str) -> None:
    with LakeLock(root, "run-1") as lock:
        lock.renew()
        with pytest.raises(LockedError, match=r"run run-1 \(process \d+ on .+ wait for it"):
            LakeLock(root, "run-2").__enter__()
    assert object_folder(root).read(LOCK_NAME) is None
    with LakeLock(root, "run-2"):
        assert held(root)["run_id"] == "run-2"


def race(root: str, writers: int) -> tuple[list[LakeLock], list[str]]:
    barrier, winners, refused = threading.Barrier(writers), [], []

    def take(number: int) -> None:
        lock = LakeLock(root, f"run-{number}")
        barrier.wait()
        try:
            winners.append(lock.__enter__())
        except LockedError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return winners, refused


@pytest.fixture(params=["moto", pytest.param("seaweedfs", marks=pytest.mark.integration)])
def raced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server: S3Server = request.getfixturevalue(request.param)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3a://{server.create_bucket(f'raced-{request.param}')}/lake"


def test_one_of_many_writers_wins(raced: str) -> None:
    """A new lock, a stale one and one that was given back are all taken by one writer."""
    for state in ("new", "stale", "given back"):
        winners, refused = race(raced, 4)
        assert (state, len(winners), len(refused)) == (state, 1, 3)
        holder = held(raced)["run_id"]
        assert all(f"held by run {holder}" in line for line in refused)
        if state == "new":
            change_lock(raced, lease_until=PAST)
        else:
            winners[0].__exit__(None, None, None)


def test_writer_that_slept_finds_out_before_it_commits(root: str) -> None:
    slept = LakeLock(root, "run-1").__enter__()
    change_lock(root, lease_until=PAST, machine="elsewhere")
    with LakeLock(root, "run-2"):
        with pytest.raises(LockedError, match=r"run run-1 lost the lock.*run run-2 has it"):
            slept.renew()
        slept.__exit__(None, None, None)
        assert held(root)["run_id"] == "run-2"


@pytest.mark.parametrize("kind", [RESET, TRUNCATED, SLOW_DOWN])
def test_lock_survives_answers_that_are_lost(
    moto: S3Server, root: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A write whose answer is lost is repeated, and its repetition is refused: it was our own."""
    faults = Faults(rate=0.4, kinds=[kind], seed=1, burst=0, applies=lambda *_: True)
    with faulty_s3(moto.endpoint, faults) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        with LakeLock(root, "run-1") as lock:
            for _ in range(3):
                lock.renew()
            with pytest.raises(LockedError, match="held by run run-1"):
                LakeLock(root, "run-2").__enter__()
        assert proxy.injected[kind] > 2


def test_keeper_goes_on_after_a_beat_that_failed(root: str) -> None:
    lock = LakeLock(root, "run-1", lease_seconds=0.6).__enter__()
    folder, beats = lock._folder, []

    def stumble(name: str) -> Any:
        beats.append(name)
        if len(beats) == 1:
            raise SetupError("the store is away for a moment")
        return folder.read(name)

    class Stumbling:
        read, replace, delete = staticmethod(stumble), folder.replace, folder.delete

    before = held(root)["lease_until"]
    lock._folder = Stumbling()
    threading.Event().wait(1.5)
    lock.__exit__(None, None, None)
    assert len(beats) > 3
    assert before < datetime.now(UTC).isoformat()


def test_expired_credentials_are_one_line_without_them(
    moto: S3Server, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = Faults(rate=1.0, kinds=[EXPIRED], applies=lambda *_: True)
    with faulty_s3(moto.endpoint, faults) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        with pytest.raises(SetupError, match="ExpiredToken; the session token") as caught:
            Lake(root).create_or_open()
    assert SECRET_KEY not in str(caught.value)


def test_role_of_a_profile_is_assumed(
    s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times of answers stay texts, the end of assumed credentials among them."""
    keys = f"aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}"
    role = "role_arn = arn:aws:iam::123456789012:role/worker\nsource_profile = base"
    (tmp_path / "config").write_text(f"[profile base]\n{keys}\n[profile worker]\n{role}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "worker")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    client = s3_client()
    assert client.list_objects_v2(Bucket=s3_bucket)["KeyCount"] == 0
    credentials = client._request_signer._credentials
    assert credentials.method == "assume-role"
    assert not credentials.refresh_needed()


def test_missing_bucket_and_credentials_in_the_address_are_refused(root: str) -> None:
    with pytest.raises(SetupError, match="NoSuchBucket; create the bucket"):
        Lake("s3a://no-such-bucket/lake").create_or_open()
    with pytest.raises(UsageError, match="do not belong into an address") as caught:
        Lake(f"s3a://key:{SECRET_KEY}@bucket/lake").create_or_open()
    assert SECRET_KEY not in str(caught.value)


def test_lake_is_made_and_opened(root: str) -> None:
    Lake(root).create_or_open()
    Lake(f"{root}/").create_or_open()
    Lake(root).open()
