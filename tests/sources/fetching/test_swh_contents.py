"""Contents from a store: what arrives is what was asked for, and every failure has its name."""

import gzip
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from s3_proxy import EXPIRED, SLOW_DOWN, TRUNCATED, Faults, faulty_s3
from s3_servers import SECRET_KEY, S3Server

from stackspark.errors import SetupError
from stackspark.runtime.storage.s3 import PUBLIC_VARIABLE, declare_public
from stackspark.sources.base.content import Content, Request
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.limits import Limits
from stackspark.sources.fetching import stores as content_stores
from stackspark.sources.fetching import swh_contents
from stackspark.sources.fetching.metrics import FetchCounts
from stackspark.sources.fetching.stores import StoreParams
from stackspark.sources.fetching.swh_contents import KIND, gunzip, read_swh_contents
from stackspark.swhid import blob_id, content_id

MAX_TEXT_BYTES = 100_000


QUICK = StoreParams(concurrency=8, min_wait_seconds=0.001, max_wait_seconds=0.01, max_attempts=12)


TEXT = b"def sail(ship):\n    return ship.heading\n"


class Planted(NamedTuple):
    """A content, what lies under its name in the store, and its outcome."""

    raw: bytes
    stored: bytes | None
    status: str
    error_class: str | None = None


def torn(raw: bytes) -> bytes:
    return gzip.compress(raw)[:-9]


PLANTED = {
    "text": Planted(TEXT, gzip.compress(TEXT), "ok"),
    "latin-1": Planted("größer\n".encode("latin-1") * 20, None, "ok"),
    "empty": Planted(b"", None, "empty"),
    "binary": Planted(b"\0\1\2" * 50, None, "binary"),
    "noise": Planted(random.Random(7).randbytes(90_000), None, "binary"),
    "long": Planted(b"x" * MAX_TEXT_BYTES, b"never asked for", "too_large"),
    "missing": Planted(b"missing", None, "missing", "missing_object"),
    "torn": Planted(b"torn" * 99, torn(b"torn" * 99), "corrupt", "truncated_object"),
    "plain": Planted(b"not gzip", b"not gzip", "corrupt", "corrupt_object"),
    "other": Planted(b"one", gzip.compress(b"two"), "corrupt", "corrupt_object"),
    "shorter": Planted(b"four", gzip.compress(b"for"), "corrupt", "corrupt_object"),
    "twice": Planted(b"a", gzip.compress(b"a") + gzip.compress(b"b"), "corrupt", "corrupt_object"),
    "bomb": Planted(b"bomb", gzip.compress(bytes(10**7)), "corrupt", "oversized_object"),
    "bulk": Planted(b"bulk", bytes(100_000), "corrupt", "oversized_object"),
}
"""Where no bytes are given, those of the content are stored as they ought to be."""


def objects() -> Iterator[tuple[str, bytes]]:
    for name, item in PLANTED.items():
        if name != "missing":
            stored = gzip.compress(item.raw) if item.stored is None else item.stored
            yield f"content/{blob_id(item.raw)}", stored


def request(raw: bytes, location: str) -> Request:
    return Request(content_id(raw), KIND, location, blob_id(raw).encode(), len(raw), 0)


def read(
    raws: Iterable[bytes],
    location: str,
    params: StoreParams = QUICK,
    counts: FetchCounts | None = None,
) -> list[Content]:
    requests = [request(raw, location) for raw in raws]
    counts = counts or FetchCounts()
    read_all = read_swh_contents(
        location, requests, MAX_TEXT_BYTES, Limits(), params=params, counts=counts
    )
    found = list(read_all)
    assert [content.content_id for content in found] == [each.content_id for each in requests]
    return found


@pytest.fixture(params=["folder", "bucket", "prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        for key, data in objects():
            (tmp_path / key).parent.mkdir(exist_ok=True)
            (tmp_path / key).write_bytes(data)
        return str(tmp_path)
    server: S3Server = request.getfixturevalue("moto")
    bucket = request.getfixturevalue("s3_bucket")
    prefix = "" if request.param == "bucket" else "archive/of/swh/"
    client = server.client()
    for key, data in objects():
        client.put_object(Bucket=bucket, Key=prefix + key, Body=data)
    return f"s3://{bucket}/{prefix}"


def test_every_object_has_its_outcome(store: str) -> None:
    counts = FetchCounts()
    contents = read((item.raw for item in PLANTED.values()), store, counts=counts)
    found = dict(zip(PLANTED, contents, strict=True))
    for name, item in PLANTED.items():
        content = found[name]
        assert (name, content.status, content.error_class) == (name, item.status, item.error_class)
        assert bool(content.message) == (item.error_class is not None)
        if item.error_class is None:
            assert (content.blob_id, content.length_bytes) == (blob_id(item.raw), len(item.raw))
    assert found["text"].content == TEXT.decode()
    assert "größer" in str(found["latin-1"].content)
    taken = counts.take()
    corrupt = sum(item.status == "corrupt" for item in PLANTED.values())
    # The long one is not asked for; a corrupt one is, until it counts as corrupt.
    once = len(PLANTED) - 1 - corrupt
    assert taken["requests"] == once + corrupt * QUICK.max_bodies
    assert taken["retries"] == taken["requests"] - len(PLANTED) + 1
    assert (taken["contents"], taken["unusable"]) == (len(PLANTED), corrupt + 1)


def test_name_that_is_no_hash_asks_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(gzip.compress(b"x"))
    for member in (b"../secret", b"", b"A" * 40, b"\xff" * 40, None):
        wanted = request(b"x", str(tmp_path))._replace(member=member)
        counts = FetchCounts()
        (content,) = read_swh_contents(
            str(tmp_path), [wanted], MAX_TEXT_BYTES, Limits(), params=QUICK, counts=counts
        )
        assert (content.status, content.error_class) == ("corrupt", "invalid_id")
        assert "requests" not in counts.take()


@given(st.binary(max_size=400), st.integers(0, 9), st.integers(-3, 3), st.binary(max_size=3))
def test_gunzip_gives_the_announced_bytes_or_a_fault(
    raw: bytes, level: int, off: int, tail: bytes
) -> None:
    data = gzip.compress(raw, level) + tail
    length = max(0, len(raw) + off)
    if length == len(raw) and not tail:
        assert gunzip(data, length) == raw
        return
    with pytest.raises(SourceFault):
        gunzip(data, length)


def texts(count: int) -> list[bytes]:
    return [f"ship {number}\n".encode() * (number % 50 + 1) for number in range(count)]


def put(server: S3Server, bucket: str, raws: Iterable[bytes]) -> None:
    client = server.client()
    for raw in raws:
        client.put_object(
            Bucket=bucket, Key=f"content/{blob_id(raw)}", Body=gzip.compress(raw), ACL="public-read"
        )


def test_nothing_is_lost_at_a_fault_in_five_answers(
    moto: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = texts(150)
    put(moto, s3_bucket, raws)
    patient = StoreParams(
        concurrency=8, min_wait_seconds=0.001, max_wait_seconds=0.02, max_attempts=20, max_bodies=8
    )
    counts = FetchCounts()
    with faulty_s3(moto.endpoint, Faults(rate=0.2, slow_seconds=0.01)) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        location = f"s3://{s3_bucket}"
        content_stores._s3_store.cache_clear()
        found = read(raws, location, patient, counts)
        assert [content.content for content in found] == [raw.decode() for raw in raws]
        keys = {f"/{s3_bucket}/content/{blob_id(raw)}" for raw in raws}
        assert {path for _, path in proxy.answered} == keys
        assert set(proxy.answered.values()) == {1}, "an answer that was right is never asked again"
        assert sum(proxy.injected.values()) > 20
        assert counts.take()["requests"] == sum(proxy.asked.values())


@pytest.fixture
def broken(
    moto: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[str]:
    """A store all of whose answers have one fault."""
    put(moto, s3_bucket, texts(30))
    with faulty_s3(moto.endpoint, Faults(rate=1.0, kinds=[request.param])) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        content_stores._s3_store.cache_clear()
        yield f"s3://{s3_bucket}"


@pytest.mark.parametrize("broken", [SLOW_DOWN, TRUNCATED], indirect=True)
def test_store_that_never_answers_is_named_after_its_last_fault(broken: str) -> None:
    params = StoreParams(
        concurrency=4, min_wait_seconds=0.001, max_wait_seconds=0.002, max_attempts=3
    )
    (content,) = read(texts(1), broken, params)
    assert (content.status, content.error_class) == ("missing", "unavailable_object")
    assert content.message
    assert content.message.startswith("3 requests failed, the last one with ")
    few = StoreParams(
        concurrency=4,
        min_wait_seconds=0.001,
        max_wait_seconds=0.002,
        max_attempts=2,
        max_failures=20,
    )
    with pytest.raises(SetupError, match="20 contents in a row cannot be had from s3://"):
        read(texts(30), broken, few)


@pytest.mark.parametrize("broken", [EXPIRED], indirect=True)
def test_expired_credentials_end_the_run_in_one_line(broken: str) -> None:
    with pytest.raises(SetupError, match="ExpiredToken; the session token has expired") as caught:
        read(texts(1), broken, QUICK)
    assert SECRET_KEY not in str(caught.value)


class SlowThenExpired(Faults):
    """The store slows down four times; then the credentials have expired."""

    def kind(self, method: str, path: str, number: int) -> str:
        return SLOW_DOWN if number <= 4 else EXPIRED


def test_credentials_that_expire_after_other_faults_end_the_run_too(
    moto: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(moto, s3_bucket, texts(1))
    with faulty_s3(moto.endpoint, SlowThenExpired(rate=1.0, burst=0)) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        content_stores._s3_store.cache_clear()
        with pytest.raises(SetupError, match="ExpiredToken"):
            read(texts(1), f"s3://{s3_bucket}")
        assert sum(proxy.asked.values()) == 4 + swh_contents.MAX_RENEWALS


def test_credentials_that_are_renewed_are_taken_up(
    moto: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(moto, s3_bucket, texts(3))
    first = Faults(rate=1.0, kinds=[EXPIRED])
    with faulty_s3(moto.endpoint, first) as proxy:
        proxy.faults = Faults(rate=1.0, kinds=[EXPIRED], applies=lambda *_: proxy.asked.total() < 3)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        content_stores._s3_store.cache_clear()
        assert {content.status for content in read(texts(3), f"s3://{s3_bucket}")} == {"ok"}


def test_bucket_that_is_missing_ends_the_run(s3_bucket: str) -> None:
    content_stores._s3_store.cache_clear()
    with pytest.raises(SetupError, match="NoSuchBucket; create the bucket"):
        read(texts(1), "s3://no-such-bucket-here")


def test_missing_credentials_are_one_line_that_names_both_ways(
    s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    content_stores._s3_store.cache_clear()
    with pytest.raises(
        SetupError, match=r"set AWS_ACCESS_KEY_ID.*public bucket, name it in public_buckets"
    ):
        read(texts(1), f"s3://{s3_bucket}")


def test_requests_to_public_buckets_carry_no_credentials(
    s3_bucket: str, moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(moto, s3_bucket, texts(2))
    monkeypatch.setenv(PUBLIC_VARIABLE, "")
    declare_public(["another", s3_bucket])
    content_stores._s3_store.cache_clear()
    headers: list[str | None] = []
    store = content_stores.content_store(f"s3://{s3_bucket}", QUICK)
    events = store._client.meta.events
    events.register(
        "before-send", lambda request, **_: headers.append(request.headers.get("Authorization"))
    )
    assert {content.status for content in read(texts(2), f"s3://{s3_bucket}", QUICK)} == {"ok"}
    assert headers == [None, None]


def test_bytes_under_way_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raws = [bytes([65 + number % 26]) * 10_000 + str(number).encode() for number in range(60)]
    held, most = 0, 0

    def submit(pool: object, fetch: object, wanted: Request) -> object:
        nonlocal held, most
        held += wanted.position
        most = max(most, held)
        return original(pool, fetch, wanted)

    original = swh_contents.ThreadPoolExecutor.submit
    monkeypatch.setattr(swh_contents.ThreadPoolExecutor, "submit", submit)
    params = StoreParams(concurrency=4, in_flight_bytes=50_000)
    requests = (request(raw, str(tmp_path)) for raw in raws)
    for content in read_swh_contents(
        str(tmp_path), requests, MAX_TEXT_BYTES, Limits(), params=params, counts=FetchCounts()
    ):
        assert content.error_class == "missing_object"
        held -= 10_002
    assert 40_000 < most <= 60_100


def test_reader_that_stops_leaves_no_request_behind(tmp_path: Path) -> None:
    requests = (request(raw, str(tmp_path)) for raw in texts(1000))
    counts = FetchCounts()
    reader = read_swh_contents(
        str(tmp_path), requests, MAX_TEXT_BYTES, Limits(), params=QUICK, counts=counts
    )
    next(reader)
    reader.close()
    assert counts.take()["requests"] <= 4 * QUICK.concurrency + QUICK.concurrency
