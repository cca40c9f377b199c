"""Distributions installed in a Python environment, each by its own list of files (RECORD).

Two machines with the same versions get the same rows, so additions and changes by the installer are
not part of a distribution: its notes, byte code, executable bits, and files outside the
site-packages folder (console scripts name the interpreter's path; data files go to a prefix).

Source: PEP 376 and PEP 427 (RECORD), PEP 610 (direct_url.json), PEP 508 (names).
"""

import csv
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from stackspark.sources.base.entries import Entry, File, Problem, Root, SourceFault
from stackspark.sources.base.limits import Limits
from stackspark.sources.base.packages import Package, pypi_package
from stackspark.sources.base.specs import normalized_name
from stackspark.swhid import FILE_MODE

SITE_PATTERNS = (
    "lib/python*/site-packages",
    "lib/python*/dist-packages",
    "lib64/python*/site-packages",
    "Lib/site-packages",
)
INSTALLER_FILES = frozenset(
    ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
)
_INFO = re.compile(r"(.+?)(?:-([^-]+)(?:-py[0-9.]+)?)?\.(?:dist-info|egg-info)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_LEFTOVER = re.compile(r"[~-]+.*")
"""pip puts a tilde, once a dash, before the name of what it is about to remove."""


class Distribution(NamedTuple):
    """One installed distribution; `location` is its dist-info folder."""

    name: str
    location: str
    package: Package
    size_bytes: int


def site_folders(path: Path) -> list[Path]:
    """Return the site-packages folders of an environment, or the folder itself if it is one.

    `lib64` is a folder of its own, or a link to `lib`, which counts once.
    """
    found = (folder for pattern in SITE_PATTERNS for folder in path.glob(pattern))
    folders = sorted({folder.resolve(): folder for folder in sorted(found, reverse=True)}.values())
    if folders:
        return folders
    return [path] if any(path.glob("*.dist-info")) else []


def distributions(folder: Path) -> Iterator[Distribution]:
    """List the distributions of a site-packages folder by name, those without RECORD as well."""
    for info in sorted([*folder.glob("*.dist-info"), *folder.glob("*.egg-info")]):
        match = _INFO.fullmatch(info.name)
        if match is not None:
            package = pypi_package(match[1], match[2] or "")
            yield Distribution(normalized_name(match[1]), str(info), package, _size_bytes(info))


def list_distribution(location: str, limits: Limits) -> Iterator[Entry]:
    """List the files of the distribution with this dist-info folder.

    Raises:
        SourceFault: pip_leftover, bad_name, no_record, editable_install or unreadable.
    """
    info = Path(location)
    _check_name(info.name)
    if _is_editable(info):
        message = "an editable install holds no files; name its project as a dir: or git: source"
        raise SourceFault("editable_install", message)
    prefix = os.path.realpath(_prefix(info.parent))
    real_folder = cache(os.path.realpath)
    for number, (name, *_) in enumerate(_record(info)):
        if number >= limits.max_members:
            raise SourceFault("zip_bomb", f"more than {limits.max_members} files in RECORD")
        path = os.path.normpath(name)
        if path == ".." or path.startswith(("../", "/")):
            yield from _outside(info.parent, name, prefix)
        elif not _is_installers(path, info.name):
            yield _file(f"{info.parent}/{path}", name, path, prefix, real_folder)
    yield Root()


def _check_name(info_name: str) -> None:
    match = _INFO.fullmatch(info_name)
    name = match[1] if match else info_name
    if _LEFTOVER.fullmatch(name):
        message = f"{info_name} is what pip left of a distribution that it could not remove"
        raise SourceFault("pip_leftover", f"{message}; delete it and what begins like it")
    if not _NAME.fullmatch(name):
        raise SourceFault("bad_name", f"{info_name} is not named after a distribution (PEP 508)")


def _is_editable(info: Path) -> bool:
    try:
        url = json.loads((info / "direct_url.json").read_bytes())
    except (OSError, ValueError):
        return False
    details = url.get("dir_info") if isinstance(url, dict) else None
    return isinstance(details, dict) and details.get("editable") is True


def _prefix(site: Path) -> Path:
    """Return the environment's root: three folders up in the usual layout, else the folder."""
    return site.parents[2] if site.parent.name.startswith("python") else site


def _record(info: Path) -> Iterator[list[str]]:
    """Rows of RECORD: path, hash and size."""
    try:
        with (info / "RECORD").open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            yield from filter(None, csv.reader(file))
    except (OSError, csv.Error) as error:
        message = f"{info.name} has no readable list of its files (RECORD): {error}"
        raise SourceFault("no_record", message) from error


def _is_installers(path: str, info_name: str) -> bool:
    folder, name = os.path.split(path)
    if path.endswith((".pyc", ".pyo")) or folder.split("/")[-1] == "__pycache__":
        return True
    return folder == info_name and name in INSTALLER_FILES


def _outside(site: Path, name: str, prefix: str) -> Iterator[Problem]:
    """Leave out what was installed elsewhere in the environment; report what leads out of it."""
    full = name if name.startswith("/") else f"{site}/{name}"
    if not _is_below(os.path.realpath(full), prefix):
        message = "RECORD names a file outside the environment; it is left out"
        yield Problem(os.fsencode(name), "unsafe_path", message)


def _file(
    full: str, name: str, path: str, prefix: str, real_folder: Callable[[str], str]
) -> File | Problem:
    key = os.fsencode(name)
    folder, base = os.path.split(full)
    real = f"{real_folder(folder)}/{base}"
    try:
        status = os.lstat(real)
        if stat.S_ISLNK(status.st_mode):
            real = os.path.realpath(real)
            status = os.lstat(real)
    except (OSError, ValueError) as error:
        return Problem(key, "missing_file", f"RECORD names a file that is not there: {error}")
    if not _is_below(real, prefix):
        return Problem(key, "link_outside", "the file lies outside the environment; left out")
    if not stat.S_ISREG(status.st_mode):
        return Problem(key, "special_file", "RECORD names what is not a regular file")
    return File(os.fsencode(path), FILE_MODE, None, status.st_size)


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def _size_bytes(info: Path) -> int:
    """Sum up the sizes that RECORD gives; 0 where it gives none."""
    try:
        return sum(int(row[2]) for row in _record(info) if row[2:] and row[2].isdigit())
    except SourceFault:
        return 0
