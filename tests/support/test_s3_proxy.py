"""The proxy that breaks answers breaks them as it says, and counts them."""

import http.client
from urllib.parse import urlsplit

import pytest
from s3_proxy import (
    EXPIRED,
    KINDS,
    RESET,
    SHORT,
    SLOW,
    SLOW_DOWN,
    TRUNCATED,
    WRONG,
    Faults,
    FaultyS3,
    faulty_s3,
)
from s3_servers import S3Server

BODY = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def bucket(moto: S3Server) -> str:
    moto.create_bucket("proxied")
    moto.client().put_object(Bucket="proxied", Key="one", Body=BODY, ACL="public-read")
    return "proxied"


def get(proxy: FaultyS3) -> tuple[int, bytes]:
    """One request without a client that would mend what is broken."""
    connection = http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=10)
    try:
        connection.request("GET", "/proxied/one")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("kind", [*KINDS, EXPIRED, None])
def test_proxy_breaks_an_answer_as_its_kind_says(
    moto: S3Server, bucket: str, kind: str | None
) -> None:
    faults = Faults(rate=1.0 if kind else 0.0, kinds=[kind or SLOW], burst=0)
    with faulty_s3(moto.endpoint, faults) as proxy:
        if kind == RESET:
            with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
                get(proxy)
        elif kind == TRUNCATED:
            with pytest.raises(http.client.IncompleteRead):
                get(proxy)
        else:
            status, body = get(proxy)
            assert status == {SLOW_DOWN: 503, EXPIRED: 400}.get(kind or "", 200)
            assert (body == BODY) == (kind in (SLOW, None))
            if kind in (WRONG, SHORT):
                assert len(body) == len(BODY) // (1 + (kind == SHORT))
        assert dict(proxy.injected) == ({kind: 1} if kind else {})
        assert sum(proxy.answered.values()) == (kind in (SLOW, None))


def test_fate_of_a_request_depends_on_the_seed_alone() -> None:
    faults = Faults(rate=0.2, seed=7)
    fates = [faults.kind("GET", f"/bucket/{n}", 1) for n in range(2000)]
    assert fates == [faults.kind("GET", f"/bucket/{n}", 1) for n in range(2000)]
    assert 300 < sum(kind is not None for kind in fates) < 500
    assert {kind for kind in fates if kind} == set(KINDS)
    assert faults.kind("PUT", "/bucket/1", 1) is None


def test_slow_down_comes_in_bursts(moto: S3Server, bucket: str) -> None:
    faults = Faults(rate=1.0, kinds=[SLOW_DOWN], burst=2, applies=lambda *_: True)
    with faulty_s3(moto.endpoint, faults) as proxy:
        proxy.fate("GET", "/first")
        object.__setattr__(proxy.faults, "rate", 0.0)
        assert [proxy.fate("GET", "/next") for _ in range(3)] == [SLOW_DOWN, SLOW_DOWN, None]


def test_proxy_passes_on_a_body_that_comes_in_chunks(moto: S3Server, bucket: str) -> None:
    with faulty_s3(moto.endpoint, Faults(rate=0.0, kinds=[SLOW])) as proxy:
        connection = http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=10)
        parts, header = iter([BODY, b"end"]), {"Transfer-Encoding": "chunked"}
        connection.request("PUT", "/proxied/parts", parts, header, encode_chunked=True)
        assert connection.getresponse().status == 200
        connection.close()
    stored = moto.client().get_object(Bucket=bucket, Key="parts")
    assert stored["Body"].read() == BODY + b"end"
