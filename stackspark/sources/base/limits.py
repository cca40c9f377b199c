"""Limits against hostile input, shared by listing and fetching."""

from dataclasses import dataclass

from stackspark.errors import InvalidParamsError

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one container may hold; more than that is taken for an attack and quarantined."""

    max_members: int = 500_000
    """Entries of an archive, or files of a git tree counted at every path that they have."""

    max_total_bytes: int = 64 * 1024 * MIB
    """Bytes of an archive after decompression."""

    max_ratio: float = 250.0
    """Decompressed bytes to compressed bytes; tested once `ratio_floor_bytes` are reached."""

    ratio_floor_bytes: int = 128 * MIB
    """Small archives may be denser: a file of blanks compresses a thousandfold."""

    max_depth: int = 512
    """Directories above a file."""

    max_member_bytes: int = 1024 * MIB
    """Bytes of one object that has to be held in memory: a git object stored as a difference."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise InvalidParamsError(f"limit {name} must be positive; found {value}")
