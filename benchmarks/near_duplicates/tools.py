"""The tools that are compared: their environments, adapters and configurations."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
REPOSITORY = FOLDER.parents[1]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One search in one configuration.

    `requirements` names a file of pinned versions, None this environment; `order` says what makes a
    file the better one for it, `rank` or its place in the file (`row`); `has_partitions`, whether
    its work can be shared out in a number of parts that must not change its answer.
    """

    name: str
    adapter: str
    configuration: str
    options: tuple[str, ...] = ()
    requirements: str | None = None
    python: str = sys.executable
    order: str = "rank"
    has_partitions: bool = False


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            name="ours",
            adapter="ours",
            configuration="default: 1,024 permutations, 36 bands of 7, exact near 0.7, cover rule",
            has_partitions=True,
        ),
        Tool(
            name="ours-estimate",
            adapter="ours",
            configuration="as ours, estimate at 0.7",
            options=("--verification", "estimate"),
            has_partitions=True,
        ),
        Tool(
            name="ours-components",
            adapter="ours",
            configuration="as ours, one file per connected component",
            options=("--rule", "components"),
            has_partitions=True,
        ),
        Tool(
            name="ours-spark",
            adapter="ours",
            configuration="as ours, in Spark's tasks",
            options=("--spark",),
        ),
        Tool(
            name="ours-spark-estimate",
            adapter="ours",
            configuration="as ours-estimate, in Spark's tasks",
            options=("--spark", "--verification", "estimate"),
        ),
        Tool(
            name="stack-v2",
            adapter="stack_v2",
            configuration="250 permutations, 25 bands of 10, not verified, connected components",
            requirements="stack-v2",
        ),
        Tool(
            name="datatrove",
            adapter="datatrove_minhash",
            configuration="word 5-grams, 14 buckets of 8 hashes of 64 bits (0.72), not verified, "
            "connected components",
            requirements="datatrove",
            order="row",
            has_partitions=True,
        ),
        Tool(
            name="text-dedup",
            adapter="text_dedup_minhash",
            configuration="word 5-grams, 256 permutations, threshold 0.7, candidates verified, "
            "connected components",
            requirements="text-dedup",
            python="python3.12",
            order="row",
            has_partitions=True,
        ),
        Tool(
            name="data-prep-kit",
            adapter="dpk_fdedup_words",
            configuration="word 5-grams, 112 permutations, 14 bands of 8, threshold 0.7",
            requirements="data-prep-kit",
            order="row",
            has_partitions=True,
        ),
        Tool(
            name="distributed-curator",
            adapter="distributed_curator_lsh",
            configuration="character 9-grams, 64 hashes, 16 bands of 4, estimate at 0.7, "
            "connected components",
            requirements="distributed-curator",
            order="row",
            has_partitions=True,
        ),
        Tool(
            name="rensa",
            adapter="rensa_lsh",
            configuration="R-MinHash of 252 permutations, its LSH with 36 bands of 7, estimate at "
            "0.7, the first of similar ones stays",
            requirements="rensa",
        ),
    )
}


def command(tool: Tool, work: Path) -> list[str]:
    """The adapter in the tool's environment, which is made if it is not there."""
    python = sys.executable if tool.requirements is None else str(environment(tool, work))
    return [python, str(FOLDER / "adapters" / f"{tool.adapter}.py"), *tool.options]


def environment(tool: Tool, work: Path) -> Path:
    """Python of the tool's virtual environment, made anew when what it pins has changed."""
    folder = work / "venvs" / tool.name
    pins = FOLDER / "requirements" / f"{tool.requirements}.txt"
    installed = folder / "installed.txt"
    if not installed.exists() or installed.read_text() != pins.read_text():
        subprocess.run([tool.python, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "-r", pins]
        subprocess.run(pip, check=True)
        installed.write_text(pins.read_text())
    return folder / "bin" / "python"


def settings() -> dict[str, str]:
    """Environment of an adapter: one thread per process, and nothing from outside."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    return {**os.environ, **threads, **offline, "PYTHONPATH": str(REPOSITORY)}
