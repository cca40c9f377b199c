"""List what sources hold: origins and files with their Software Heritage ids, and what is broken.

Output: rows of `LISTED_SCHEMA`. Contents are not kept: a file's `locator` says where fetching finds
its bytes. Narrow rows are shuffled twice, so that no single task hashes a huge directory; only an
archive is read by one task, as its compression demands.
"""

from dataclasses import dataclass, field
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.errors import InvalidParamsError
from stackspark.sources.base.limits import Limits
from stackspark.sources.listing.assemble import LISTED, assemble_containers
from stackspark.sources.listing.hash_files import describe_found
from stackspark.sources.listing.rows import FOUND, HASHED
from stackspark.sources.listing.walk import enumerate_containers

FOUND_SCHEMA = from_arrow_schema(FOUND)
HASHED_SCHEMA = from_arrow_schema(HASHED)
LISTED_SCHEMA = from_arrow_schema(LISTED)

ORDER = ("container", "path", "row", "locator.position", "content_id", "message")
"""Order of a container's rows; of two entries with one path the first in this order stays."""


@dataclass(frozen=True, kw_only=True)
class ListSourcesParams:
    """How sources are listed; only `limits` changes what is listed."""

    num_tasks: int = 32
    """Tasks per step; a few per core. Spark itself would make one task of such narrow rows."""

    unit_bytes: int = 128 * 1024 * 1024
    """Bytes of files that one task hashes, and later fetches, at a time."""

    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        for name in ("num_tasks", "unit_bytes"):
            if getattr(self, name) <= 0:
                found = getattr(self, name)
                raise InvalidParamsError(f"list_sources needs {name} > 0; found {found}")


def list_sources(containers: DataFrame, params: ListSourcesParams) -> DataFrame:
    """List the files of containers and compute their ids.

    Args:
        containers: one row per container, columns as in `container.CONTAINERS_DDL`; origins that
            opted out are no longer among them.
        params: how the work is cut, and limits against hostile input.

    Returns:
        One row per origin, file or problem: `kind` says which of the structs `origin`, `file` and
        `quarantine` is set. `origin` has the columns of that table which a local source knows, and
        `file` those of `files` but name and extension; both name their `container`. Within
        a container (directory_id, path) is unique. `quarantine` has the table's columns.
    Shuffles: two, of narrow rows: by (container, unit), then by container with a sort.
    """
    tasks = params.num_tasks
    walk = partial(enumerate_containers, limits=params.limits, unit_bytes=params.unit_bytes)
    found = containers.repartitionById(tasks, F.col("task")).mapInArrow(walk, FOUND_SCHEMA)
    units = found.repartition(tasks, "container", "locator.unit")
    described = units.mapInArrow(describe_found, HASHED_SCHEMA)
    ordered = described.repartition(tasks, "container").sortWithinPartitions(*ORDER)
    return ordered.mapInArrow(assemble_containers, LISTED_SCHEMA)
