"""Compare tools on one corpus: speed, memory, and what the exact truth says of their answers."""

import json
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import psutil

from near_duplicates.corpora import Corpus
from near_duplicates.measuring import Measuring, NotRunError, Run
from near_duplicates.score import Score, order_of, score
from near_duplicates.tools import REPOSITORY, TOOLS, Tool
from near_duplicates.truth import Truth, find_truth

HEADINGS = (
    "tool",
    "MB/s per core, first",
    "second",
    "peak MB",
    "kept",
    "removed",
    "no twin at 0.7",
    "at 0.65",
    "left",
    "short lost",
    "ids",
    "same in parts",
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What is stored of a tool on a corpus; `error` says why there is nothing else."""

    tool: str
    configuration: str
    corpus: str
    megabytes: float
    circumstances: str
    error: str = ""
    first_mb_per_cpu_second: float = 0.0
    second_mb_per_cpu_second: float | None = None
    peak_memory_bytes: int = 0
    score: Score | None = None
    same_in_parts: bool | None = None
    parts: tuple[int, ...] = ()
    readings: tuple[tuple[dict[str, float], ...], ...] = ()
    notes: object = None


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is run: processes, searches in each, and the numbers of parts to compare."""

    repeat: int = 3
    searches: int = 2
    parts: tuple[int, ...] = ()


def compare(corpus: Corpus, names: Sequence[str], extent: Extent) -> None:
    """Run tools on a corpus, and store each result beside those of the others."""
    truth = find_truth(corpus)
    results_folder(corpus).mkdir(parents=True, exist_ok=True)
    for name in names:
        result = measure(TOOLS[name], corpus, truth, extent)
        path = results_folder(corpus) / f"{name}.json"
        path.write_text(json.dumps(asdict(result), indent=2), encoding="utf-8")


def measure(tool: Tool, corpus: Corpus, truth: Truth, extent: Extent) -> Result:
    """Run one tool as often as asked, and once in each number of parts."""
    measuring = Measuring(work=corpus.work, searches=extent.searches)
    in_parts = replace(measuring, searches=1)
    megabytes = float(truth.num_bytes.sum()) / 1e6
    facts = {
        "tool": tool.name,
        "configuration": tool.configuration,
        "corpus": corpus.path.stem,
        "megabytes": round(megabytes, 1),
        "circumstances": circumstances(),
    }
    try:
        runs = [measuring.run(tool, corpus) for _ in range(extent.repeat)]
        shared = [in_parts.run(tool, corpus, each) for each in extent.parts if tool.has_partitions]
    except NotRunError as error:
        return Result(**facts, error=str(error))
    order = order_of(corpus, tool.order)
    ids = corpus.read("id")["id"].to_pylist()
    return Result(
        **facts,
        first_mb_per_cpu_second=round(speed(runs, 0, megabytes), 2),
        second_mb_per_cpu_second=round(speed(runs, 1, megabytes), 2)
        if extent.searches > 1
        else None,
        peak_memory_bytes=int(median(max_memory(run) for run in runs)),
        score=score(truth, ids, runs[-1].removed, order),
        same_in_parts=is_same([*runs, *shared]) if shared else None,
        parts=extent.parts if shared else (),
        readings=tuple(tuple(asdict(each) for each in run.readings) for run in runs),
        notes=runs[-1].notes,
    )


def speed(runs: Sequence[Run], number: int, megabytes: float) -> float:
    """Median over the runs of megabytes per CPU second of one of their searches."""
    return median(megabytes / run.readings[number].cpu_seconds for run in runs)


def max_memory(run: Run) -> int:
    """The most memory that one of the searches of a run took."""
    return max(reading.peak_memory_bytes for reading in run.readings)


def is_same(runs: Sequence[Run]) -> bool:
    """Whether all runs gave the same answer."""
    return len({run.fingerprint for run in runs}) == 1


def circumstances() -> str:
    """When, of which commit, on what, and what else ran."""
    commit = subprocess.run(
        ["git", "-C", REPOSITORY, "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    load = psutil.getloadavg()[0]
    day = time.strftime("%Y-%m-%d")
    return (
        f"{day}, commit {commit}, {platform.machine()}, {psutil.cpu_count()} cores, load {load:.0f}"
    )


def results_folder(corpus: Corpus) -> Path:
    """Where results of a corpus are stored."""
    return corpus.work / "results" / corpus.path.stem


def table(corpus: Corpus) -> str:
    """Every stored result of a corpus as Markdown, in the order of the tools."""
    paths = [results_folder(corpus) / f"{name}.json" for name in TOOLS]
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    lines += [f"| {' | '.join(cells(each))} |" for each in found]
    lines += [
        "",
        *(f"- {each['tool']}: {each['configuration']}; {each['circumstances']}." for each in found),
    ]
    return "\n".join(lines)


def cells(result: dict[str, object]) -> list[str]:
    """One row of the table."""
    if result["error"]:
        return [str(result["tool"]), f"not run: {result['error']}", *[""] * (len(HEADINGS) - 2)]
    judged: Score = Score(**result["score"])  # type: ignore[arg-type]
    knob = "not asked" if TOOLS[str(result["tool"])].has_partitions else "no such knob"
    same = {True: "yes", False: "no", None: knob}[result["same_in_parts"]]  # type: ignore[index]
    second = result["second_mb_per_cpu_second"]
    return [
        str(result["tool"]),
        f"{result['first_mb_per_cpu_second']:.2f}",
        "" if second is None else f"{second:.2f}",
        f"{result['peak_memory_bytes'] / 1e6:,.0f}",  # type: ignore[operator]
        f"{judged.kept:,}",
        f"{judged.removed:,}",
        f"{judged.without_twin:,}",
        f"{judged.without_twin_065:,}",
        f"{judged.left_share:.2%}",
        f"{judged.short_lost:,}",
        "kept" if judged.unknown == 0 else f"{judged.unknown:,} unknown",
        same,
    ]
