"""Stores of archived contents, one gzip object each: a bucket, or a folder of the same layout.

Software Heritage publishes each content as ``content/<sha1>``, the SHA-1 of the bytes before
compression.
"""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from stackspark.errors import InvalidParamsError, SetupError
from stackspark.runtime.sizes import NumBytes
from stackspark.runtime.storage.s3 import (
    MENDS,
    SCHEME,
    public_buckets,
    s3_client,
    s3_error_code,
    s3_place,
)
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.limits import MIB
from stackspark.sources.base.local_files import open_file

FOLDER = "content"
MISSING_CODES = frozenset({"NoSuchKey", "NotFound", "404"})
UNUSABLE_CODES = frozenset(
    {
        "NoSuchBucket",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "RequestTimeTooSkewed",
        "PermanentRedirect",
        "InvalidBucketName",
        "NoCredentialsError",
        "CredentialRetrievalError",
    }
)
"""Answers that every other request would get as well: they end the run."""
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
TRANSIENT_CODES = frozenset(
    {
        "SlowDown",
        "InternalError",
        "ServiceUnavailable",
        "RequestTimeout",
        "RequestTimeoutException",
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "TooManyRequestsException",
    }
)


OPTIONS: dict[str, Any] = {
    "retries": {"total_max_attempts": 1},
    # Every byte is checked against its SHA-1 anyway.
    "response_checksum_validation": "when_required",
    # Else the client describes itself anew for each request, which takes long.
    "user_agent": "stackspark",
}
"""Options of the client; the fetcher repeats requests, the client does not."""


@dataclass(frozen=True, kw_only=True)
class StoreParams:
    """How contents are fetched from a store."""

    concurrency: int = 16
    """Requests under way at a time, per task."""

    in_flight_bytes: NumBytes = 32 * MIB
    """Announced bytes that a task holds or waits for; a longer content is fetched alone."""

    max_attempts: int = 8
    """Requests for one content that network or store spoil before it counts as missing."""

    max_bodies: int = 3
    """Bodies of one content without its hash before it counts as corrupt."""

    min_wait_seconds: float = 0.2
    """Longest wait before the second attempt; it doubles with each further one."""

    max_wait_seconds: float = 20.0
    """Longest wait before an attempt; waits are drawn evenly between 0 and the longest."""

    max_failures: int = 200
    """Contents in a row that cannot be had before the store counts as unusable."""

    usd_per_million_requests: float = 0.40
    """Price of GET requests, for the report."""

    usd_per_gb: float = 0.0
    """Price of bytes that leave the store; nothing within its region."""

    def __post_init__(self) -> None:
        for name in ("concurrency", "in_flight_bytes", "max_attempts", "max_bodies"):
            if getattr(self, name) < 1:
                raise InvalidParamsError(f"fetching.store needs {name} > 0; found {self}")


class TransientFault(Exception):  # noqa: N818, it is a finding, not an error of the user
    """A fault that a repeated request may not meet."""


class ContentStore(Protocol):
    """Compressed objects by their names."""

    def get(self, name: str, max_bytes: int) -> bytes:
        """Return an object.

        Raises:
            SourceFault: missing_object, denied_object or oversized_object.
            TransientFault: if it is worth while to ask again.
            SetupError: if no object can be had from this store.
        """


def content_store(location: str, params: StoreParams) -> ContentStore:
    """Return the store at a location: ``s3://BUCKET[/PREFIX]``, ``s3a://...`` or a folder."""
    if location.startswith(("s3://", SCHEME)):
        place = SCHEME + location.partition("://")[2]
        signed = s3_place(place)[0] not in public_buckets()
        return _s3_store(place, params.concurrency, signed)
    return LocalStore(location)


class LocalStore:
    """Objects below a folder."""

    def __init__(self, folder: str) -> None:
        self._folder = os.fsencode(folder)

    def get(self, name: str, max_bytes: int) -> bytes:
        """Return a file; see `ContentStore`."""
        try:
            with open_file(self._folder, f"{FOLDER}/{name}".encode(), follow=True) as file:
                _check_size(file.length_bytes, max_bytes)
                return b"".join(file.chunks)
        except SourceFault as fault:
            if fault.error_class != "missing_file":
                raise
            raise SourceFault("missing_object", "the store has no such object") from fault


class S3Store:
    """Objects of a bucket; one client, and its connections, for all tasks of a process."""

    def __init__(self, location: str, concurrency: int, signed: bool) -> None:
        self.location = location
        bucket, prefix = s3_place(location)
        self._place = {"Bucket": bucket}
        self._prefix = "/".join(filter(None, (prefix, FOLDER)))
        self._options = OPTIONS | {"max_pool_connections": concurrency}
        if not signed:
            from botocore import UNSIGNED  # noqa: PLC0415 - heavy, and needed for S3 only

            self._options["signature_version"] = UNSIGNED
        self._client = s3_client(**self._options)

    def get(self, name: str, max_bytes: int) -> bytes:
        """Return an object; see `ContentStore`."""
        client = self._client
        try:
            answer = client.get_object(**self._place, Key=f"{self._prefix}/{name}")
            with answer["Body"] as body:
                _check_size(answer["ContentLength"], max_bytes)
                return bytes(body.read())
        except SourceFault:
            raise
        # Parsers and connection pools raise classes of their own: what is unknown may pass.
        except Exception as error:
            raise self._fault(error, client) from error

    def _fault(self, error: Exception, client: Any) -> Exception:
        code = s3_error_code(error)
        if code in MISSING_CODES:
            return SourceFault("missing_object", "the store has no such object")
        if code in UNUSABLE_CODES:
            return SetupError(f"contents at {self.location}: {code}; {_mend(code)}")
        if code in EXPIRED_CODES:
            return self._renewed(code, client)
        status = (getattr(error, "response", None) or {}).get("ResponseMetadata", {})
        number = status.get("HTTPStatusCode", 500)
        if 400 <= number < 500 and number != 429 and code not in TRANSIENT_CODES:
            return SourceFault("denied_object", f"the store refuses the object: {code}")
        return TransientFault(code)

    def _renewed(self, code: str, client: Any) -> Exception:
        """Ask the provider chain anew; what it gives may have been renewed by another program."""
        if client is self._client:
            self._client = s3_client(**self._options)
        return ExpiredFault(f"contents at {self.location}: {code}; {_mend(code)}")


class ExpiredFault(TransientFault):
    """The credentials have expired; the chain has been asked for new ones."""


_s3_store = cache(S3Store)


def _mend(code: str) -> str:
    public = "; or, for a public bucket, name it in public_buckets"
    mend = MENDS.get(code, MENDS["ExpiredToken"])
    return mend + public if code in ("NoCredentialsError", "CredentialRetrievalError") else mend


def _check_size(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        message = f"the object has {size_bytes} bytes, more than its content can need"
        raise SourceFault("oversized_object", message)
