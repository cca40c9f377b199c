"""ScanCode's index in a process of its own; loaded once for this module."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import REPOSITORY
from planted import slow_license_text

from stackspark.errors import SetupError
from stackspark.licenses.detector import client as module
from stackspark.licenses.detector.client import LicenseDetector, license_detector

PLANTED = REPOSITORY / "stackspark" / "recipes" / "demo" / "planted"
MIT = (PLANTED / "LICENSE").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def detector() -> Iterator[LicenseDetector]:
    with license_detector(2, 1 << 30) as started:
        yield started


def test_detector_knows_whole_texts_word_for_word(detector: LicenseDetector) -> None:
    apache = detector.license_of_text((REPOSITORY / "LICENSE").read_text(encoding="utf-8"))
    assert (apache["outcome"], apache["expression"], apache["method"]) == (
        *("detected", "Apache-2.0"),
        "exact",
    )
    (match,) = apache["matches"]
    assert match["rule"] == "apache-2.0.LICENSE"
    assert (match["score"], match["start_line"] < match["end_line"]) == (100.0, True)


def test_detector_searches_what_exact_rules_do_not_know(detector: LicenseDetector) -> None:
    changed = MIT.replace("free of charge", "at no charge").replace("substantial", "major")
    changed = changed.replace("MIT License", "").replace("furnished", "handed")
    found = detector.license_of_text(changed)
    assert (found["expression"], found["method"]) == ("MIT", "full")
    assert 50 < found["matches"][0]["score"] < 100


def test_detector_says_what_it_does_not_know(detector: LicenseDetector) -> None:
    nothing = detector.license_of_text("You may look at this on Tuesdays.\n")
    assert (nothing["outcome"], nothing["expression"], nothing["matches"]) == (
        *("nothing_found", None),
        [],
    )


def test_detector_joins_what_a_text_states(detector: LicenseDetector) -> None:
    both = detector.license_of_text("SPDX-License-Identifier: MIT OR GPL-2.0-only\n\n" + MIT)
    assert both["expression"] == "(MIT OR GPL-2.0-only) AND MIT"


def test_detector_outlives_a_text_that_is_too_slow(detector: LicenseDetector) -> None:
    slow = slow_license_text()
    assert detector.license_of_text(slow)["outcome"] == "timed_out"
    assert detector.license_of_text(MIT)["expression"] == "MIT"


@pytest.mark.integration  # it loads the index twice
def test_detector_starts_again_where_its_process_was_killed(detector: LicenseDetector) -> None:
    os.kill(detector._process.pid, signal.SIGKILL)
    detector._process.wait()
    assert detector.license_of_text(MIT)["outcome"] == "crashed"
    assert detector.license_of_text(MIT)["expression"] == "MIT"


def test_detector_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    with pytest.raises(SetupError, match=r"did not start: it ended .*pip install.*built_in"):
        LicenseDetector(1, 1)


def test_places_are_as_many_as_a_quarter_of_the_memory_holds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for memory_bytes, places in ((1 << 30, 1), (24 << 30, 3), (256 << 30, 32)):
        monkeypatch.setattr(module, "machine_memory_bytes", lambda size=memory_bytes: size)
        assert module.num_places() == places
    monkeypatch.setattr(module, "num_places", lambda: 2)
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(tmp_path))
    with module._place(), module._place():
        (folder,) = tmp_path.iterdir()
        files = [path.open("w") for path in sorted(folder.iterdir())]
        assert not any(map(module._locked, files))
    assert all(map(module._locked, files))
    for file in files:
        file.close()
