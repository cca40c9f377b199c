"""Locations of an index's tables and contents, checked before a run."""

from stackspark.errors import InputError
from stackspark.runtime.storage.filesystems import exists, joined
from stackspark.runtime.storage.s3 import is_s3
from stackspark.sources.base.specs import SourceSpec
from stackspark.sources.fetching.stores import FOLDER
from stackspark.sources.published_index.tables import check_stack_v2
from stackspark.sources.swh_graph.tables import absolute, graph_folder


def check_index(spec: SourceSpec) -> None:
    """Check on the driver that an index can be read.

    Raises:
        InputError: if its tables are missing or lack a column, or there is no folder of contents.
    """
    try:
        index_tables(spec)
    except InputError as error:
        raise InputError(f"source {spec.source}: {error}") from None
    store = index_store(spec)
    if not is_s3(store) and not exists(joined(store, FOLDER)):
        raise InputError(
            f"source {spec.source}: needed contents below {joined(store, FOLDER)}, found no such "
            "folder; say where they are with `contents`"
        )


def index_tables(spec: SourceSpec) -> str:
    """Folder of the tables of an index, checked."""
    if spec.kind == "swh":
        return graph_folder(spec.location)
    return check_stack_v2(absolute(spec.location), spec.kind)


def index_store(spec: SourceSpec) -> str:
    """Location of the contents of an index; see `stores.content_store`."""
    return absolute(spec.contents or spec.location)


def reads_s3(spec: SourceSpec) -> bool:
    """Whether the tables of an index lie in an object store, where Spark reads them."""
    return is_s3(absolute(spec.location))


def opens_s3(spec: SourceSpec) -> bool:
    """Whether the contents of an index lie in an object store, where tasks open them."""
    return is_s3(index_store(spec))
