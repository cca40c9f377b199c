"""The jars that Spark needs beside its own, fetched once into the cache folder.

`jars.json` pins each one by its SHA-256, so the cache and whatever mirror filled it are checked at
every start. They are fetched with the Ivy that Spark ships, without what they depend on: Spark
brings that, and resolving it at every start costs 8 seconds.
"""

import hashlib
import json
import logging
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pyspark

from stackspark.errors import SetupError
from stackspark.runtime.cache import cache_folder
from stackspark.runtime.java import JavaHome
from stackspark.runtime.package import package_folder

LOGGER = logging.getLogger(__name__)
FETCH_SECONDS = 540


@dataclass(frozen=True, kw_only=True)
class Jar:
    """One jar, by its Maven coordinates and the SHA-256 of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name of the file in the cache folder."""
        return f"{self.group}_{self.artifact}-{self.version}.jar"


def pinned_jars(part: str) -> list[Jar]:
    """Jars of one part of `jars.json`: `delta`, or `s3a` for lakes in an object store."""
    pins = json.loads((package_folder() / "runtime" / "jars.json").read_text(encoding="utf-8"))[
        part
    ]
    jars = []
    for coordinates, sha256 in pins.items():
        group, artifact, version = coordinates.split(":")
        jars.append(Jar(group=group, artifact=artifact, version=version, sha256=sha256))
    return jars


def cached_jars(java: JavaHome, *, s3a: bool) -> list[Path]:
    """Return the paths of all jars that a session needs; fetches what is missing or damaged.

    Args:
        java: runs the fetch.
        s3a: whether the session reads or writes `s3a://` paths.

    Raises:
        SetupError: if a jar cannot be fetched, or is not the pinned one.
    """
    jars = pinned_jars("delta") + (pinned_jars("s3a") if s3a else [])
    folder = cache_folder("jars")
    wanted = [jar for jar in jars if not _is_intact(folder / jar.file_name, jar)]
    if wanted:
        LOGGER.warning("fetching %d jars into %s, once", len(wanted), folder)
        _fetch(wanted, folder, java)
    return [folder / jar.file_name for jar in jars]


def _is_intact(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


def _fetch(jars: Sequence[Jar], folder: Path, java: JavaHome) -> None:
    """Fetch beside the cache, check, then move in: another start sees whole jars or none."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as scratch:
        output = _run_ivy(jars, Path(scratch), java)
        for jar in jars:
            fetched = Path(scratch) / jar.file_name
            if not fetched.is_file():
                raise SetupError(_not_fetched(jar, folder, output))
            if not _is_intact(fetched, jar):
                raise SetupError(
                    f"{jar.file_name} has another SHA-256 than {jar.sha256}: what was fetched is "
                    "not the published jar; check the mirror that STACKSPARK_IVY_SETTINGS names"
                )
            fetched.replace(folder / jar.file_name)


def _run_ivy(jars: Sequence[Jar], scratch: Path, java: JavaHome) -> str:
    (scratch / "ivy.xml").write_text(_ivy_module(jars), encoding="utf-8")
    settings = os.environ.get("STACKSPARK_IVY_SETTINGS")
    command = [str(java.path / "bin" / "java"), "-cp", _ivy_jar(), "org.apache.ivy.Main"]
    command += ["-settings", settings] if settings else []
    command += ["-ivy", "ivy.xml", "-cache", "cache", "-types", "jar"]
    command += ["-retrieve", "[organisation]_[artifact]-[revision].[ext]"]
    try:
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no end after {FETCH_SECONDS} seconds"
    return done.stdout + done.stderr


def _ivy_module(jars: Sequence[Jar]) -> str:
    dependencies = "".join(
        f"<dependency org={quoteattr(jar.group)} name={quoteattr(jar.artifact)}"
        f' rev={quoteattr(jar.version)} conf="default->master(default)" transitive="false"/>'
        for jar in jars
    )
    return (
        '<ivy-module version="2.0"><info organisation="stackspark" module="jars"/>'
        f"<dependencies>{dependencies}</dependencies></ivy-module>"
    )


def _ivy_jar() -> str:
    return str(next((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar")))


def _not_fetched(jar: Jar, folder: Path, output: str) -> str:
    lines = [line.strip() for line in output.splitlines()]
    cause = next((line for line in lines if "Exception" in line or "no end" in line), "not found")
    return (
        f"{jar.file_name} cannot be fetched ({cause[:200]}); go online once, name a mirror's Ivy "
        f"settings in STACKSPARK_IVY_SETTINGS, or copy {folder} from a machine that has it"
    )
