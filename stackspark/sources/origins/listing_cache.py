"""Cache of the listings of indexes, in a lake: an unchanged graph is walked once for many runs.

Layout: ``LAKE/listings/SOURCE/KEY/``: a hash of the source, and below it a fingerprint of its files
and of everything else that decides the listing. A listing is valid once its counts are there, which
are written last. The folder can be removed at any time: its sources are listed again.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import SparkSession

from stackspark.lake.scratch import Scratch
from stackspark.runtime.storage.filesystems import (
    folder_names,
    joined,
    remove_folder,
    store_text,
    stored_text,
)
from stackspark.sources.origins.index_listings import PARTS, IndexListing, open_listing

COUNTS = "counts.json"


@dataclass(frozen=True, kw_only=True)
class KeptListings:
    """Listings below `folder`; a plan must not write there, and lists into another folder."""

    folder: str
    is_writable: bool = True

    def listing(
        self,
        spark: SparkSession,
        names: tuple[str, str],
        elsewhere: Scratch,
        make: Callable[[Scratch], IndexListing],
    ) -> IndexListing:
        """Open the cached listing, or make it.

        Args:
            spark: session.
            names: the source, and the fingerprint of everything that decides the listing.
            elsewhere: for a listing that is not cached.
            make: lists into a folder, of which the tables of `PARTS` are cached.
        """
        source, key = names
        of_source = joined(self.folder, hashlib.sha256(source.encode()).hexdigest())
        kept = Scratch(folder=joined(of_source, key))
        counts = stored_text(kept.path(COUNTS))
        if counts is not None:
            return open_listing(spark, kept, *json.loads(counts))
        if not self.is_writable:
            return make(elsewhere)
        # An older listing, or that of a killed run.
        remove_folder(of_source)
        listing = make(kept)
        for name in set(folder_names(kept.folder)) - set(PARTS):
            remove_folder(kept.path(name))
        store_text(kept.path(COUNTS), json.dumps([listing.num_origins, listing.num_refused]))
        return listing
