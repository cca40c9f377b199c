"""Ids of random trees equal those of Software Heritage's own library."""

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from source_fixtures import (
    list_locally,
    swh_root_id,
)

names = st.binary(min_size=1, max_size=4).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)


leaves = st.one_of(st.binary(max_size=5), st.just(None))  # None: a symbolic link


trees = st.recursive(
    st.dictionaries(names, leaves, max_size=4),
    lambda children: st.dictionaries(names, st.one_of(leaves, children), max_size=4),
    max_leaves=12,
)


def make_tree(folder: bytes, tree: dict[bytes, object]) -> None:
    for name, value in tree.items():
        path = folder + b"/" + name
        if value is None:
            os.symlink(b"../" + name, path)  # noqa: PTH211
        elif isinstance(value, bytes):
            with open(path, "wb") as file:  # noqa: PTH123, bytes
                file.write(value)
            os.chmod(path, 0o755 if value.startswith(b"\1") else 0o600)  # noqa: PTH101
        else:
            os.mkdir(path)  # noqa: PTH102
            make_tree(path, value)  # type: ignore[arg-type]


@given(trees)
@settings(max_examples=60, deadline=None)
def test_root_id_equals_swh_model(tree: dict[bytes, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        make_tree(os.fsencode(folder), tree)
        listed = list_locally(f"dir:{folder}")
        assert listed.root_id == swh_root_id(Path(folder))
        assert {problem for _, problem in listed.problems} <= {"path_collision"}
