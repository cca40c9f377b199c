"""How S3 is reached: one endpoint and region for boto3, pyarrow and Hadoop's S3A.

Credentials come from the provider chain of each library (environment, profile, role), which renews
them. They are never read here, so that none can end in a log, a setting or an error.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from stackspark.errors import SetupError, UsageError

SCHEME = "s3a://"
DEFAULT_REGION = "us-east-1"
PUBLIC_VARIABLE = "STACKSPARK_PUBLIC_BUCKETS"
"""Names with commas between them; a session hands it to its executors, as it does the endpoint."""

CONNECT_SECONDS = 10
READ_SECONDS = 60
ENDPOINT_VARIABLES = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
)

MENDS = {
    "NoCredentials": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role",
    "InvalidAccessKeyId": "the store does not know this access key; take current credentials",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key; take both anew",
    "ExpiredToken": "the session token has expired; sign in again",
    "NoSuchBucket": "create the bucket, or correct its name in --lake",
    "EndpointConnectionError": "check the network and AWS_ENDPOINT_URL",
    "ConnectTimeoutError": "check the network, its proxy and AWS_ENDPOINT_URL",
    "NoRegionError": "set AWS_REGION to the bucket's region",
    "RequestTimeTooSkewed": "set this machine's clock",
    "ClockSkew": "set this machine's clock; at 15 minutes off every request is refused",
    "OtherRegion": "run in the bucket's region, or set AWS_REGION to it",
    "PermanentRedirect": "set AWS_REGION to the bucket's region",
    "NotByPath": "this store answers to bucket.host only, not to host/bucket; use another",
    "NotRefused": "this store ignores the conditions of writes, so nothing keeps two runs apart; "
    "use another",
    "NotImplemented": "this store has no conditional writes: no lake can be locked; use another",
}
MENDS |= {
    "NoCredentialsError": MENDS["NoCredentials"],
    "ExpiredTokenException": MENDS["ExpiredToken"],
    "UnauthorizedSSOTokenError": MENDS["ExpiredToken"],
    "CredentialRetrievalError": MENDS["NoCredentials"],
}
"""Remedies for errors, by the store's code or the client's class."""


@dataclass(frozen=True)
class S3Endpoint:
    """Where the store is; no credentials."""

    url: str
    region: str

    @property
    def scheme(self) -> str:
        """http or https."""
        return self.url.partition("://")[0]

    @property
    def host(self) -> str:
        """Host and port."""
        return self.url.partition("://")[2].rstrip("/")


def is_s3(path: str) -> bool:
    """Whether a path lies in an object store."""
    return path.startswith(SCHEME)


def s3_place(path: str) -> tuple[str, str]:
    """Bucket and key of ``s3a://BUCKET/KEY``; the key has no slash at its ends.

    Raises:
        UsageError: if it is no such path, or has credentials in it.
    """
    place = path.removeprefix(SCHEME)
    bucket, _, key = place.partition("/")
    if "@" in bucket:
        # It is not repeated: the message goes to logs.
        raise UsageError(
            f"{SCHEME}...@...: credentials do not belong into an address; name "
            f"{SCHEME}BUCKET/PREFIX, and {MENDS['NoCredentials']}"
        )
    if not is_s3(path) or not bucket:
        raise UsageError(f"an object store needs a path {SCHEME}BUCKET/PREFIX; found {path}")
    return bucket, key.strip("/")


def declare_public(buckets: Iterable[str]) -> None:
    """Say for this process, and what it starts, which buckets are read without credentials."""
    os.environ[PUBLIC_VARIABLE] = ",".join(buckets)


def public_buckets() -> tuple[str, ...]:
    """The buckets that are read without credentials."""
    return tuple(filter(None, os.environ.get(PUBLIC_VARIABLE, "").split(",")))


def s3_client(**options: Any) -> Any:
    """Return a boto3 client of the provider chain's; `options` are those of botocore's `Config`.

    Raises:
        SetupError: if the configuration of the AWS libraries cannot be used.
    """
    from boto3.session import Session  # noqa: PLC0415 - heavy, and needed for S3 only
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    limits = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"mode": "standard", "total_max_attempts": 8},
        # The only style that every store answers to, whatever its host and the bucket are called.
        "s3": {"addressing_style": "path"},
        **options,
    }
    try:
        # boto3 itself does not look at AWS_REGION.
        session = Session(botocore_session=_session(), region_name=os.environ.get("AWS_REGION"))
        region = session.region_name or DEFAULT_REGION
        return session.client("s3", region_name=region, config=Config(**limits))
    except (BotoCoreError, ValueError) as error:
        raise SetupError(
            f"S3 needs a usable configuration, found: {error}; check AWS_ENDPOINT_URL, AWS_PROFILE "
            "and ~/.aws/config; run stackspark doctor --lake"
        ) from error


def _session() -> Any:
    """A session that leaves times as the store wrote them: nobody reads them, and it takes long."""
    from botocore.session import get_session  # noqa: PLC0415

    session = get_session()
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=lambda text: text)
    return session


def s3_endpoint() -> S3Endpoint:
    """Where the store is, as boto3 finds it in environment and profile.

    A session hands it to its executors in the two variables, so that tasks need no boto3 for it.
    """
    url, region = os.environ.get("AWS_ENDPOINT_URL_S3"), os.environ.get("AWS_REGION")
    if url and region:
        return S3Endpoint(url, region)
    return _endpoint_of(tuple(map(os.environ.get, ENDPOINT_VARIABLES)))


@cache
def _endpoint_of(_: tuple[str | None, ...]) -> S3Endpoint:
    """Making a client takes a tenth of a second, so it is done once per environment."""
    meta = s3_client().meta
    return S3Endpoint(meta.endpoint_url, meta.region_name)


def s3_error_code(error: Exception) -> str:
    """The store's code of an error, such as ``AccessDenied``, or the class of the client's."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def s3_fault(request: str, path: str, error: Exception) -> SetupError:
    """The error for a person; the store's own message may quote an access key."""
    code = s3_error_code(error)
    mend = MENDS.get(code, "run stackspark doctor --lake, which tries every kind of request")
    return SetupError(f"S3 refused to {request} {path}: {code}; {mend}")
