"""Runs in an environment of its own: git repositories -> graph and contents, by their own tools.

Software Heritage's git loader turns the objects of each repository into those of its model, and its
exporter writes them as ORC tables; contents are written as the archive stores them. The tools are
under the GPL and no dependency of stackspark.

    PYTHON swh_producer.py OUT '[["/path/to/repo", "https://host/owner/name", "2024-..."]]'
"""

import gzip
import json
import sys
from datetime import datetime
from pathlib import Path

from swh.export.exporters.orc import ORCExporter
from swh.loader.git.loader import GitLoader
from swh.model.model import Origin, OriginVisit, OriginVisitStatus
from swh.storage import get_storage

TYPES = [
    "origin", "origin_visit", "origin_visit_status", "snapshot", "release", "revision",
    "directory", "content", "skipped_content",
]  # fmt: skip


def load(storage, path, url):
    """Load a repository and return its snapshot's id; `url` only names it."""
    loader = GitLoader(storage, f"file://{path}", incremental=False)
    assert loader.load()["status"] != "failed", url
    return loader.snapshot.id


def visited(url, date, snapshot):
    """An origin, and one full visit of it."""
    yield Origin(url=url)
    yield OriginVisit(origin=url, date=date, type="git", visit=1)
    yield OriginVisitStatus(
        origin=url, visit=1, date=date, status="full", snapshot=snapshot, type="git"
    )


def main(out, repositories):
    storage = get_storage("memory", journal_writer={"cls": "memory"})
    visits = []
    for path, url, date in repositories:
        visits += visited(url, datetime.fromisoformat(date), load(storage, path, url))
    journal = storage.journal_writer.journal.objects
    # The loader's own visits are of the paths on this machine.
    objects = [item for kind, item in journal if not kind.startswith("origin")] + visits
    unique = {(item.object_type, str(item.unique_key())): item for item in objects}
    with ORCExporter({}, TYPES, out / "graph" / "orc") as exporter:
        for item in unique.values():
            exporter.process_object(item.object_type, item)
    (out / "content").mkdir()
    for item in unique.values():
        if item.object_type == "content":
            data = storage.content_get_data({"sha1": item.sha1})
            (out / "content" / item.sha1.hex()).write_bytes(gzip.compress(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
