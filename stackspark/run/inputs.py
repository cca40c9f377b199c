"""Everything that a run starts from, and the parameters of its steps that come from it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stackspark.decontamination.matcher import BenchmarkMatcher
from stackspark.opt_outs.requests import OptOutRequest
from stackspark.recipe.model import Recipe
from stackspark.run.count_breaches import CountBreachesParams
from stackspark.run.steps.checks import ChecksParams
from stackspark.run.steps.export import ExportParams
from stackspark.run.steps.fetch import FetchStepParams
from stackspark.run.steps.licenses import LicensesStepParams
from stackspark.run.steps.list import ListParams
from stackspark.run.steps.near_duplicates import NearDuplicatesStepParams
from stackspark.run.steps.scan import ScanParams
from stackspark.run.steps.verdicts import VerdictsParams
from stackspark.runtime.storage.s3 import is_s3
from stackspark.scan.scan_contents import ScanContentsParams
from stackspark.sources.base.container import Container
from stackspark.sources.base.specs import SourceSpec
from stackspark.sources.canaries import Canary
from stackspark.sources.listing.list_sources import ListSourcesParams
from stackspark.sources.origins.index_locations import opens_s3, reads_s3
from stackspark.sources.origins.listings import Sources


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Inputs of a run, checked before anything of a source is read.

    `opted_out` maps the URL of each origin that is not even listed to the request that says so.
    """

    recipe: Recipe
    containers: tuple[Container, ...]
    indexes: tuple[SourceSpec, ...] = ()
    event_files: tuple[tuple[str, str, str, int], ...] = ()
    opt_outs: tuple[OptOutRequest, ...]
    opted_out: Mapping[str, str]
    num_opted_out: int
    canaries: tuple[Canary, ...] = ()
    benchmarks: BenchmarkMatcher

    @property
    def reads_s3(self) -> bool:
        """Whether Spark has to read a source from an object store."""
        return any(map(reads_s3, self.indexes))

    @property
    def opens_s3(self) -> bool:
        """Whether tasks have to open something in an object store by themselves."""
        return any(map(opens_s3, self.indexes)) or any(
            is_s3(path) for *_, path, _ in self.event_files
        )

    @property
    def sources(self) -> Sources:
        """Containers and indexes to list, and the events that tell of them."""
        return Sources(
            containers=self.containers, indexes=self.indexes, event_files=self.event_files
        )

    def listing(self, num_tasks: int) -> ListSourcesParams:
        """How containers are listed."""
        return replace(self.recipe.listing, num_tasks=num_tasks)

    @property
    def list_params(self) -> ListParams:
        """Of the step `list`; canaries are no container of the user's."""
        num_canaries = int(bool(self.canaries))
        return ListParams(
            num_containers=len(self.containers) - num_canaries,
            num_opted_out=self.num_opted_out,
            num_canaries=num_canaries,
            has_events=bool(self.event_files),
        )

    def fetch_params(self, num_tasks: int) -> FetchStepParams:
        """Of the step `fetch`."""
        fetching = replace(self.recipe.fetching, num_tasks=num_tasks)
        return FetchStepParams(fetching=fetching, opt_outs=self.opt_outs)

    @property
    def scan_params(self) -> ScanParams:
        """Of the step `scan`."""
        minhash = self.recipe.near_duplicates.minhash
        contents = ScanContentsParams(minhash=minhash, benchmarks=self.benchmarks)
        return ScanParams(contents=contents, license_texts=self.recipe.license_texts)

    @property
    def licenses_params(self) -> LicensesStepParams:
        """Of the step `licenses`."""
        recipe = self.recipe
        return LicensesStepParams(licenses=recipe.licenses, headers=recipe.license_texts.headers)

    @property
    def verdicts_params(self) -> VerdictsParams:
        """Of the step `verdicts`."""
        return VerdictsParams(
            filters=self.recipe.filters,
            max_text_bytes=self.recipe.fetching.max_text_bytes,
            opted_out=self.opted_out,
        )

    @property
    def near_duplicates_params(self) -> NearDuplicatesStepParams:
        """Of the step `near_duplicates`."""
        return NearDuplicatesStepParams(
            search=self.recipe.near_duplicates.search,
            keep_order=self.recipe.keep_order,
            shingles_version=self.scan_params.contents.versions["shingles"],
        )

    @property
    def checks_params(self) -> ChecksParams:
        """Of the step `checks`."""
        filters = self.recipe.filters
        breaches = CountBreachesParams(
            kept_types=filters.licenses.kept_types,
            ignored_benchmarks=filters.contamination.ignored_benchmarks,
        )
        bands = self.recipe.near_duplicates.removal_bands
        return ChecksParams(removal_bands=bands, breaches=breaches, canaries=self.canaries)

    @property
    def export_params(self) -> ExportParams:
        """Of the step `export`."""
        return ExportParams(exports=self.recipe.exports, shards=self.recipe.shards)
