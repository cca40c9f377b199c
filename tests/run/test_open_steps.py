"""Steps that left something open: done again, and what is behind them only where it changed."""

import json
from types import SimpleNamespace
from typing import Any

from pyspark.sql import Row

from stackspark.lake.lake import Lake
from stackspark.run.step import OPEN, RunContext, StepRecord, taken_over


def context(**values: Any) -> Any:
    names = ("spark", "lake", "lock", "run_id", "progress", "scratch")
    nothing: dict[str, Any] = dict.fromkeys(names)
    return RunContext(**nothing | values)


def record(**notes: Any) -> StepRecord:
    return StepRecord(
        step="fetch",
        fingerprint="key",
        table_versions={},
        metrics={"notes": notes},
        contract_results={},
        seconds=0.0,
    )


def test_fingerprint_tells_what_a_step_left_open() -> None:
    def after(**notes: Any) -> str:
        found: str = context(records=[record(**notes)]).fingerprint("fetch")
        return found

    assert after() == "key"
    one, other = ({OPEN: {"what": "1 content", "hash": text}} for text in ("a", "b"))
    assert after(**one) == after(**one)
    assert len({after(), after(**one), after(**other)}) == 3


def test_step_that_left_something_open_is_not_taken_over() -> None:
    def row(run_id: str, **notes: Any) -> Row:
        return Row(
            run_id=run_id,
            step="fetch",
            status="audited",
            fingerprint="key",
            table_versions={"files": 1},
            metrics=json.dumps({"notes": notes}),
            contract_results="{}",
        )

    step: Any = SimpleNamespace(name="fetch", is_there=lambda _: True)
    lake: Any = Lake("nowhere")
    lake._recorded = [row("first", **{OPEN: {"what": "1 content", "hash": "a"}})]
    assert taken_over(context(lake=lake), step, "key") is None
    lake._recorded.append(row("second"))
    assert taken_over(context(lake=lake), step, "key") is not None
