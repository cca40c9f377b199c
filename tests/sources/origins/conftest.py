import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from index_sources import EVENTS, FILES, IDS, graph
from source_fixtures import make_repository


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("listings")
    graph(root / "graph")
    make_repository(root / "local", {"local.py": "here = 1\n"})
    (root / "events").mkdir()
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in EVENTS)
    (root / "events" / "2020-01-01-0.json.gz").write_bytes(gzip.compress(lines + b"no event\n"))
    (root / "events" / "2020-01-01-1.json.gz").write_bytes(gzip.compress(lines)[:-9])
    for name, rows in (("ids", IDS), ("files", FILES)):
        (root / name / "data").mkdir(parents=True)
        (root / name / "content").mkdir()
        pq.write_table(pa.Table.from_pylist(rows), root / name / "data" / "0.parquet")
    return root
