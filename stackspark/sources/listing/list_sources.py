"""Listing of containers: origins and files with their Software Heritage ids, and broken entries.

Output: rows of `LISTED_SCHEMA`, without contents: a file's `locator` is the place where fetching
reads its bytes. Narrow rows are shuffled twice, so that no single task hashes a huge directory;
only an archive is read by one task, as its compression demands.
"""

from dataclasses import dataclass, field
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.runtime.sizes import NumBytes
from stackspark.sources.base.limits import Limits, require_positive
from stackspark.sources.listing.assemble import LISTED, assemble_containers
from stackspark.sources.listing.hash_files import hash_files
from stackspark.sources.listing.rows import HASHED, WALKED
from stackspark.sources.listing.walk import walk_containers

WALKED_SCHEMA = from_arrow_schema(WALKED)
HASHED_SCHEMA = from_arrow_schema(HASHED)
LISTED_SCHEMA = from_arrow_schema(LISTED)

ORDER = ("container", "path", "row", "locator.position", "content_id", "message")
"""Order of a container's rows; the first of two entries with one path is kept."""


@dataclass(frozen=True, kw_only=True)
class ListSourcesParams:
    """Tasks and limits of listing; only `limits` changes the result."""

    num_tasks: int = 32
    """Tasks per step; a few per core. Spark itself would make one task of such narrow rows."""

    unit_bytes: NumBytes = 128 * 1024 * 1024
    """Bytes of files that one task hashes, and later fetches, at a time."""

    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        require_positive(self, "list_sources", ("num_tasks", "unit_bytes"))


def list_sources(containers: DataFrame, params: ListSourcesParams) -> DataFrame:
    """List the files of containers and compute their ids.

    Args:
        containers: one row per container, columns of `CONTAINERS_DDL`, without origins that opted
            out.
        params: size of tasks, and limits against hostile input.

    Returns:
        One row per origin, file or problem: `kind` says which of the structs `origin`, `file` and
        `quarantine` is set. `origin` has the columns of that table which a local source knows, and
        `file` those of `files` but name and extension; both name their `container`. Within
        a container (directory_id, path) is unique. `quarantine` has the table's columns.
    Shuffles: two, of narrow rows: by (container, unit), then by container with a sort.
    """
    tasks = params.num_tasks
    walk = partial(walk_containers, limits=params.limits, unit_bytes=params.unit_bytes)
    walked = containers.repartitionById(tasks, F.col("task")).mapInArrow(walk, WALKED_SCHEMA)
    units = walked.repartition(tasks, "container", "locator.unit")
    hashed = units.mapInArrow(hash_files, HASHED_SCHEMA)
    ordered = hashed.repartition(tasks, "container").sortWithinPartitions(*ORDER)
    return ordered.mapInArrow(assemble_containers, LISTED_SCHEMA)
