"""Parameters of the search for near-duplicates."""

from dataclasses import dataclass, field
from typing import Final, Literal

from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.kernels.signatures import standard_error
from stackspark.errors import InvalidParamsError

Rule = Literal["cover", "components"]
COVER: Final = "cover"
COMPONENTS: Final = "components"
NORMALIZED_TEXT, ESTIMATED, EXACT, COMPONENT = "normalized_text", "estimated", "exact", "component"
"""How the similarity of a removed blob to its twin was established."""

NUM_ERRORS = 5
"""Standard errors within which an estimate does not decide: one pair in two million is farther."""

Scope = Literal["language", "language_family", "repository", "corpus"]
"""Within which twins are sought."""


@dataclass(frozen=True, kw_only=True)
class NearDuplicatesParams:
    """Definition and scope of a near-duplicate, and the limits of the search.

    Attributes:
        rule: cover, or components for the rule of The Stack v2, which verifies nothing: then
            threshold, verification, max_rounds and heads_per_bucket do not matter.
        threshold: least Jaccard similarity of a pair.
        verification: estimate, where the signatures alone decide, or exact, where the shingles
            themselves do if the estimate is near the threshold, for pairs whose blobs may both
            stay.
        minhash: how texts are measured.
        scope: within which twins are sought; the caller puts it into the column of this name.
            corpus is one scope of all.
        max_rounds: rounds of the search; the run stops if the last one still finds pairs.
        heads_per_bucket: so many of the best blobs that the first round left in a bucket are
            compared with its others in the second; the first round compares with the best one.
        prefer_published: what the last published run kept stays, and new blobs are removed for
            their likeness to it.
        max_in_driver: up to so many candidates the driver searches by itself, in 0.7 kB of memory
            each; more are left to Spark's tasks, which find the same.
    """

    rule: Rule = COVER
    threshold: float = 0.7
    verification: Literal["estimate", "exact"] = "exact"
    minhash: MinHashParams = field(default_factory=MinHashParams)
    scope: Scope = "language"
    max_rounds: int = 8
    heads_per_bucket: int = 8
    prefer_published: bool = False
    max_in_driver: int = 1 << 19

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise InvalidParamsError(f"threshold must be in (0, 1], found {self.threshold}")
        for name in ("max_rounds", "heads_per_bucket"):
            if getattr(self, name) < 1:
                raise InvalidParamsError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.max_in_driver < 0:
            raise InvalidParamsError(f"max_in_driver must be 0 or more, found {self.max_in_driver}")

    @property
    def margin(self) -> float:
        """How far from the threshold an estimate must be to decide."""
        if self.verification == "estimate":
            return 0.0
        return NUM_ERRORS * standard_error(self.threshold, self.minhash.num_perm)
