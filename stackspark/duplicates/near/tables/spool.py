"""Arrays that a task needs twice: in memory while they are few, else in a temporary file."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import IO, Any

import numpy as np
import numpy.typing as npt

MEMORY_BYTES = 64 << 20


class Spool(AbstractContextManager["Spool"]):
    """Keeps groups of arrays in order; to be used as a context, which removes the file."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115
        self._groups: list[list[tuple[np.dtype[Any], int]]] = []

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, arrays: Sequence[npt.NDArray[Any]]) -> None:
        """Add a group of one-dimensional arrays."""
        self._groups.append([(array.dtype, array.nbytes) for array in arrays])
        for array in arrays:
            self._file.write(array.tobytes())

    def __iter__(self) -> Iterator[list[npt.NDArray[Any]]]:
        self._file.seek(0)
        for group in self._groups:
            yield [np.frombuffer(self._file.read(size), dtype) for dtype, size in group]
