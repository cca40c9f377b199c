"""The rule of opt-outs; `stackspark.opt_outs` decides it."""

from stackspark.rules.rule import Rule

OPT_OUT = Rule(
    name="opt_out",
    title="Opted out",
    description="The owner asked for the code not to be used.",
    source="Lozhkov et al. 2024 (The Stack v2), section 4.6",
    grains=("origin", "content", "file"),
)
