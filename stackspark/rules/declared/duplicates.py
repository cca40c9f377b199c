"""The rules of duplicates; `stackspark.duplicates` decides them."""

from stackspark.rules.rule import Rule

EXACT_DUPLICATE = Rule(
    name="exact_duplicate",
    title="Exact copy",
    description="The same bytes stay in the dataset in another file.",
    source="Lozhkov et al. 2024 (The Stack v2), section 2.1",
    step="near_duplicates",
    grains=("file",),
)
NORMALIZED_DUPLICATE = Rule(
    name="normalized_duplicate",
    title="Copy but for white space",
    description="Equal to a file that stays, but for line ends and trailing blanks.",
    quantity="similarity",
    source="stackspark",
    step="near_duplicates",
    grains=("blob",),
)
NEAR_DUPLICATE = Rule(
    name="near_duplicate",
    title="Near-duplicate",
    description="Verified to be similar to a file that stays.",
    quantity="similarity",
    source="Lozhkov et al. 2024 (The Stack v2), section 2.1",
    step="near_duplicates",
    grains=("blob",),
)
