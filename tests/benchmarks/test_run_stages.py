import json
import sys
from pathlib import Path

from run_stages import Run, Step, add_events, add_notes, fitting, scaling_table, watch

PROGRESS = """import sys, time
err = sys.stderr
print("run 2026-ab: recipe demo, lake /x", file=err, flush=True)
while time.process_time() < 0.6: pass
print("  list                 40% of 5 tasks       30.0 s", file=err, flush=True)
print("  list                 61.0 s   origins 3 rows", file=err, flush=True)
print('{"answer": 1}')
"""


def step(name: str, ended_at: float = 0.0, cpu_seconds: float = 1.0) -> Step:
    return Step(
        name=name,
        ended_at=ended_at,
        wall_seconds=1.0,
        cpu_seconds=cpu_seconds,
        jvm_bytes=100,
        worker_bytes=10,
        total_bytes=120,
    )


def test_watch_ends_steps_at_finished_lines_only() -> None:
    steps, answer = watch([sys.executable, "-c", PROGRESS])
    assert [each.name for each in steps] == ["start", "list"]
    assert steps[1].cpu_seconds > 0.4
    assert json.loads(answer) == {"answer": 1}


def test_add_events_gives_a_task_to_the_step_it_ends_in() -> None:
    steps = [step("list", ended_at=10.0), step("scan", ended_at=20.0)]
    written = {"Shuffle Write Metrics": {"Shuffle Bytes Written": 7}}
    events = [
        {"Event": "SparkListenerJobStart", "Submission Time": 9_000},
        {
            "Event": "SparkListenerTaskEnd",
            "Task Info": {"Finish Time": 9_999},
            "Task Metrics": written,
        },
        {
            "Event": "SparkListenerTaskEnd",
            "Task Info": {"Finish Time": 10_001},
            "Task Metrics": None,
        },
        {
            "Event": "SparkListenerTaskEnd",
            "Task Info": {"Finish Time": 20_001},
            "Task Metrics": written,
        },
    ]
    add_events(steps, map(json.dumps, events))
    assert [(each.jobs, each.tasks, each.shuffle_bytes) for each in steps] == [(1, 1, 7), (0, 1, 0)]


def test_add_notes_names_each_reader() -> None:
    scan, export, start = step("scan"), step("export"), step("start")
    counts = {"num_texts": 4}
    metrics = {
        "scan": {"notes": {"read": counts}, "measurements": {"rows": 4}},
        "documents": {"notes": {}, "documents": {"rows": 2}},
        "export": {"notes": {"read": {"scan": counts, "documents": counts}}},
    }
    add_notes([start, scan, export], metrics)
    assert (start.read, scan.read, export.read) == ({}, {"scan": counts}, {"documents": counts})
    assert [scan.rows, export.rows] == [4, 0]


def test_fitting_skips_what_is_too_big_and_ignores_folders(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    chosen = []
    for folder in folders:
        folder.mkdir()
        for name, size in {"x.zip": 10, "y.zip": 10, "big.zip": 80}.items():
            (folder / name).write_bytes(bytes(size))
        chosen.append([path.name for path in fitting(list(folder.iterdir()), 0.2)])
    assert chosen[0] == chosen[1]
    assert sorted(chosen[0]) == ["x.zip", "y.zip"]


def test_scaling_splits_time_into_a_fixed_part_and_one_per_megabyte() -> None:
    small = Run(facts={"text_bytes": 10e6}, steps=[step("scan", cpu_seconds=5.0)], load="")
    large = Run(
        facts={"text_bytes": 100e6},
        steps=[step("scan", cpu_seconds=23.0)],
        load="",
    )
    row = scaling_table(small, large).splitlines()[-2]
    assert row == "| scan | x1.0 | x4.6 | 3.0 | 20.0 | x1.0 |"
