"""The search for near-duplicates: one loop over rounds, whichever engine does their work.

1. Equal normalised texts: the best stays, only these go on.
2. Round 1 pairs each blob with the best one of each of its buckets.
3. Verify the pairs on their signatures.
4. Resolve all verified edges in rank order: a blob goes if a better, similar one stays. Where an
   estimate near the threshold would decide, compare the texts and resolve again.
5. Stop when a further round verifies nothing new, or at the last round.
6. A further round pairs blobs whose verified neighbour was removed with that neighbour's twin.
   Round 2 also pairs up what is left of each bucket without its head. Then 3 to 5 again, over all
   edges. (Peeling buckets again and again found next to nothing: 19 more of 82,968 removals on
   1.8 GB of code.)
7. Name the twins, and check that each of them stays.

No components are built, so no chain A ~ B ~ C ever removes C for its likeness to a removed B. The
rule `components` (`stack_v2/`) does just that in the place of steps 3 to 6.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from stackspark.duplicates.near.params import COMPONENTS, NearDuplicatesParams
from stackspark.errors import ContractError

Pairs = TypeVar("Pairs")
Twins = TypeVar("Twins")
Pairs_co = TypeVar("Pairs_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class CandidatePairs(Generic[Pairs_co]):
    """Pairs as an engine holds them; `num_pairs` counts one once for each bucket that it shares."""

    pairs: Pairs_co
    num_pairs: int


@dataclass(frozen=True, kw_only=True)
class PassStats:
    """Counts of one pass over all edges; `num_verified` counts those of the last round."""

    num_edges: int = 0
    num_verified: int = 0
    num_removed: int = 0
    num_open: int = 0
    num_asked: int = 0


@dataclass(frozen=True, kw_only=True)
class RoundStats:
    """Counts of one round.

    `num_pairs` counts candidate pairs, a pair once for each bucket that it shares, and is an upper
    limit in round 2; `num_compared` counts those whose exact similarity was computed, and
    `num_removed` all blobs that are removed once the round was resolved.
    """

    round: int
    num_pairs: int
    num_verified: int
    num_compared: int
    num_removed: int
    num_edges_resolved: int
    resolve_seconds: float


@dataclass(frozen=True, kw_only=True)
class FoundTwins(Generic[Twins]):
    """Result of a search.

    `twins` has one row per removed blob (`member`, `twin`, `similarity`, `established_by`,
    `round`), in ranks. `is_settled` says that the last round found nothing new; else the search
    stopped at `max_rounds`.
    """

    twins: Twins
    num_text_twins: int
    rounds: tuple[RoundStats, ...]
    is_settled: bool

    @property
    def last_round(self) -> str:
        """Result of the last round, in words."""
        last = self.rounds[-1]
        return f"round {last.round} still verified {last.num_verified:,} pairs"

    def check_settled(self) -> None:
        """Raise `ContractError` if the search stopped early."""
        if not self.is_settled:
            raise ContractError(f"{self.last_round}; raise max_rounds")


class Engine(Protocol[Pairs, Twins]):
    """The work of the rounds: by Spark's tasks, or in the memory of one process.

    An engine keeps the edges verified so far; every pass resolves all of them from scratch, because
    a twin that goes in a later round leaves its dependents without one.
    """

    def pair_texts(self) -> int:
        """Set aside blobs that repeat a better one's normalised text; returns their number."""

    def pair_buckets(self) -> CandidatePairs[Pairs]:
        """Pair each blob with the best one of each of its buckets."""

    def follow(self, number: int) -> CandidatePairs[Pairs]:
        """Pair blobs with the twins of their neighbours that round `number - 1` removed."""

    def peel(self) -> CandidatePairs[Pairs]:
        """Pair up what round 1 left of each bucket without its head."""

    def verify(self, candidates: CandidatePairs[Pairs], number: int) -> None:
        """Keep the pairs of a round whose signatures say that they may be similar."""

    def resolve(self, number: int) -> PassStats:
        """Decide every blob by the edges of all rounds up to this one."""

    def compare(self, number: int) -> None:
        """Compute the exact similarities that the last pass asked for."""

    def keep_best_of_components(self, candidates: CandidatePairs[Pairs]) -> int:
        """Remove all but the best of each component of pairs; returns how many."""

    def settle(self) -> Twins:
        """Each removed blob with its twin, of both kinds: equal texts, and similar shingles."""

    def num_orphans(self, twins: Twins) -> int:
        """Number of blobs whose twin was itself removed."""


def find_twins(engine: Engine[Pairs, Twins], params: NearDuplicatesParams) -> FoundTwins[Twins]:
    """Find the blobs to remove as duplicates of better ones.

    Raises:
        ContractError: if a removed blob has no twin that stays, or texts to compare are not there.
    """
    # 1. Equal normalised texts.
    num_text_twins = engine.pair_texts()
    # 2. to 6. The rounds.
    is_cover = params.rule != COMPONENTS
    rounds = tuple(_rounds(engine, params)) if is_cover else (_join(engine),)
    # 7. Twins that stay.
    twins = engine.settle()
    _check_twins_stay(engine.num_orphans(twins))
    return FoundTwins(
        twins=twins,
        num_text_twins=num_text_twins,
        rounds=rounds,
        is_settled=not is_cover or _is_settled(rounds[-1]),
    )


def _rounds(engine: Engine[Pairs, Twins], params: NearDuplicatesParams) -> Iterator[RoundStats]:
    for number in range(1, params.max_rounds + 1):
        num_pairs = 0
        # 2. and 6. Candidate pairs.
        for candidates in _candidates(engine, number):
            num_pairs += candidates.num_pairs
            # 3. Signatures.
            engine.verify(candidates, number)
        # 4. All edges.
        done = _resolve(engine, number, num_pairs)
        yield done
        # 5. Nothing new.
        if _is_settled(done):
            return


def _candidates(engine: Engine[Pairs, Twins], number: int) -> Iterator[CandidatePairs[Pairs]]:
    if number == 1:
        yield engine.pair_buckets()
        return
    yield engine.follow(number)
    if number == 2:
        yield engine.peel()


def _resolve(engine: Engine[Pairs, Twins], number: int, num_pairs: int) -> RoundStats:
    start = time.perf_counter()
    stats = engine.resolve(number)
    num_compared = stats.num_asked
    if num_compared:
        engine.compare(number)
        stats = engine.resolve(number)
        _check_answered(stats.num_asked, num_compared)
    return RoundStats(
        round=number,
        num_pairs=num_pairs,
        num_verified=stats.num_verified,
        num_compared=num_compared,
        num_removed=stats.num_removed,
        num_edges_resolved=stats.num_edges,
        resolve_seconds=time.perf_counter() - start,
    )


def _join(engine: Engine[Pairs, Twins]) -> RoundStats:
    """The one round of the rule `components`, which verifies and compares nothing."""
    candidates = engine.pair_buckets()
    start = time.perf_counter()
    num_removed = engine.keep_best_of_components(candidates)
    return RoundStats(
        round=1,
        num_pairs=candidates.num_pairs,
        num_verified=0,
        num_compared=0,
        num_removed=num_removed,
        num_edges_resolved=candidates.num_pairs,
        resolve_seconds=time.perf_counter() - start,
    )


def _is_settled(last: RoundStats) -> bool:
    """Whether a further round verified nothing new."""
    return last.round > 1 and last.num_verified == 0


def _check_answered(num_open: int, num_asked: int) -> None:
    if num_open:
        raise ContractError(
            f"near_duplicates: {num_open} of {num_asked} pairs near the threshold "
            "found no texts to compare; nothing was removed"
        )


def _check_twins_stay(num_orphans: int) -> None:
    if num_orphans:
        raise ContractError(
            f"near_duplicates: every removed blob needs a twin that stays; {num_orphans} have none."
            " This is a defect of stackspark; nothing was removed"
        )
