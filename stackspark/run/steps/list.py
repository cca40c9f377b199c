"""List what the sources hold, and choose one origin per root directory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql import functions as F

from stackspark.run.listed import Listed
from stackspark.run.step import Notes, RunContext, Step, Write
from stackspark.sources.origins.fingerprint_listing import fingerprint_listing, fingerprint_rows
from stackspark.sources.origins.selection import select_origins


@dataclass(frozen=True, kw_only=True)
class ListParams:
    """Counts of the balance of containers.

    Attributes:
        num_containers: containers to list, without that of the canaries.
        num_opted_out: containers that opted out and are not listed.
        num_canaries: containers of canaries: 0 or 1.
        has_events: whether archived events tell of repositories.
    """

    num_containers: int
    num_opted_out: int
    num_canaries: int
    has_events: bool


def list_step(context: RunContext, listed: Listed, params: ListParams) -> Step:
    """The step `list`; its key has sums of hashes over all that was listed."""

    def produce(notes: Notes) -> Iterator[Write]:
        yield Write(table="origins", rows=select_origins(listed.listings.origins()))
        notes |= _container_counts(context, listed, params)

    def key() -> Sequence[str]:
        return _listing_fingerprint(listed, params)

    return Step(name="list", module=__name__, after=key, params={}, produce=produce)


def _listing_fingerprint(listed: Listed, params: ListParams) -> Sequence[str]:
    listings = listed.listings
    parts = [fingerprint_listing(listings.rows())]
    if params.has_events:
        # What events tell of an origin, and of themselves, is no row of listing.
        parts += map(fingerprint_rows, (listings.origins(), listings.quarantine()))
    return [":".join(map(str, row)) for part in parts for row in part.collect()]


def _container_counts(context: RunContext, listed: Listed, params: ListParams) -> Notes:
    """The fate of each container: the balance of the first step."""
    origins = listed.listings.listed("origin")
    with_files = origins.where(F.col("num_files") > 0)
    broken = listed.listings.listed("quarantine").where(F.col("grain") == "origin")
    num_indexed, num_refused = listed.listings.num_index_origins()
    num_listed, num_with_files = origins.count(), with_files.count()
    selected = context.table("origins").count()
    return {
        "containers": params.num_containers + params.num_opted_out + num_indexed,
        "opted_out": params.num_opted_out + num_refused,
        "selected": selected - params.num_canaries,
        "same_root": num_with_files - selected,
        "without_files": num_listed - num_with_files,
        "quarantined": broken.count(),
    }
