"""Packages: their origins and names, from the names of their files.

A package URL is the origin where the name is beyond doubt: wheels, installed distributions, crates
and the module cache of Go. Source tarballs and npm packages look like any other tarball, so their
origin is the file.

Source of the form: the package URL specification (ECMA-427).
"""

import re
from pathlib import Path
from typing import NamedTuple

from stackspark.sources.base.specs import normalized_name

_WHEEL = re.compile(r"([A-Za-z0-9._]+)-([A-Za-z0-9._+!]+)(-[0-9][^-]*)?-[^-]+-[^-]+-[^-]+\.whl")
_CRATE = re.compile(r"([A-Za-z0-9_-]+?)-([0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?)\.crate")
_GO = re.compile(r".*/cache/download/(.+)/@v/(v[0-9][^/]*)\.zip")
_TARBALL = re.compile(r"(.+?)-(v?[0-9][^-]*)\.(?:tar\.[a-z0-9]+|tgz|tar|zip|jar)")


class Package(NamedTuple):
    """Origin and name of a package."""

    origin_url: str
    repo_name: str


def pypi_package(name: str, version: str) -> Package:
    """Return the origin of a Python distribution; it does not depend on where it is installed."""
    named = normalized_name(name) + (f"@{version}" if version else "")
    return Package(f"pkg:pypi/{named}", named)


def archive_package(path: Path) -> Package:
    """Return the package of an archive, by the archive's name; `path` is absolute."""
    if match := _WHEEL.fullmatch(path.name):
        return pypi_package(match[1], match[2])
    if match := _CRATE.fullmatch(path.name):
        return Package(f"pkg:cargo/{match[1]}@{match[2]}", f"{match[1]}@{match[2]}")
    if match := _GO.fullmatch(path.as_posix()):
        # The cache writes an upper-case letter as an exclamation mark and the lower-case one.
        module, version = (re.sub("!(.)", lambda m: m[1].upper(), part) for part in match.groups())
        return Package(f"pkg:golang/{module}@{version}", f"{module}@{version}")
    match = _TARBALL.fullmatch(path.name)
    return Package(path.as_uri(), f"{match[1]}@{match[2]}" if match else path.name)
