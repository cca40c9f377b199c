"""Model of a recipe: one section of parameters per step, in the order of the flow."""

import re
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import ConfigDict, WithJsonSchema

from stackspark.duplicates.near.params import NearDuplicatesParams
from stackspark.duplicates.removal_bands import RemovalBandsParams
from stackspark.duplicates.select_representatives import SelectRepresentativesParams
from stackspark.errors import InvalidParamsError
from stackspark.export.build_documents import BuildDocumentsParams
from stackspark.export.shards import ShardParams
from stackspark.licenses.assign_licenses import AssignLicensesParams
from stackspark.licenses.detect_licenses import DetectLicensesParams
from stackspark.rules.catalog import FiltersParams
from stackspark.sources.base.specs import KEYS
from stackspark.sources.fetching.fetch import FetchParams
from stackspark.sources.listing.list_sources import ListSourcesParams

Export = Literal["files", "documents", "ids", "notices"]
EXPORTS: tuple[Export, ...] = get_args(Export)

SOURCE_SCHEMA = {
    "type": "object",
    "properties": {key: {"type": "string"} for key in KEYS}
    | {"exclude": {"type": "array", "items": {"type": "string"}}},
    "required": ["source"],
    "additionalProperties": False,
}
Source = str | Annotated[dict[str, Any], WithJsonSchema(SOURCE_SCHEMA)]


@dataclass(frozen=True, kw_only=True)
class BenchmarksParams:
    """Which benchmarks must not be in the dataset.

    Attributes:
        path: JSONL or Parquet file, or a folder of them, with the columns benchmark, item_id, field
            and text; none if not given.
        min_normalized_chars: shorter items (in lower case, without white space) match everywhere
            and are left out, as the report says.
    """

    path: str | None = None
    min_normalized_chars: int = 20


@dataclass(frozen=True, kw_only=True)
class DuplicatesParams(NearDuplicatesParams):
    """The search for near-duplicates, and how much of a language or source it may remove."""

    removal_bands: RemovalBandsParams = field(default_factory=RemovalBandsParams)

    @property
    def search(self) -> NearDuplicatesParams:
        """The search alone: what it finds does not depend on the bands."""
        names = [each.name for each in fields(NearDuplicatesParams)]
        return NearDuplicatesParams(**{name: getattr(self, name) for name in names})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One dataset: where its files come from, what is removed and what is written.

    Attributes:
        name: of the recipe.
        description: one sentence for the dataset card.
        sources: KIND:LOCATION, or mappings with the keys source, origin, visit_date, exclude and
            contents.
        gharchive: folders or files of archived events of GitHub, which tell stars, forks and more.
        public_buckets: buckets of sources in S3 that are read without credentials.
        opt_outs: file of opt-out requests; none if not given.
        canaries: whether synthetic files of known fate ride along; a rule that misses one of them
            stops the run.
        exports: which of files, documents, ids and notices are written.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False
    )
    """Holds for the sections too."""

    name: str
    description: str = ""
    sources: tuple[Source, ...] = ()
    gharchive: tuple[str, ...] = ()
    public_buckets: tuple[str, ...] = ()
    opt_outs: str | None = None
    listing: ListSourcesParams = field(default_factory=ListSourcesParams)
    fetching: FetchParams = field(default_factory=FetchParams)
    benchmarks: BenchmarksParams = field(default_factory=BenchmarksParams)
    license_texts: DetectLicensesParams = field(default_factory=DetectLicensesParams)
    licenses: AssignLicensesParams = field(default_factory=AssignLicensesParams)
    filters: FiltersParams = field(default_factory=FiltersParams)
    keep_order: SelectRepresentativesParams = field(default_factory=SelectRepresentativesParams)
    near_duplicates: DuplicatesParams = field(default_factory=DuplicatesParams)
    documents: BuildDocumentsParams = field(default_factory=BuildDocumentsParams)
    shards: ShardParams = field(default_factory=ShardParams)
    canaries: bool = True
    exports: tuple[Export, ...] = EXPORTS

    def __post_init__(self) -> None:
        for name in self.public_buckets:
            if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
                needed = "public_buckets: needed names of buckets such as softwareheritage"
                raise InvalidParamsError(f"{needed}; found {name!r}")
        if not self.exports:
            raise InvalidParamsError(f"exports: needed some of {', '.join(EXPORTS)}; found none")
