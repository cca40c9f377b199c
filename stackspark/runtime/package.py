"""The package's own files: in its folder, or in an archive that was given to spark-submit."""

import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

NAME = "stackspark"
_unpacked: list["TemporaryDirectory[str]"] = []


@cache
def package_folder() -> Path:
    """The package as a folder; one that is in an archive is unpacked until the process ends."""
    folder = Path(__file__).parents[1]
    if folder.is_dir():
        return folder
    _unpacked.append(TemporaryDirectory(prefix=f"{NAME}-"))
    with zipfile.ZipFile(folder.parent) as archive:
        members = [name for name in archive.namelist() if name.startswith(f"{NAME}/")]
        archive.extractall(_unpacked[-1].name, members)
    return Path(_unpacked[-1].name, NAME)


def schemas_folder() -> Path:
    """Folder of the contracts: the wheel's own, or the repository's in a checkout."""
    installed = package_folder() / "schemas"
    return installed if installed.is_dir() else package_folder().parent / "schemas"
