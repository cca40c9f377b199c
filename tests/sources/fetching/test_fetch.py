from pathlib import Path

import pyarrow as pa
from source_fixtures import (
    list_locally,
    write_files,
)

from stackspark.sources.fetching.fetch import FetchParams, fetch_units


def test_fetch_batches_are_bounded(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{number}": f"{number}" * 1000 for number in range(10)})
    listed = list_locally(f"dir:{tmp_path}")
    locators = [{"content_id": f["content_id"], **f["locator"]} for f in listed.files]
    requests = [pa.RecordBatch.from_pylist(locators)]
    batches = list(fetch_units(requests, FetchParams(fetch_batch_bytes=3000)))
    assert [batch.num_rows for batch in batches] == [2] * 5
