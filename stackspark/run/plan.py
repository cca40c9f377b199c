"""Plan of a run, with reasons: each step's key is made and looked up, nothing is run or written.

Sources are listed for it, because what they hold is the key of the first step.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.sql import Row

from stackspark.run.step import (
    RunContext,
    Step,
    StepRecord,
    recorded,
    recorded_params,
    step_key,
    taken_over,
)

NEW = "not done in this lake yet"
GONE = "files that it wrote are gone, or not as long as they were"
MAX_SHOWN = 3
"""Parameters that a reason names."""


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """Fate of one step in a run, and the reason in words."""

    step: str
    is_taken_over: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """The steps that a run would take over or run."""

    recipe: str
    lake: str
    steps: tuple[PlannedStep, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON for a script."""
        return asdict(self)

    def to_text(self) -> str:
        """One line per step, for a person."""
        lines = [f"recipe {self.recipe}, lake {self.lake}: nothing was run or written"]
        for step in self.steps:
            fate = "taken over" if step.is_taken_over else "would run"
            lines.append(f"  {step.step:<15} {fate:<10}   {step.why}")
        return "\n".join(lines)


def plan_new(names: Sequence[str]) -> tuple[PlannedStep, ...]:
    """The plan of a lake that does not exist yet."""
    return tuple(PlannedStep(step=name, is_taken_over=False, why=NEW) for name in names)


def plan_steps(
    context: RunContext, steps: Mapping[str, Callable[[], Step]]
) -> Iterator[PlannedStep]:
    """Plan every step in order; `context` knows them afterwards as if they had been done."""
    for make in steps.values():
        yield _planned(context, make())


def _planned(context: RunContext, step: Step) -> PlannedStep:
    key = step_key(context, step)
    record = taken_over(context, step, key)
    if record is not None:
        why = "done before with the same input, parameters and code"
    else:
        why = "; ".join(_reasons(context, step, key))
        record = StepRecord(
            step=step.name,
            fingerprint=key,
            table_versions={},
            metrics={},
            contract_results={},
            seconds=0.0,
        )
    context.add(record)
    return PlannedStep(step=step.name, is_taken_over=record.resumed, why=why)


def _reasons(context: RunContext, step: Step, key: str) -> Iterator[str]:
    lake, spark = context.lake, context.spark
    done = recorded(context, step.name, key)
    if done is not None:
        left = done.left_open
        yield f"asks again for {left['what']}" if left else GONE
        return
    before = lake.newest_step(spark, step.name)
    found = [] if before is None else list(_differences(context, step, before))
    yield from found or [NEW if before is None else "its input is another"]
    num_parts = lake.num_parts(spark, key)
    if num_parts:
        yield f"goes on behind {num_parts} commits"


def _differences(context: RunContext, step: Step, before: Row) -> Iterator[str]:
    """How a step differs from the last time that it was done."""
    yield from _changed_params(recorded_params(step), json.loads(before["params"]))
    if isinstance(step.after, str) and not context.record(step.after).resumed:
        yield f"{step.after} would run"


def _changed_params(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    new, old = dict(_leaves(now, "")), dict(_leaves(before, ""))
    names = [name for name in new | old if new.get(name) != old.get(name)]
    for name in names[:MAX_SHOWN]:
        yield f"{name} is {_shown(new.get(name))}, was {_shown(old.get(name))}"
    if len(names) > MAX_SHOWN:
        yield f"{len(names) - MAX_SHOWN} more parameters differ"


def _leaves(params: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every parameter by its dotted name; lists are one value each."""
    if not isinstance(params, Mapping):
        yield name, params
        return
    for key, value in params.items():
        yield from _leaves(value, f"{name}.{key}" if name else key)


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
