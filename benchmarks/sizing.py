"""What a run of a given size needs, by the formula of docs/sizing.md: its table is this output.

    python benchmarks/sizing.py

Every constant is a figure of benchmarks/README.md or a price that is named as one.
"""

from dataclasses import dataclass

CPU_SECONDS_PER_MB = 0.185
FIXED_CPU_SECONDS = 165
BUSY_SHARE = 331.9 / (210.8 * 2)
"""CPU seconds over the seconds that the cores were there for."""
SHUFFLED_SHARE = 485.4 / 901.6
PACKED_SHARE = 168.8 / 901.6
"""Bytes of `contents` in the lake over bytes of text."""
KEPT_SHARE = 38_645 / 65_658
PAIRS_PER_BLOB = 315_998 / 65_658
EDGES_PER_SECOND = 16.9e6
"""Edges that the one task of the resolution decides, without reading them."""
STATE_BYTES_PER_BLOB = 0.25

USD_PER_CORE_HOUR = 0.05
USD_PER_TB_MONTH = 23.0
USD_PER_MILLION_REQUESTS = 0.4


@dataclass(frozen=True)
class Size:
    """A corpus after exact copies are gone, and the cores that it is given."""

    name: str
    text_bytes: float
    num_blobs: float
    num_cores: int


SIZES = (
    Size("1 GB", 1e9, 73e3, 2),
    Size("1 TB", 1e12, 73e6, 64),
    Size("67.5 TB", 67.5e12, 3.3e9, 1024),
)


def needs(size: Size) -> dict[str, str]:
    """Each line of the table for one size."""
    cpu_seconds = FIXED_CPU_SECONDS + CPU_SECONDS_PER_MB * size.text_bytes / 1e6
    core_hours = cpu_seconds / BUSY_SHARE / 3600
    resolution = PAIRS_PER_BLOB * size.num_blobs / EDGES_PER_SECOND
    hours = core_hours / size.num_cores + resolution / 3600
    lake_tb = size.text_bytes * PACKED_SHARE * (1 + KEPT_SHARE * 2) / 1e12
    return {
        "distinct files": f"{size.num_blobs:,.0f}",
        "CPU hours": f"{cpu_seconds / 3600:,.1f}",
        "cores": f"{size.num_cores:,}",
        "hours": f"{hours:,.2f}",
        "of them in one task": f"{resolution / 3600:.2f}",
        "shuffled": _bytes(size.text_bytes * SHUFFLED_SHARE),
        "disk for shuffles, per core": _bytes(size.text_bytes * SHUFFLED_SHARE / size.num_cores),
        "lake": _bytes(lake_tb * 1e12),
        "memory of the resolution": _bytes(size.num_blobs * STATE_BYTES_PER_BLOB),
        "USD, cores": f"{core_hours * USD_PER_CORE_HOUR:,.2f}",
        "USD, a month of the lake": f"{lake_tb * USD_PER_TB_MONTH:,.2f}",
        "USD, requests for contents": f"{size.num_blobs / 1e6 * USD_PER_MILLION_REQUESTS:,.2f}",
    }


def table() -> str:
    """The table in Markdown."""
    columns = [needs(size) for size in SIZES]
    rows = [["", *(size.name for size in SIZES)], ["---"] * (1 + len(SIZES))]
    rows += [[line, *(column[line] for column in columns)] for line in columns[0]]
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows) + "\n"


def _bytes(value: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value:,.0f} B"


if __name__ == "__main__":
    print(table(), end="")
