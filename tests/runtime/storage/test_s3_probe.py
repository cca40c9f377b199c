import time
from email.utils import formatdate

import pytest

from stackspark.runtime.storage import s3_probe


@pytest.mark.parametrize(
    ("seconds", "error"), [(0, None), (50, None), (600, "ClockSkew"), (-600, "ClockSkew")]
)
def test_s3_clock_is_compared(seconds: int, error: str | None) -> None:
    date = formatdate(time.time() - seconds, usegmt=True)
    answer = s3_probe._clock({"ResponseMetadata": {"HTTPHeaders": {"date": date}}})
    assert answer.error == error


def test_s3_store_that_ignores_conditions_fails() -> None:
    class Careless:
        def put_object(self, **request: object) -> dict[str, object]:
            return {}

    where = {"Bucket": "lakes", "Key": "probe"}
    answer = s3_probe._conditional(Careless(), where, "conditional write", IfNoneMatch="*")
    assert answer.error == "NotRefused"


@pytest.mark.parametrize(
    ("lake", "bucket", "start"),
    [
        ("s3a://lakes", "lakes", ".stackspark-probe-"),
        ("s3a://lakes/", "lakes", ".stackspark-probe-"),
        ("s3a://lakes/a/b/", "lakes", "a/b/.stackspark-probe-"),
    ],
)
def test_probe_place_is_below_the_lake(lake: str, bucket: str, start: str) -> None:
    found, key = s3_probe.probe_place(lake)
    assert found == bucket
    assert key.startswith(start)
