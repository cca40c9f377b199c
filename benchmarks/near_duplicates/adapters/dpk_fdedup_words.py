"""data-prep-kit's fuzzy deduplication, its Python runtime: signatures, clusters, list to remove.

It takes 64-bit integers as ids only, so the rows are numbered for it.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from dpk_fdedup.transform_python import Fdedup
from protocol import Answer, Task, serve

STEPS = "SignatureCalculation,ClusterAnalysis,GetDuplicateList"
COLUMN = "int_id_column"


def main() -> None:
    """Search as asked."""
    serve(search, prepare=numbered)


def numbered(task: Task) -> Path:
    """A folder with the texts under numbers."""
    folder = task.folder / "input"
    folder.mkdir()
    rows = pq.read_table(task.parquet, columns=["id", "text"])
    numbers = pa.array(range(rows.num_rows), pa.int64())
    table = pa.table({"id": rows["id"], "contents": rows["text"], COLUMN: numbers})
    pq.write_table(table, folder / "texts.parquet")
    return folder


def search(task: Task) -> Answer:
    """Texts on the list of documents to remove."""
    out = task.folder / "out"
    status = Fdedup(
        input_folder=str(task.parquet),
        output_folder=str(out),
        contents_column="contents",
        document_id_column=COLUMN,
        num_permutations=112,
        num_bands=14,
        num_minhashes_per_band=8,
        word_shingle_size=5,
        jaccard_similarity_threshold=0.7,
        num_segments=task.partitions or 1,
        services=STEPS,
    ).transform()
    if status:
        raise RuntimeError(f"data-prep-kit ended with status {status}")
    (found,) = out.rglob("docs_to_remove_consolidated/*.parquet")
    ids = pq.read_table(task.parquet / "texts.parquet", columns=["id"])["id"].to_pylist()
    removed = pq.read_table(found)["docs_to_remove"].to_pylist()
    return Answer(removed=[ids[number] for number in removed])


if __name__ == "__main__":
    main()
