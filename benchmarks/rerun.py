"""A whole run, then the same with another filter limit: seconds, bytes of texts read, the gate.

    python benchmarks/rerun.py --source dir:PATH --work DIR

Both runs are in one process, the second on the same lake, as a user's would.
Memory and CPU time of whole processes: see meter.py.
"""

import argparse
import time
from pathlib import Path

from stackspark.commands.run import RunOptions, RunOutcome, run_recipe

LIMIT = "filters.long_lines.max_avg_line_length=60"


def main() -> None:
    """Print a table of both runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", action="append", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--master", default="local[2]")
    arguments = parser.parse_args()
    options = {
        "recipe": "default",
        "lake": str(arguments.work / "lake"),
        "sources": tuple(arguments.source),
        "master": arguments.master,
    }
    print("| run | wall s | CPU s of Python | gate s | share | steps taken over | packed bytes |")
    print("|---|---|---|---|---|---|---|")
    for name, settings in (("whole", ()), ("another limit", (LIMIT,)), ("again", (LIMIT,))):
        started = time.process_time()
        outcome = run_recipe(RunOptions(**options, settings=settings))
        print(_row(name, outcome, time.process_time() - started), flush=True)


def _row(name: str, outcome: RunOutcome, cpu_seconds: float) -> str:
    assert outcome.summary
    timings = outcome.summary.timings
    # All that `checks` does is to hold tables against each other, and against bands.
    gate = sum(
        each.seconds if each.step == "checks" else each.gate_seconds
        for each in timings
        if not each.is_taken_over
    )
    taken = ", ".join(each.step for each in timings if each.is_taken_over) or "none"
    read = {e.step: e.read_bytes for e in timings if e.read_bytes and not e.is_taken_over}
    shown = ", ".join(f"{stage} {count:,}" for stage, count in read.items()) or "0"
    share = gate / outcome.seconds
    return (
        f"| {name} | {outcome.seconds:,.1f} | {cpu_seconds:,.1f} | {gate:,.1f} | {share:.1%} "
        f"| {taken} | {shown} |"
    )


if __name__ == "__main__":
    main()
