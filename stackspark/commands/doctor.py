"""Check what a run needs, before the run: each finding with its mend in one line.

Nothing here starts Spark, and no answer holds a credential.
"""

import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from stackspark.errors import LakeError, StacksparkError
from stackspark.lake.locks import LOCK_NAME, read_holder
from stackspark.licenses.detector.scancode import scancode_version
from stackspark.runtime.storage.objects import object_folder
from stackspark.runtime.storage.s3 import MENDS, is_s3
from stackspark.runtime.storage.s3_probe import S3Answer, probe_s3

MIN_PYTHON = (3, 11)
MIN_AVAILABLE_MEMORY_BYTES = 2 << 30
MIN_FREE_BYTES = 2 << 30

PERMISSIONS_OF_S3 = {
    "list": "s3:ListBucket",
    "write": "s3:PutObject",
    "conditional write": "s3:PutObject",
    "conditional overwrite": "s3:PutObject",
    "read": "s3:GetObject",
    "delete": "s3:DeleteObject",
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at; `mend` is empty where nothing has to be done."""

    name: str
    ok: bool
    found: str
    mend: str = ""


def run_checks(lake: str | None = None, temp_folder: Path | None = None) -> list[Check]:
    """Look at the machine, the installation and, where one is named, the lake.

    Jars that are missing are fetched: that they can be had is what is checked.

    Args:
        lake: a folder or `s3a://BUCKET/PREFIX`; None leaves the lake out.
        temp_folder: where Spark puts its shuffle files; the system's own by default.
    """
    lake = lake and re.sub("//[^/@]*@", "//", lake)  # some put access keys into the address
    on_s3 = lake is not None and is_s3(lake)
    temporary = temp_folder or Path(tempfile.gettempdir())
    checks = [
        _looked_at("python", _python),
        *_libraries(),
        _looked_at("workers", _worker_python),
        _looked_at("licences", _license_detector),
        _looked_at("java", _java),
        _looked_at("jars", lambda: _jars(s3a=on_s3)),
        _looked_at("memory", _memory),
        _looked_at("cores", _cores),
        _looked_at("temporary", lambda: _folder(temporary)),
    ]
    if lake is None:
        return checks
    if on_s3:
        checks += [_s3_check(answer) for answer in probe_s3(lake)]
    else:
        checks.append(_looked_at("lake", lambda: _folder(Path(lake))))
    return [*checks, _looked_at("lock", lambda: _lock(lake))]


def render(checks: Sequence[Check]) -> str:
    """Text of checks for a terminal: one line each, a second one for its mend."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{'ok  ' if check.ok else 'FAIL'}  {check.name:<{width}}  {check.found}")
        if check.mend:
            lines.append(f"{'':<6}{'':<{width}}  -> {check.mend}")
    num_failed = sum(not check.ok for check in checks)
    lines.append(f"{len(checks)} checks, {num_failed or 'none'} failed")
    return "\n".join(lines)


def _looked_at(name: str, look: Callable[[], tuple[bool, str, str]]) -> Check:
    """The finding of one look; a look that fails is a finding as well."""
    try:
        ok, found, mend = look()
    except StacksparkError as error:
        found, _, mend = str(error).rpartition("; ")
        return Check(name=name, ok=False, found=found or mend, mend=mend)
    except (ImportError, OSError) as error:
        mend = "install stackspark anew: pip install --force-reinstall stackspark"
        return Check(name=name, ok=False, found=f"{type(error).__name__}: {error}", mend=mend)
    return Check(name=name, ok=ok, found=found, mend="" if ok else mend)


def _python() -> tuple[bool, str, str]:
    found = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    return sys.version_info >= MIN_PYTHON, found, "install Python 3.11 or newer"


def _libraries() -> Iterator[Check]:
    """One check for all libraries that fit, one for each that does not."""
    strangers = list(_strangers(importlib.metadata.requires("stackspark") or ()))
    pair = ", ".join(map(_version, ("pyspark", "delta-spark", "pandas", "pyarrow")))
    yield Check(name="libraries", ok=not strangers, found=pair)
    for requirement, found in strangers:
        yield Check(
            name=requirement.name,
            ok=False,
            found=found,
            mend=f"pip install '{requirement.name}{requirement.specifier}'",
        )


def _strangers(requirements: Iterable[str]) -> Iterator[tuple[Requirement, str]]:
    """Requirements of the package, extras aside, that are missing or of another version."""
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield requirement, "not installed"
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield requirement, f"{version}, which is not {requirement.specifier}"


def _version(name: str) -> str:
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return f"no {name}"


def _worker_python() -> tuple[bool, str, str]:
    """Spark's workers run the Python of PYSPARK_PYTHON, which needs the same libraries."""
    named = os.environ.get("PYSPARK_PYTHON")
    if not named or shutil.which(named) == sys.executable:
        return True, "this Python", ""
    mend = "unset PYSPARK_PYTHON: Spark's workers need the libraries of this Python"
    return False, f"PYSPARK_PYTHON={named}", mend


def _license_detector() -> tuple[bool, str, str]:
    """Either is good: which one a run needs, its recipe says."""
    missing = "built_in only; the built-in recipes need: pip install 'stackspark[licenses]'"
    return True, scancode_version() or missing, ""


def _java() -> tuple[bool, str, str]:
    from stackspark.runtime.java import find_java  # noqa: PLC0415

    java = find_java()
    return True, f"{java.version} ({java.origin}, {java.path})", ""


def _jars(*, s3a: bool) -> tuple[bool, str, str]:
    from stackspark.runtime.jars import cached_jars  # noqa: PLC0415 - imports pyspark
    from stackspark.runtime.java import find_java  # noqa: PLC0415

    jars = cached_jars(find_java(), s3a=s3a)
    names = ", ".join(jar.stem.partition("_")[2] for jar in jars)
    return True, f"{len(jars)} intact in {jars[0].parent}: {names}", ""


def _memory() -> tuple[bool, str, str]:
    memory = psutil.virtual_memory()
    found = f"{_gib(memory.available)} of {_gib(memory.total)} available"
    mend = f"end other programs: a local run needs {_gib(MIN_AVAILABLE_MEMORY_BYTES)}"
    return memory.available >= MIN_AVAILABLE_MEMORY_BYTES, found, mend


def _cores() -> tuple[bool, str, str]:
    return True, str(len(psutil.Process().cpu_affinity() or ())), ""


def _folder(folder: Path) -> tuple[bool, str, str]:
    """Free space at a folder and whether it can be written; it may not exist yet."""
    place = _nearest(folder.expanduser().absolute())
    free = shutil.disk_usage(place).free
    found = f"{_gib(free)} free at {folder}"
    if not place.is_dir():
        return False, f"{place} is not a folder", "name another folder"
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return False, f"{found}, {error.strerror}", f"make {place} writable, or name another folder"
    mend = f"free at least {_gib(MIN_FREE_BYTES)} there, or name another folder"
    return free >= MIN_FREE_BYTES, found, mend


def _nearest(path: Path) -> Path:
    """The path itself, or the closest of its parents that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def _lock(lake: str) -> tuple[bool, str, str]:
    """Who may write; the lock of a run that died is taken over by the next one."""
    lock = object_folder(lake).read(LOCK_NAME)
    if lock is None:
        return True, "free", ""
    try:
        holder = read_holder(lock)
    except LakeError as error:
        return False, "no lock that can be read", str(error)
    if holder.is_stale:
        return True, f"left behind by run {holder.run_id}; the next run takes it over", ""
    found = f"held by run {holder.run_id}, process {holder.pid} on {holder.host}"
    return False, found, f"wait for it or stop it; at {holder.lease_until[:19]} UTC its lease ends"


def _s3_check(answer: S3Answer) -> Check:
    permission = PERMISSIONS_OF_S3.get(answer.request, "access")
    denied = f"grant {permission} on the lake's bucket and prefix"
    mend = MENDS.get(answer.error or "", denied)
    found = f"{answer.error}, {answer.detail}" if answer.error else answer.detail
    return Check(
        name=f"s3 {answer.request}",
        ok=answer.error is None,
        found=found,
        mend=mend if answer.error else "",
    )


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / (1 << 30):.1f} GiB"
