"""The listing of a run, and what is chosen from it: read by several steps, stored once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from pyspark.sql import DataFrame

from stackspark.opt_outs.match_opt_outs import match_file_opt_outs, match_opt_outs
from stackspark.opt_outs.record_refused_origins import record_refused_origins
from stackspark.opt_outs.requests import OptOutRequest
from stackspark.run.step import RunContext
from stackspark.runtime.storage.filesystems import joined
from stackspark.sources.listing.list_sources import ListSourcesParams
from stackspark.sources.origins.index_listings import REFUSED_DDL
from stackspark.sources.origins.listing_cache import KeptListings
from stackspark.sources.origins.listings import Listings, Sources
from stackspark.sources.origins.selection import select_files

OPT_OUTS_DDL = "request_id string, kind string, value string, repository string, pattern string"
"""Columns of a table of `OptOutRequest`."""


class Listed:
    """Everything that the sources of a run hold, and the opt-outs among it."""

    def __init__(
        self,
        context: RunContext,
        sources: Sources,
        params: ListSourcesParams,
        requests: Sequence[OptOutRequest],
    ) -> None:
        self._context = context
        rows = [list(asdict(request).values()) for request in requests]
        self._requests = context.spark.createDataFrame(rows, OPT_OUTS_DDL)
        cache = KeptListings(
            folder=joined(context.lake.root, "listings"), is_writable=context.is_writable
        )
        self.listings = Listings(
            context.spark, context.scratch, sources, params, self._requests, cache
        )

    def files(self) -> DataFrame:
        """Files of the selected origins, with the places of their bytes."""
        return self._context.once("files", self._select_files)

    def opt_outs(self) -> DataFrame:
        """Verdicts on the origins, contents and files that requests cover."""
        return self._context.once("opt_outs", self._match_opt_outs)

    def refused(self, opted_out: Mapping[str, str]) -> DataFrame:
        """Verdicts on origins that were not even listed.

        Args:
            opted_out: the request by the URL of each origin that was left out before listing;
                origins of indexes come to them.
        """
        rows = list(opted_out.items())
        refused = self._context.spark.createDataFrame(rows, REFUSED_DDL)
        return record_refused_origins(refused.unionByName(self.listings.refused()))

    def _select_files(self) -> DataFrame:
        origins = self._context.table("origins")
        return select_files(self.listings.listed("origin"), self.listings.listed("file"), origins)

    def _match_opt_outs(self) -> DataFrame:
        origins = self._context.table("origins")
        of_files = match_file_opt_outs(self.files(), origins, self._requests)
        return of_files.unionByName(match_opt_outs(self.listings.origins(), self._requests))
