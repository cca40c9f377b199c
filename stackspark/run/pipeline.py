"""The recipe as code: the steps of a run in their order, each with its own parameters."""

from collections.abc import Callable

from stackspark.run.fates import Fates
from stackspark.run.inputs import Inputs
from stackspark.run.listed import Listed
from stackspark.run.step import RunContext, Step
from stackspark.run.steps.checks import checks_step
from stackspark.run.steps.documents import documents_step
from stackspark.run.steps.export import export_step
from stackspark.run.steps.fetch import fetch_step
from stackspark.run.steps.licenses import licenses_step
from stackspark.run.steps.list import list_step
from stackspark.run.steps.near_duplicates import near_duplicates_step
from stackspark.run.steps.scan import scan_step
from stackspark.run.steps.verdicts import verdicts_step

STEPS = (
    "list",
    "fetch",
    "scan",
    "licenses",
    "verdicts",
    "near_duplicates",
    "checks",
    "documents",
    "export",
)
"""The steps of a run, in their order."""


def run_steps(context: RunContext, inputs: Inputs, fates: Fates) -> dict[str, Callable[[], Step]]:
    """Every step by name; each can be made when those before it are done, or planned."""
    listed = Listed(context, inputs.sources, inputs.listing(context.num_tasks), inputs.opt_outs)
    steps = (
        lambda: list_step(context, listed, inputs.list_params),
        lambda: fetch_step(context, listed, inputs.fetch_params(context.num_tasks)),
        lambda: scan_step(context, inputs.scan_params),
        lambda: licenses_step(context, inputs.licenses_params),
        lambda: verdicts_step(context, listed, inputs.verdicts_params),
        lambda: near_duplicates_step(context, fates, inputs.near_duplicates_params),
        lambda: checks_step(context, fates, inputs.checks_params),
        lambda: documents_step(context, fates, inputs.recipe.documents),
        lambda: export_step(context, fates, inputs.export_params),
    )
    return dict(zip(STEPS, steps, strict=True))
