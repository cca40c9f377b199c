"""Parameters of the search for near-duplicates."""

from dataclasses import dataclass, field

from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.kernels.signatures import standard_error
from stackspark.errors import InvalidParamsError

COVER, COMPONENTS = "cover", "components"
NORMALIZED_TEXT, ESTIMATED, EXACT, COMPONENT = "normalized_text", "estimated", "exact", "component"
"""How the similarity of a removed blob to its twin was established."""

NUM_ERRORS = 5
"""Standard errors within which an estimate does not decide: one pair in two million is farther."""

SCOPES = ("language", "language_family", "repository", "corpus")
"""Within which twins are sought."""


@dataclass(frozen=True, kw_only=True)
class NearDuplicatesParams:
    """Definition and scope of a near-duplicate, and the limits of the search.

    `rule` is `cover`, or `components` for the rule of The Stack v2, which verifies nothing: then
    `threshold`, `verification`, `max_rounds` and `heads_per_bucket` do not matter.
    `threshold` is the least Jaccard similarity of a pair. With `verification` `estimate` the
    signatures alone decide; with `exact` the shingles themselves do where the estimate is near the
    threshold, for pairs whose blobs may both stay. `scope` names what the caller puts into the
    column of this name, one of `SCOPES`; `corpus` is one scope of all. The first
    round compares each blob with the best one of each of its buckets, the second with the best
    `heads_per_bucket` that are left in it. With `prefer_published`, what the last published run
    kept stays, and new blobs are removed for their likeness to it.

    Up to `max_in_driver` candidates, the driver searches by itself, in 0.7 kB of memory each; more
    are left to Spark's tasks, which find the same.
    """

    rule: str = COVER
    threshold: float = 0.7
    verification: str = "exact"
    minhash: MinHashParams = field(default_factory=MinHashParams)
    scope: str = "language"
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
        if self.rule not in (COVER, COMPONENTS):
            raise InvalidParamsError(f"rule must be cover or components, found {self.rule!r}")
        if self.verification not in ("estimate", "exact"):
            raise InvalidParamsError(
                f"verification must be estimate or exact, found {self.verification!r}"
            )
        if self.scope not in SCOPES:
            raise InvalidParamsError(f"scope: needed {', '.join(SCOPES)}; found {self.scope!r}")
        if self.max_in_driver < 0:
            raise InvalidParamsError(f"max_in_driver must be 0 or more, found {self.max_in_driver}")

    @property
    def margin(self) -> float:
        """How far from the threshold an estimate must be to decide."""
        if self.verification == "estimate":
            return 0.0
        return NUM_ERRORS * standard_error(self.threshold, self.minhash.num_perm)
