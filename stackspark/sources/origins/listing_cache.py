"""What indexes listed, kept in a lake: the same graph is walked once, however often a run is made.

Layout: ``LAKE/listings/SOURCE/KEY/``, a folder per source and below it one per content of the
source and what else decides what is listed. A listing counts once its counts are there, which are
written last. The folder can be removed at any time: what it held is listed again.
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
from stackspark.sources.origins.index_listings import PARTS, IndexListing, opened

COUNTS = "counts.json"


@dataclass(frozen=True, kw_only=True)
class KeptListings:
    """Listings below `folder`; a plan, which must not write there, has what it lists elsewhere."""

    folder: str
    is_writable: bool = True

    def listing(
        self,
        spark: SparkSession,
        names: tuple[str, str],
        elsewhere: Scratch,
        make: Callable[[Scratch], IndexListing],
    ) -> IndexListing:
        """Take a listing over, or make it.

        Args:
            spark: session.
            names: the source, and a fingerprint of all that decides what is listed.
            elsewhere: for a listing that is not kept.
            make: lists into a folder, where the tables of `PARTS` are what counts.
        """
        source, key = names
        of_source = joined(self.folder, hashlib.sha256(source.encode()).hexdigest())
        kept = Scratch(folder=joined(of_source, key))
        counts = stored_text(kept.path(COUNTS))
        if counts is not None:
            return opened(spark, kept, *json.loads(counts))
        if not self.is_writable:
            return make(elsewhere)
        # Of an older content, or of a run that was killed.
        remove_folder(of_source)
        listing = make(kept)
        for name in set(folder_names(kept.folder)) - set(PARTS):
            remove_folder(kept.path(name))
        store_text(kept.path(COUNTS), json.dumps([listing.num_origins, listing.num_refused]))
        return listing
