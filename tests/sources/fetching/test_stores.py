"""Every failure of a bucket is repeated, recorded, or the end of the run."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from stackspark.errors import SetupError
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.fetching import stores as content_stores
from stackspark.sources.fetching.stores import ExpiredFault, TransientFault


@pytest.fixture(scope="module")
def unasked() -> content_stores.S3Store:
    """A store whose client a test replaces."""
    return content_stores.S3Store("s3a://nowhere", 1, signed=True)


def refused(status: int, code: str) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (refused(500, "InternalError"), TransientFault),
        (refused(503, "SlowDown"), TransientFault),
        (refused(503, "ServiceUnavailable"), TransientFault),
        (refused(429, "TooManyRequests"), TransientFault),
        (refused(400, "RequestTimeout"), TransientFault),
        (ReadTimeoutError(endpoint_url="here"), TransientFault),
        (ConnectTimeoutError(endpoint_url="here"), TransientFault),
        (EndpointConnectionError(endpoint_url="here"), TransientFault),
        (ResponseStreamingError(error="reset"), TransientFault),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), TransientFault),
        (ConnectionResetError(), TransientFault),
        (refused(400, "ExpiredToken"), ExpiredFault),
        (refused(404, "NoSuchKey"), SourceFault),
        (refused(403, "AccessDenied"), SourceFault),
        (refused(403, "InvalidAccessKeyId"), SetupError),
        (refused(403, "RequestTimeTooSkewed"), SetupError),
        (refused(404, "NoSuchBucket"), SetupError),
    ],
)
def test_every_failure_is_asked_again_recorded_or_the_end(
    unasked: content_stores.S3Store, error: Exception, outcome: type[Exception]
) -> None:
    def fail(**_: str) -> None:
        raise error

    unasked._client = SimpleNamespace(get_object=fail)
    with pytest.raises(outcome) as caught:
        unasked.get("name", 1)
    assert type(caught.value) is outcome
