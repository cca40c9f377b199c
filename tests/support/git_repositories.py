"""A small repository, and its tree as git itself lists it."""

from pathlib import Path

from source_fixtures import git

FILES = {"a.txt": "a\n", "lib/b.py": "b = 1\n", "lib/deep/c.py": "c = 1\n", "lib.py": "x\n"}


def tree_of(folder: Path, revision: str = "HEAD") -> dict[str, tuple[int, str]]:
    lines = git(folder, "ls-tree", "-r", "-z", revision).split("\0")
    entries = [line.split("\t", 1) for line in lines if line]
    return {"/" + path: (int(about.split()[0], 8), about.split()[2]) for about, path in entries}
