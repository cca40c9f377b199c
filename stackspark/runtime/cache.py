"""The user's cache folder: jars and the Java wrapper, made once and shared by all runs."""

import os
from pathlib import Path

from stackspark.errors import SetupError


def cache_folder(name: str) -> Path:
    """Make and return one folder of the cache.

    `STACKSPARK_CACHE` names the cache itself; else it is `stackspark` below `XDG_CACHE_HOME`, or
    below `~/.cache`.

    Raises:
        SetupError: if the folder cannot be made.
    """
    folder = _root() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"the cache needs a folder that can be written, {folder} cannot be made "
            f"({error.strerror}); set STACKSPARK_CACHE to another folder"
        ) from error
    return folder


def _root() -> Path:
    own = os.environ.get("STACKSPARK_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "stackspark"
