"""Containers of sources, each with its origin, found before any of their files is read."""

import glob
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from stackspark.errors import InputError
from stackspark.sources.base.container import Container
from stackspark.sources.base.packages import Package, archive_package
from stackspark.sources.base.specs import SourceSpec
from stackspark.sources.folders.python_env import distributions, site_folders

TASK_BYTES = 128 * 1024 * 1024
"""Bytes of containers that one task lists; compressed where the container is."""

TASK_CONTAINERS = 64


def expand_sources(specs: Iterable[SourceSpec]) -> list[Container]:
    """Find the containers of all sources, on the driver; a container named twice counts once.

    Raises:
        InputError: if a path is missing, or a pattern or an environment holds nothing.
    """
    containers: dict[tuple[str, str, str | None], Container] = {}
    for spec in specs:
        for container in _EXPANDERS[spec.kind](spec):
            containers.setdefault((container.kind, container.location, container.ref), container)
    return list(_in_tasks(containers.values()))


def forge_name(origin: str | None) -> str | None:
    """Return owner/name of a repository's URL; None where it has no two parts."""
    try:
        path = urlsplit(origin or "").path.strip("/").removesuffix(".git")
    except ValueError:
        return None
    return path if re.search("[^/]/[^/]", path) else None


def _folder(spec: SourceSpec) -> Iterator[Container]:
    path = Path(spec.location).absolute()
    if not path.is_dir():
        raise InputError(f"source {spec.source}: there is no directory {path}; check the path")
    size = _git_bytes(path) if spec.kind == "git" else None
    package = Package(path.as_uri(), path.name.removesuffix(".git") or "root")
    yield _container(spec, str(path), package, size)


def _archives(spec: SourceSpec) -> Iterator[Container]:
    literal = [spec.location] if Path(spec.location).is_file() else []
    paths = literal or glob.glob(spec.location, recursive=True)  # noqa: PTH207, may be absolute
    files = sorted(Path(path).absolute() for path in paths if Path(path).is_file())
    if not files:
        raise InputError(f"source {spec.source}: no file matches; check the pattern")
    for path in files:
        yield _container(spec, str(path), archive_package(path), path.stat().st_size)


def _environment(spec: SourceSpec) -> Iterator[Container]:
    path = Path(spec.location).absolute()
    folders = site_folders(path)
    if not folders:
        needed = "a virtual environment, a prefix or a site-packages folder"
        raise InputError(f"source {spec.source}: needs {needed}; {path} is none")
    for folder in folders:
        for item in distributions(folder):
            if item.name not in spec.exclude:
                yield _container(spec, item.location, item.package, item.size_bytes)


_EXPANDERS = {
    "git": _folder,
    "dir": _folder,
    "archive": _archives,
    "python-env": _environment,
}


def _container(spec: SourceSpec, location: str, package: Package, size: int | None) -> Container:
    ref = (spec.ref or "HEAD") if spec.kind == "git" else None
    return Container(
        source=spec.source,
        kind=spec.kind,
        location=location,
        ref=ref,
        origin_url=spec.origin or package.origin_url,
        repo_name=forge_name(spec.origin) or package.repo_name,
        visit_date=spec.visit_date,
        size_bytes=size,
    )


def _git_bytes(path: Path) -> int:
    packs = [*path.glob(".git/objects/pack/*.pack"), *path.glob("objects/pack/*.pack")]
    return sum(pack.stat().st_size for pack in packs)


def _in_tasks(containers: Iterable[Container]) -> Iterator[Container]:
    """Number the tasks: a run of containers up to a number of bytes, a directory on its own."""
    task = held_bytes = held = 0
    for container in containers:
        size = TASK_BYTES if container.size_bytes is None else container.size_bytes
        if held and (held_bytes + size > TASK_BYTES or held == TASK_CONTAINERS):
            task, held_bytes, held = task + 1, 0, 0
        held_bytes += size
        held += 1
        yield replace(container, task=task)
