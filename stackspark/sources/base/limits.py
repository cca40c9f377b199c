"""Limits against hostile input, shared by listing and fetching."""

from collections.abc import Iterable
from dataclasses import dataclass

from stackspark.errors import InvalidParamsError
from stackspark.runtime.sizes import NumBytes

MIB = 1024 * 1024


def require_positive(params: object, step: str, names: Iterable[str]) -> None:
    """Raise InvalidParamsError unless each of the named parameters is above 0."""
    for name in names:
        value = getattr(params, name)
        if value <= 0:
            raise InvalidParamsError(f"{step} needs {name} > 0; found {value}")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits on the size of one container; one that exceeds them is quarantined as an attack."""

    max_members: int = 500_000
    """Entries of an archive, or files of a git tree counted at every path that they have."""

    max_total_bytes: NumBytes = 64 * 1024 * MIB
    """Bytes of an archive after decompression."""

    max_ratio: float = 250.0
    """Decompressed bytes to compressed bytes; tested once `ratio_floor_bytes` are reached."""

    ratio_floor_bytes: NumBytes = 128 * MIB
    """Small archives may be denser: a file of blanks compresses a thousandfold."""

    max_depth: int = 512
    """Most directories above a file."""

    max_member_bytes: NumBytes = 1024 * MIB
    """Bytes of one object that has to be held in memory: a git object stored as a difference."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise InvalidParamsError(f"limit {name} must be positive; found {value}")
