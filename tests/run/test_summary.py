"""Numbers of the report that come from more than one run."""

import json
from types import SimpleNamespace
from typing import Any

from pyspark.sql import Row

from stackspark.lake.lake import Lake
from stackspark.run.summary import all_stored


def row(run_id: str, status: str, num_requests: int | None, fingerprint: str = "now") -> Row:
    stored = {} if num_requests is None else {"stored": {"requests": num_requests, "usd": 0.5}}
    metrics = json.dumps({"notes": stored})
    return Row(run_id=run_id, status=status, fingerprint=fingerprint, metrics=metrics)


def test_contents_of_runs_that_were_killed_are_counted_up_to_their_last_commit() -> None:
    lake: Any = Lake("nowhere")
    lake._recorded = [
        row("killed", "partial", 10),
        row("killed", "partial", 20),
        row("other input", "partial", 1000, fingerprint="before"),
        row("broken", "partial", 3),
        row("broken", "failed", 5),
        row("of an older version", "partial", None),
        row("ended", "partial", 40),
        row("ended", "audited", 70),
    ]
    context: Any = SimpleNamespace(
        lake=lake,
        spark=None,
        record=lambda step: SimpleNamespace(fingerprint={"fetch": "now"}[step]),
        notes=lambda _: {"stored": {"requests": 70, "usd": 0.5}},
    )
    assert all_stored(context) == {"requests": 70 + 20 + 5, "usd": 1.5}
