import json
import subprocess
import sys
import time

from meter import Meter
from places import REPOSITORY

METER = REPOSITORY / "benchmarks" / "meter.py"
BURN = "import time\nwhile time.process_time() < 0.6: pass"
HOLD = "data = bytearray(120_000_000)\nimport time; time.sleep(1)"


def test_meter_counts_children_that_have_ended() -> None:
    with Meter() as meter:
        subprocess.run([sys.executable, "-c", BURN], check=True)
    assert 0.5 < meter.reading().cpu_seconds < 2


def test_meter_counts_memory_of_children() -> None:
    with Meter() as meter:
        subprocess.run([sys.executable, "-c", HOLD], check=True)
    assert meter.reading().peak_memory_bytes > 120_000_000
    assert meter.reading().wall_seconds > 1


def test_meter_leaves_out_what_was_before() -> None:
    subprocess.run([sys.executable, "-c", BURN], check=True)
    with Meter() as meter:
        time.sleep(0.1)
    assert meter.reading().cpu_seconds < 0.4


def test_meter_command_passes_the_exit_code_on() -> None:
    command = [sys.executable, METER, "--", sys.executable, "-c", "raise SystemExit(7)"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 7
    reading = json.loads(answer.stderr.splitlines()[-1])
    assert set(reading) == {"wall_seconds", "cpu_seconds", "peak_memory_bytes"}
