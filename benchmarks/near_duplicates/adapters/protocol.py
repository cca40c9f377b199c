"""What every adapter shares. It runs in the tool's own environment, so it imports nothing else.

An adapter says `ready` once interpreter, imports and session are up, and waits for a line; then it
searches, says `done` and waits again, as often as asked. So the benchmark can read the CPU time of
the process and all below it just around each search. What the tool prints goes to the log.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

UNAVAILABLE = 3
"""Exit code of an adapter whose tool lacks the mode that was asked for."""


@dataclass(frozen=True)
class Task:
    """One search: which file to read, where to write, and how to share out the work."""

    parquet: Path
    folder: Path
    partitions: int | None


@dataclass
class Answer:
    """Ids that were removed, as the tool gives them, and what else it says."""

    removed: Iterable[str]
    notes: object = None


Search = Callable[[Task], Answer]


def arguments() -> argparse.ArgumentParser:
    """Options that every adapter takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parquet", type=Path, required=True)
    parser.add_argument("--answer", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--partitions", type=int)
    return parser


def serve(
    search: Search,
    given: argparse.Namespace | None = None,
    prepare: Callable[[Task], Path] = lambda task: task.parquet,
) -> None:
    """Search as often as asked, and write the last answer.

    `prepare` brings the file into the form that the tool takes; that is not measured.
    """
    given = given or arguments().parse_args()
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answer = Answer(removed=[])
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory(dir=given.answer.parent) as folder:
            task = Task(given.parquet, Path(folder), given.partitions)
            task = replace(task, parquet=prepare(task))
            _say(channel, "ready")
            answer = search(task)
            _say(channel, "done")
    content = {"removed": sorted(answer.removed), "notes": answer.notes}
    given.answer.write_text(json.dumps(content), encoding="utf-8")


def unavailable(reason: str) -> None:
    """End because the tool cannot do what was asked."""
    print(reason, file=sys.stderr)
    sys.exit(UNAVAILABLE)


def _say(channel: object, word: str) -> None:
    print(word, file=channel, flush=True)  # type: ignore[call-overload]
    sys.stdin.readline()
