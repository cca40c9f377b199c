"""Compile kernels with numba, with a cache on disk wherever one can be written.

numba keeps compiled code beside the module, else in the user's cache folder, else in
`NUMBA_CACHE_DIR` if that is set. On an executor with a read-only package and no home none of them
may exist; the kernel is then compiled in each worker's memory, which costs it a second or two.
A shared temporary folder is no way out: numba's cache files are pickles that anyone could plant.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., object])

OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False}


def compiled(kernel: Kernel) -> Kernel:
    """Compile a kernel on its first call; without bounds checks, so callers check shapes."""
    try:
        return cast(Kernel, njit(cache=True, **OPTIONS)(kernel))
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return cast(Kernel, njit(**OPTIONS)(kernel))


def inlined(kernel: Kernel) -> Kernel:
    """Compile a small kernel into each kernel that calls it."""
    return cast(Kernel, njit(inline="always")(kernel))
