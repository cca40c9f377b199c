import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from near_duplicates import skew
from near_duplicates.comparison import Result, is_same, speed, table
from near_duplicates.corpora import Corpus, Text, write
from near_duplicates.measuring import NotRunError, Run, reason, watched
from near_duplicates.scaling import copied
from near_duplicates.score import Score
from near_duplicates.tools import FOLDER, TOOLS, command
from pyspark.sql import SparkSession

from stackspark.duplicates.near.search import find_near_duplicates
from stackspark.lake.scratch import Scratch

ADAPTERS = FOLDER / "adapters"
WORDS = [f"sail{number}" for number in range(60)]
FAKE = """
import sys, time
sys.path.insert(0, {adapters!r})
from protocol import Answer, serve, unavailable

def search(task):
    print("noise that a tool prints")
    end = time.process_time() + {seconds}
    while time.process_time() < end: pass
    return Answer(removed=[str(task.partitions)], notes="note")

while time.process_time() < 0.3: pass
{before}
serve(search)
"""


@pytest.fixture
def adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapters import what stands beside them, as scripts do."""
    monkeypatch.syspath_prepend(str(ADAPTERS))


def run_fake(folder: Path, seconds: float = 0.0, before: str = "") -> tuple[list[float], int]:
    code = FAKE.format(adapters=str(ADAPTERS), seconds=seconds, before=before)
    options = ["--parquet", "x", "--answer", f"{folder}/answer", "--rounds", "2", "--partitions=4"]
    with (folder / "log").open("w") as log:
        readings, exit_code = watched([sys.executable, "-c", code, *options], log)
    return [reading.cpu_seconds for reading in readings], exit_code


def test_watched_measures_each_search_without_what_comes_before(tmp_path: Path) -> None:
    seconds, code = run_fake(tmp_path, seconds=0.2)
    assert code == 0
    assert len(seconds) == 2
    assert all(0.15 < each < 0.29 for each in seconds)
    assert json.loads((tmp_path / "answer").read_text()) == {"removed": ["4"], "notes": "note"}
    assert "noise" in (tmp_path / "log").read_text()


def test_reason_is_the_last_line_of_a_tool_that_failed(tmp_path: Path) -> None:
    assert run_fake(tmp_path, before="raise OSError('no room')") == ([], 1)
    assert reason(tmp_path / "log", 1) == "exit code 1: OSError: no room"
    assert run_fake(tmp_path, before="unavailable('no such mode')") == ([], 3)
    assert reason(tmp_path / "log", 3) == "no such mode"


def test_stack_v2_equals_the_original(adapters: None) -> None:
    import stack_v2

    assert len(re.split(r"\W", "a += (b);")) == 8
    assert stack_v2.shingle_hashes("a += (b);", 8, 8)
    hashes = stack_v2.shingle_hashes("a b c d", ngram_size=2, min_length=1)
    assert hashes == {145323813, 433422276, 459146835}
    a, b = family = stack_v2.permutations()
    assert a[:4].tolist() == [1608637543, 3421126068, 4083286877, 787846415]
    assert b[:4].tolist() == [1834414013, 2235000, 3513346675, 1514271692]
    hashes = stack_v2.shingle_hashes("the quick brown fox jumps over")
    assert hashes == {1936900125, 3368481935}
    minima = stack_v2.signature(hashes, family)
    assert minima[:4].tolist() == [437790568, 505026524, 745769980, 2837218093]
    assert (stack_v2.signature(set(), family) == np.uint32(2**32 - 1)).all()


def test_stack_v2_keeps_the_best_of_a_component(adapters: None, tmp_path: Path) -> None:
    import stack_v2
    from protocol import Task

    texts = [" ".join(WORDS), " ".join([*WORDS[:-1], "keel"]), "x = 1", "y", "z"]
    rows = [Text(id=f"t{n}", text=text, num_bytes=len(text)) for n, text in enumerate(texts)]
    write(rows, tmp_path / "texts.parquet")
    removed = set(stack_v2.search(Task(tmp_path / "texts.parquet", tmp_path, None)).removed)
    assert len(removed & {"t0", "t1"}) == 1
    # Its known fault: of all files with fewer than five tokens one stays.
    assert len(removed & {"t3", "t4"}) == 1


def test_ours_finds_the_pair_under_the_users_ids(
    adapters: None, spark: SparkSession, tmp_path: Path
) -> None:
    import ours
    from protocol import Task

    texts = [" ".join(WORDS), " ".join([*WORDS[:-1], "keel"]), "x = 1"]
    rows = [Text(id=f"t/{n} é", text=text, num_bytes=len(text)) for n, text in enumerate(texts)]
    write(rows, tmp_path / "texts.parquet")
    task = Task(tmp_path / "texts.parquet", tmp_path, 4)
    params = ours.params_of({"rule": None})
    for answer in (ours.search_here(task, params), ours.search_in_tasks(spark, task, params)):
        assert len({"t/0 é", "t/1 é"} & set(answer.removed)) == 1
        assert answer.notes[0]["num_verified"] == 1
    with pytest.raises(SystemExit, match="3"):
        ours.params_of({"no_such_mode": "x"})


@pytest.mark.integration
@pytest.mark.parametrize(
    ("kind", "family", "num_removed"), [("copies", 40, 39), ("copies", 10, 36), ("band", 40, 0)]
)
def test_skewed_candidates_are_what_they_are_said_to_be(
    kind: str, family: int, num_removed: int, spark: SparkSession, tmp_path: Path
) -> None:
    made = skew.candidates(spark, kind, 40, family)
    found = find_near_duplicates(made, skew.ESTIMATE, Scratch(folder=str(tmp_path)))
    assert found.rows.count() == num_removed
    # Each member meets the first of its family, whether it is similar to it or not.
    assert found.rounds[0].num_pairs >= 39


def test_copied_keeps_what_a_text_is_but_for_its_tokens(tmp_path: Path) -> None:
    corpus = Corpus(work=tmp_path, name=str(tmp_path / "one.parquet"))
    write([Text(id="t", text="a += (é_b);\r\n", num_bytes=13)], corpus.path)
    (copy,) = copied(corpus, 2)
    assert (copy.id, copy.text, copy.num_bytes) == ("c/t", "ac += (é_bc);\r\n", 16)


def test_is_same_compares_the_sets_of_all_runs() -> None:
    one, other = (Run(readings=[], removed=ids) for ids in ({"a", "b"}, {"b"}))
    assert is_same([one, Run(readings=[], removed={"b", "a"})])
    assert not is_same([one, other])


def test_table_says_why_a_tool_did_not_run(tmp_path: Path) -> None:
    corpus = Corpus(work=tmp_path, name="1MB")
    folder = tmp_path / "results" / "1MB"
    folder.mkdir(parents=True)
    facts = {"configuration": "words", "corpus": "1MB", "megabytes": 1.0, "circumstances": "now"}
    judged = dict.fromkeys(Score.__annotations__, 0) | {"kept": 7, "left": 1, "in_pair": 8}
    good = Result(tool="rensa", score=Score(**judged), first_mb_per_cpu_second=2.5, **facts)
    bad = Result(tool="stack-v2", error="no wheel", **facts)
    for each in (good, bad):
        stored = {**vars(each), "score": each.score and vars(each.score)}
        (folder / f"{each.tool}.json").write_text(json.dumps(stored))
    lines = table(corpus).splitlines()
    assert lines[2].startswith("| stack-v2 | not run: no wheel |")
    assert "| 2.50 |" in lines[3]
    assert "| 12.50% |" in lines[3]
    assert len({line.count("|") for line in lines[:4]}) == 1


def test_speed_is_the_median_of_the_runs() -> None:
    class Reading:
        def __init__(self, seconds: float) -> None:
            self.cpu_seconds = seconds

    runs = [Run(readings=[Reading(each)], removed=set()) for each in (1.0, 2.0, 10.0)]  # type: ignore[list-item]
    assert speed(runs, 0, 20.0) == 10.0


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_every_tool_has_its_adapter_and_pins(tool: object) -> None:
    assert (ADAPTERS / f"{tool.adapter}.py").is_file()
    if tool.requirements is None:
        assert command(tool, Path("/nowhere"))[0] == sys.executable
        return
    pins = (FOLDER / "requirements" / f"{tool.requirements}.txt").read_text().split()
    assert pins
    assert all("==" in pin for pin in pins)


def test_not_run_says_why() -> None:
    assert str(NotRunError("no wheel")) == "no wheel"
