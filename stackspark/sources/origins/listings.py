"""Listings of all sources of a run, of any kind, with the repositories' data from events."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import partial, reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.lake.scratch import Scratch
from stackspark.runtime.fingerprints import fingerprint
from stackspark.runtime.storage.filesystems import file_stamps
from stackspark.sources.base.container import CONTAINERS_DDL, Container
from stackspark.sources.base.specs import SourceSpec
from stackspark.sources.gharchive.reader import FILES_DDL, quarantine_event_files, read_events
from stackspark.sources.gharchive.repositories import (
    describe_repositories,
    list_repository_names,
    match_repositories,
)
from stackspark.sources.listing.list_sources import ListSourcesParams, list_sources
from stackspark.sources.origins.fingerprint_listing import fingerprint_rows
from stackspark.sources.origins.index_listings import (
    REFUSED_DDL,
    IndexListing,
    IndexSource,
    Repositories,
    list_graph,
    list_stack_v2,
)
from stackspark.sources.origins.index_locations import index_store, index_tables
from stackspark.sources.origins.listing_cache import KeptListings
from stackspark.sources.origins.selection import complete_origins, prefer_listed
from stackspark.sources.published_index.tables import read_stack_v2
from stackspark.sources.swh_graph.tables import read_graph
from stackspark.sources.swh_graph.walk import WalkDirectoriesParams


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The sources of a run, without the containers that opted out.

    `event_files` are rows of `FILES_DDL`.
    """

    containers: Sequence[Container]
    indexes: Sequence[SourceSpec]
    event_files: Sequence[tuple[str, str, str, int]]


class Listings:
    """Origins and files of all sources; each part is listed on its first use."""

    def __init__(  # noqa: PLR0917 - session, scratch and cache belong to the run, not to a source
        self,
        spark: SparkSession,
        scratch: Scratch,
        sources: Sources,
        params: ListSourcesParams,
        requests: DataFrame,
        kept: KeptListings,
    ) -> None:
        """Read nothing yet.

        Args:
            spark: session.
            scratch: for the tables of the listing.
            sources: to list.
            params: of listing; its limits hold for indexes too.
            requests: rows of `OptOutRequest`.
            kept: listings of indexes from earlier runs.
        """
        self._spark, self._scratch, self._sources = spark, scratch, sources
        self._params, self._requests, self._kept = params, requests, kept
        self._stored: dict[str, DataFrame] = {}
        self._listed_indexes: list[IndexListing] | None = None

    def rows(self) -> DataFrame:
        """Rows of `LISTED_SCHEMA`, stored."""
        parts = [self._once("listing", self._list_containers)]
        parts += [index.rows for index in self._indexes()]
        return reduce(DataFrame.unionByName, parts)

    def origins(self) -> DataFrame:
        """Every listed origin, with the columns of `origins`."""
        return self._once("all_origins", self._complete_origins)

    def _complete_origins(self) -> DataFrame:
        listed, known = self.listed("origin"), self._repositories()
        if known is not None:
            whole = listed.select("origin_url", "visit_date", F.struct("*").alias("listed"))
            listed = prefer_listed(match_repositories(whole, known.names, known.repositories))
        return complete_origins(listed)

    def refused(self) -> DataFrame:
        """Origins of indexes that opted out: (`origin_url`, `request_id`)."""
        none = self._spark.createDataFrame([], REFUSED_DDL)
        return reduce(DataFrame.unionByName, (index.refused for index in self._indexes()), none)

    def quarantine(self) -> DataFrame:
        """Inputs that could not be listed, files of events and their lines among them."""
        listed = self.listed("quarantine")
        if not self._sources.event_files:
            return listed
        files = self._events().where(F.col("file").isNotNull()).select("file.*")
        return listed.unionByName(quarantine_event_files(files))

    def num_index_origins(self) -> tuple[int, int]:
        """Number of origins in the indexes, and how many of them opted out."""
        counted = [(index.num_origins, index.num_refused) for index in self._indexes()]
        return sum(count for count, _ in counted), sum(refused for _, refused in counted)

    def listed(self, kind: str) -> DataFrame:
        """Rows of one kind (origin, file or quarantine)."""
        return self.rows().where(F.col("kind") == kind).select(f"{kind}.*")

    def _once(self, name: str, make: Callable[[], DataFrame]) -> DataFrame:
        if name not in self._stored:
            self._stored[name] = self._scratch.write(make(), name)
        return self._stored[name]

    def _list_containers(self) -> DataFrame:
        rows = [astuple(container) for container in self._sources.containers]
        return list_sources(self._spark.createDataFrame(rows, CONTAINERS_DDL), self._params)

    def _indexes(self) -> list[IndexListing]:
        if self._listed_indexes is None:
            specs = enumerate(self._sources.indexes)
            self._listed_indexes = [self._index(number, spec) for number, spec in specs]
        return self._listed_indexes

    def _index(self, number: int, spec: SourceSpec) -> IndexListing:
        elsewhere = Scratch(folder=self._scratch.path(f"index_{number}"))
        folder = index_tables(spec)
        names = (spec.source, self._index_key(spec, folder))
        make = partial(self._list_index, spec, folder)
        return self._kept.listing(self._spark, names, elsewhere, make)

    def _list_index(self, spec: SourceSpec, folder: str, scratch: Scratch) -> IndexListing:
        place = IndexSource(source=spec.source, store=index_store(spec))
        if spec.kind == "swh":
            tables = read_graph(self._spark, folder)
            params = WalkDirectoriesParams(limits=self._params.limits)
            return list_graph(place, tables, self._requests, self._repositories(), scratch, params)
        index = read_stack_v2(self._spark, folder, spec.kind)
        return list_stack_v2(place, index, self._requests, scratch)

    def _index_key(self, spec: SourceSpec, folder: str) -> str:
        """Fingerprint of everything that decides an index's listing; its files by their stamps."""
        known = self._repositories() if spec.kind == "swh" else None
        tables = (self._requests, *((known.names, known.repositories) if known else ()))
        parts = [spec.kind, index_store(spec), *map(str, file_stamps(folder))]
        parts += [str(fingerprint_rows(rows).collect()[0]) for rows in tables]
        return fingerprint("index", parts, self._params.limits, __name__)

    def _events(self) -> DataFrame:
        return self._once("events", self._read_events)

    def _read_events(self) -> DataFrame:
        files = self._spark.createDataFrame(list(self._sources.event_files), FILES_DDL)
        return read_events(files, self._params.num_tasks, self._params.limits)

    def _repositories(self) -> Repositories | None:
        if not self._sources.event_files:
            return None
        events = self._events().where(F.col("event").isNotNull()).select("event.*")
        return Repositories(
            names=self._once("repository_names", lambda: list_repository_names(events)),
            repositories=self._once("repositories", lambda: describe_repositories(events)),
        )
