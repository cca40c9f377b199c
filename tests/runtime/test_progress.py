"""Progress as JSON lines: what a program that collects logs gets."""

import io
import json
from unittest.mock import Mock

import pytest
from py4j.protocol import Py4JNetworkError  # type: ignore[import-untyped]
from rich.console import Console

from stackspark.runtime import progress as module
from stackspark.runtime.progress import Progress, task_counter


def _progress(as_json: bool = True) -> tuple[Progress, io.StringIO]:
    stream = io.StringIO()
    return Progress(Console(file=stream, width=40), as_json=as_json, run_id="run-1"), stream


def test_log_names_run_and_stage_in_each_line() -> None:
    progress, stream = _progress()
    progress.say("  recipe [bold]mine[/bold]:smile:, lake " + "x" * 100)
    with progress.step("scan") as line:
        progress.say("half")
        line.summary = "measurements 3 rows"
    rows = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert [(row["step"], row["event"]) for row in rows] == [
        ("", "said"), ("scan", "started"), ("scan", "said"), ("scan", "finished"),
    ]  # fmt: skip
    assert {row["run_id"] for row in rows} == {"run-1"}
    assert rows[0]["message"] == "recipe [bold]mine[/bold]:smile:, lake " + "x" * 100
    assert rows[3]["message"] == "measurements 3 rows"
    assert rows[3]["seconds"] >= 0


def test_log_tells_of_a_stage_that_failed() -> None:
    progress, stream = _progress()
    with pytest.raises(ValueError, match="no"), progress.step("scan"):
        raise ValueError("no")
    last = json.loads(stream.getvalue().splitlines()[-1])
    assert (last["event"], last["message"]) == ("failed", "ValueError: no")


@pytest.mark.parametrize("as_json", [True, False])
def test_long_stages_say_that_they_are_alive(
    monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.01)
    progress, stream = _progress(as_json)
    progress.tasks = lambda: (3, 4)
    with progress.step("scan"), progress.telling(lambda: "8 of 9"):
        for _ in range(500):
            if ("running" if as_json else "75% of 4 tasks") in stream.getvalue():
                break
            module.time.sleep(0.01)
    lines = stream.getvalue().splitlines()
    if as_json:
        beat = next(row for row in map(json.loads, lines) if row["event"] == "running")
        assert (beat["tasks_done"], beat["tasks"], beat["message"]) == (3, 4, "8 of 9")
    else:
        assert any("75% of 4 tasks" in line for line in lines)
        assert any("8 of 9" in line for line in lines)
    assert not progress.detail(), "it is said of the step that is over only"


@pytest.mark.parametrize("error", [Py4JNetworkError("gone"), ConnectionResetError()])
def test_progress_does_not_fail_when_the_session_is_gone(error: Exception) -> None:
    """Its threads would print a trace over the one line that tells what went wrong."""
    spark = Mock()
    spark.sparkContext.statusTracker().getActiveStageIds.side_effect = error
    assert task_counter(spark)() == (0, 0)
