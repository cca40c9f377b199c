"""text-dedup's MinHash, with its check of false positives."""

import os
from pathlib import Path

import pyarrow.parquet as pq
from datasets import load_from_disk
from protocol import Answer, Task, serve
from text_dedup.config.base import load_config_from_toml
from text_dedup.minhash import main as deduplicate

CONFIG = """
[input]
input_type = "local_files"
file_type = "parquet"
read_arguments = {{ path = "parquet", data_files = ["{parquet}"], split = "train", cache_dir = "{folder}/cache" }}

[algorithm]
algorithm_name = "minhash"
text_column = "text"
num_perm = 256
ngram_size = 5
threshold = 0.7
check_false_positive = true
num_proc = {num_proc}

[output]
output_dir = "{folder}/out"

[debug]
"""  # noqa: E501


def main() -> None:
    """Search as asked."""
    serve(search)


def search(task: Task) -> Answer:
    """Texts that are not in what the tool saves."""
    os.environ["HF_HOME"] = str(task.folder / "home")
    config = task.folder / "config.toml"
    settings = {"parquet": task.parquet, "folder": task.folder, "num_proc": task.partitions or 1}
    config.write_text(CONFIG.format(**settings), encoding="utf-8")
    deduplicate(load_config_from_toml(config))
    kept = set(load_from_disk(str(Path(task.folder) / "out"))["id"])
    ids = pq.read_table(task.parquet, columns=["id"])["id"].to_pylist()
    return Answer(removed=[each for each in ids if each not in kept])


if __name__ == "__main__":
    main()
