"""Canaries of a run: which synthetic files ride along with a recipe."""

from collections.abc import Iterator, Sequence

from stackspark.decontamination.matcher import BenchmarkItem, BenchmarkMatcher
from stackspark.duplicates.near.kernels.signatures import band_probability, standard_error
from stackspark.duplicates.near.params import COVER, NUM_ERRORS, NearDuplicatesParams
from stackspark.opt_outs.keys import glob_regex, location_key
from stackspark.opt_outs.requests import OptOutRequest
from stackspark.recipe.model import Recipe
from stackspark.sources.canaries import (
    FAR,
    NUM_WORDS,
    OPT_OUT_PATH,
    REPO_NAME,
    CanariesParams,
    Canary,
    canary_files,
    near_jaccard,
)

LANGUAGE, EXTENSION = "Python", "py"
LICENSE_TYPE, OTHER_TYPE = "permissive", "non_permissive"
MAX_BENCHMARKS = 50
MAX_LINE_LIMIT, MIN_LETTERS_LIMIT, MIN_FAR_THRESHOLD = 1000, 0.1, 0.5
"""Beyond these limits no canary is clearly on its side."""
MAX_MISSED_PAIRS = 1e-6
"""Chance that bands lose a pair of near twins, up to which they are expected to find all."""


def riding_canaries(
    recipe: Recipe, matcher: BenchmarkMatcher, items: Sequence[BenchmarkItem]
) -> CanariesParams | None:
    """Canaries that ride along with a recipe; None if it says so, or takes no file like one."""
    languages, types = recipe.filters.languages, recipe.filters.licenses.kept_types
    is_excluded = (
        LANGUAGE in languages.excluded_languages
        or (LANGUAGE, EXTENSION) in languages.excluded_pairs
    )
    if not recipe.canaries or is_excluded or LICENSE_TYPE not in types:
        return None
    return CanariesParams(
        ngram_size=recipe.near_duplicates.minhash.ngram_size,
        benchmark_texts=tuple(_shortest_texts(matcher, items)),
    )


def judged_canaries(params: CanariesParams, recipe: Recipe) -> tuple[Canary, ...]:
    """Those of the canaries whose fate the recipe's limits leave in no doubt."""
    unsure = set(_unsure_rules(recipe))
    ignored = recipe.filters.contamination.ignored_benchmarks
    near = recipe.near_duplicates
    is_far_sure = near.rule == COVER and near.threshold >= MIN_FAR_THRESHOLD
    return tuple(
        canary
        for canary in canary_files(params)
        if canary.rule not in unsure
        and canary.benchmark not in ignored
        and (is_far_sure or not canary.pair.startswith(FAR))
    )


def canary_request() -> OptOutRequest:
    """The opt-out that one of the canaries is under."""
    return OptOutRequest(
        request_id="canary",
        kind="path",
        value=OPT_OUT_PATH,
        repository=location_key(REPO_NAME),
        pattern=glob_regex(OPT_OUT_PATH),
    )


def _shortest_texts(
    matcher: BenchmarkMatcher, items: Sequence[BenchmarkItem]
) -> Iterator[tuple[str, str]]:
    """One item of each benchmark: its shortest text that is looked for."""
    skipped = {*matcher.dropped, *matcher.excepted}
    texts: dict[str, list[str]] = {}
    for item in items:
        if item not in skipped:
            texts.setdefault(item.benchmark, []).append(item.text)
    for benchmark in sorted(texts)[:MAX_BENCHMARKS]:
        yield benchmark, min(texts[benchmark], key=lambda text: (len(text), text))


def _unsure_rules(recipe: Recipe) -> Iterator[str]:
    """Rules that the recipe has switched off, or set so that no canary is clearly on its side."""
    lines, letters = recipe.filters.long_lines, recipe.filters.letters
    if OTHER_TYPE in recipe.filters.licenses.kept_types:
        yield "license"
    if lines.max_avg_line_length > MAX_LINE_LIMIT or LANGUAGE in lines.prose_languages:
        yield "avg_line_length"
    if letters.min_alpha_fraction < MIN_LETTERS_LIMIT or LANGUAGE in letters.alphanum_languages:
        yield "alpha_fraction"
    if not _finds_near_twins(recipe.near_duplicates):
        yield "near_duplicate"


def _finds_near_twins(near: NearDuplicatesParams) -> bool:
    minhash = near.minhash
    jaccard = near_jaccard(minhash.ngram_size)
    missed = 1 - band_probability(jaccard, minhash.num_bands, minhash.rows_per_band)
    margin = NUM_ERRORS * standard_error(near.threshold, minhash.num_perm)
    is_similar = near.rule != COVER or jaccard >= near.threshold + margin
    return is_similar and missed <= MAX_MISSED_PAIRS and minhash.min_tokens <= NUM_WORDS
