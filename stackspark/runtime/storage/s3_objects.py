"""Small objects of a lake in an object store, written on a condition that the store checks."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError

from stackspark.errors import SetupError
from stackspark.runtime.storage.objects import StoredObject
from stackspark.runtime.storage.s3 import (
    MENDS,
    SCHEME,
    s3_client,
    s3_error_code,
    s3_fault,
    s3_place,
)

REFUSED = frozenset({"PreconditionFailed", "412", "NoSuchKey", "404"})
CONFLICT = frozenset({"ConditionalRequestConflict", "409"})
"""Two conditional writes met: the store says neither yes nor no, and wants to be asked again."""

MAX_CONFLICTS = 20
MAX_READS = 6


class S3Folder:
    """Objects below ``s3a://BUCKET/PREFIX``.

    An object without bytes is one that was deleted: every store with conditional writes has PUT on
    a condition, but not every one DELETE on a condition.
    """

    def __init__(self, root: str, client: Any = None) -> None:
        self._bucket, self._prefix = s3_place(root)
        self._client = client or s3_client()
        self._is_checked = False

    def read(self, name: str) -> StoredObject | None:
        """Return an object, or None if there is none of that name."""
        found = self._read(name)
        return found if found and found.data else None

    def create(self, name: str, data: bytes) -> bool:
        """Write a new object; False if the name is taken.

        Raises:
            SetupError: if the store cannot be used, or ignores the conditions of writes.
        """
        created = self._put(name, data, IfNoneMatch="*")
        if not created:
            found = self._read(name)
            if found is None or found.data:
                return False
            created = self._put(name, data, IfMatch=found.tag)
        if created and not self._is_checked:
            self._check_conditions(name, data)
        return created

    def replace(self, name: str, data: bytes, tag: str) -> bool:
        """Overwrite the object that has `tag`; False if it changed."""
        return self._put(name, data, IfMatch=tag)

    def delete(self, name: str, tag: str) -> bool:
        """Empty the object that has `tag`; False if it changed."""
        return self._put(name, b"", IfMatch=tag)

    def _read(self, name: str) -> StoredObject | None:
        try:
            return self._whole(name)
        except (BotoCoreError, ClientError) as error:
            if s3_error_code(error) in ("NoSuchKey", "404"):
                return None
            raise s3_fault("read", self._path(name), error) from error

    def _whole(self, name: str) -> StoredObject:
        """Read an object; the client repeats a request, but not one whose body breaks off."""
        for _ in range(MAX_READS - 1):
            try:
                return self._asked(name)
            except (HTTPClientError, IncompleteReadError):
                continue
        return self._asked(name)

    def _asked(self, name: str) -> StoredObject:
        answer = self._client.get_object(Bucket=self._bucket, Key=self._key(name))
        return StoredObject(data=answer["Body"].read(), tag=answer["ETag"])

    def _put(self, name: str, data: bytes, **condition: str) -> bool:
        place = {"Bucket": self._bucket, "Key": self._key(name)}
        for _ in range(MAX_CONFLICTS):
            try:
                self._client.put_object(**place, Body=data, **condition)
            except (BotoCoreError, ClientError) as error:
                code = s3_error_code(error)
                if code in REFUSED:
                    return False
                if code not in CONFLICT:
                    raise s3_fault("write", self._path(name), error) from error
            else:
                return True
        return False

    def _check_conditions(self, name: str, data: bytes) -> None:
        """Two writes that must be refused; a store that takes them would let two runs write."""
        conditions = ({"IfNoneMatch": "*"}, {"IfMatch": '"00000000000000000000000000000000"'})
        if any(self._put(name, data, **condition) for condition in conditions):
            raise SetupError(
                f"a lake needs a store with conditional writes; {self._path(name)} was overwritten "
                f"against its condition; {MENDS['NotRefused']}"
            )
        self._is_checked = True

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _path(self, name: str) -> str:
        return f"{SCHEME}{self._bucket}/{self._key(name)}"
