"""Probe of an object store: the requests that a run makes, tried on one small object."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from stackspark.runtime.storage.s3 import DEFAULT_REGION, s3_client, s3_error_code, s3_place

PROBE_BYTES = b"stackspark doctor"
CONNECT_SECONDS = 5
READ_SECONDS = 10
OTHER_TAG = '"00000000000000000000000000000000"'


@dataclass(frozen=True, kw_only=True)
class S3Answer:
    """Outcome of one request: `error` is the store's code, such as ``AccessDenied``, or None."""

    request: str
    error: str | None
    detail: str


def probe_s3(lake: str) -> Iterator[S3Answer]:
    """List, write, write again on two conditions, read and delete an object below a lake.

    Ends at the first request whose failure makes the rest meaningless. Answers hold error codes and
    no message of the store, which may quote an access key.

    Args:
        lake: `s3a://BUCKET/PREFIX`, without credentials.
    """
    from boto3.session import Session  # noqa: PLC0415 - heavy, and needed for S3 only

    bucket, key = probe_place(lake)
    if Session().get_credentials() is None:
        yield S3Answer(request="credentials", error="NoCredentials", detail="none found")
        return
    yield from _answers(_client("path"), bucket, key)


def _client(style: str) -> Any:
    return s3_client(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 2},
        s3={"addressing_style": style},
    )


def probe_place(lake: str) -> tuple[str, str]:
    """Bucket and the key of a probe object that no other run uses."""
    bucket, prefix = s3_place(lake)
    name = f".stackspark-probe-{uuid.uuid4().hex}"
    return bucket, f"{prefix}/{name}" if prefix else name


def _answers(client: Any, bucket: str, key: str) -> Iterator[S3Answer]:
    where = {"Bucket": bucket, "Key": key}
    listed, listing = _asked("list", lambda: client.list_objects_v2(Bucket=bucket, MaxKeys=1))
    if listed.error:
        yield listed
        yield from _by_host(bucket)
        return
    yield listed
    where_asked = f"{client.meta.endpoint_url}/{bucket}"
    yield S3Answer(request="path style", error=None, detail=where_asked)
    yield _clock(listing)
    yield _region(client, bucket)
    written, _ = _asked("write", lambda: client.put_object(**where, Body=PROBE_BYTES))
    yield written
    if written.error:
        return
    yield _conditional(client, where, "conditional write", IfNoneMatch="*")
    yield _conditional(client, where, "conditional overwrite", IfMatch=OTHER_TAG)
    yield _asked("read", lambda: _read(client, where))[0]
    yield _asked("delete", lambda: client.delete_object(**where))[0]


def _asked(request: str, ask: Callable[[], Any]) -> tuple[S3Answer, Any]:
    started = time.perf_counter()
    value, error = None, None
    try:
        value = ask()
    # Whatever the client raises is the answer.
    except Exception as raised:
        error = s3_error_code(raised)
    milliseconds = 1000 * (time.perf_counter() - started)
    return S3Answer(request=request, error=error, detail=f"{milliseconds:.0f} ms"), value


def _read(client: Any, where: dict[str, str]) -> object:
    return client.get_object(**where)["Body"].read()


def _by_host(bucket: str) -> Iterator[S3Answer]:
    """Tell of a store that would answer if the bucket stood in the host's name."""
    client = _client("virtual")
    answer, _ = _asked("path style", lambda: client.list_objects_v2(Bucket=bucket, MaxKeys=1))
    if answer.error is None:
        yield S3Answer(request="path style", error="NotByPath", detail=client.meta.endpoint_url)


def _clock(listing: Any) -> S3Answer:
    """Difference of both clocks: a store refuses signatures that are 15 minutes off."""
    headers = listing["ResponseMetadata"]["HTTPHeaders"]
    if "date" not in headers:
        return S3Answer(request="clock", error=None, detail="the store sends no date")
    skew = time.time() - parsedate_to_datetime(headers["date"]).timestamp()
    error = "ClockSkew" if abs(skew) > 60 else None
    return S3Answer(request="clock", error=error, detail=f"{skew:+.0f} s off the store's")


def _region(client: Any, bucket: str) -> S3Answer:
    """Region of the bucket and of the client: across regions each byte is slow and is charged."""
    own = client.meta.region_name or DEFAULT_REGION
    answer, head = _asked("region", lambda: client.head_bucket(Bucket=bucket))
    named = head and head["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    if answer.error or not named or named == own:
        return S3Answer(request="region", error=None, detail=str(named or own))
    detail = f"the bucket's is {named}, the client's is {own}"
    return S3Answer(request="region", error="OtherRegion", detail=detail)


def _conditional(client: Any, where: dict[str, str], request: str, **condition: str) -> S3Answer:
    """A second write that must be refused: the lock of a lake stands on this."""
    answer, _ = _asked(request, lambda: client.put_object(**where, Body=PROBE_BYTES, **condition))
    refused = answer.error in {"PreconditionFailed", "ConditionalRequestConflict", "412"}
    error = None if refused else answer.error or "NotRefused"
    return S3Answer(request=request, error=error, detail=answer.detail)
