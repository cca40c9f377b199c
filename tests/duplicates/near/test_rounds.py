"""The loop over rounds, with an engine that says what each pass found."""

from dataclasses import dataclass, field, replace

import pytest

from stackspark.duplicates.near.params import NearDuplicatesParams
from stackspark.duplicates.near.rounds import CandidatePairs, PassStats, find_twins
from stackspark.errors import ContractError

PARAMS = NearDuplicatesParams(verification="estimate")


@dataclass
class ScriptedEngine:
    """Passes and orphans as scripted; `calls` has what was asked for, and the round."""

    passes: list[PassStats]
    orphans: int = 0
    calls: list[str] = field(default_factory=list)

    def pair_texts(self) -> int:
        return 4

    def pair_buckets(self) -> CandidatePairs[str]:
        return CandidatePairs(pairs="buckets", num_pairs=100)

    def follow(self, number: int) -> CandidatePairs[str]:
        return CandidatePairs(pairs=f"follow {number}", num_pairs=10)

    def peel(self) -> CandidatePairs[str]:
        return CandidatePairs(pairs="peel", num_pairs=1)

    def verify(self, candidates: CandidatePairs[str], number: int) -> None:
        self.calls.append(f"verify {candidates.pairs} in {number}")

    def resolve(self, number: int) -> PassStats:
        self.calls.append(f"resolve {number}")
        return self.passes.pop(0)

    def compare(self, number: int) -> None:
        self.calls.append(f"compare {number}")

    def keep_best_of_components(self, candidates: CandidatePairs[str]) -> int:
        self.calls.append(f"join {candidates.pairs}")
        return 7

    def settle(self) -> str:
        self.calls.append("settle")
        return "twins"

    def num_orphans(self, twins: str) -> int:
        assert twins == "twins"
        return self.orphans


def test_rounds_go_on_until_one_verifies_nothing_new() -> None:
    engine = ScriptedEngine(
        [
            PassStats(num_edges=5, num_verified=0, num_removed=0, num_asked=2),
            PassStats(num_edges=7, num_verified=5, num_removed=3),
            PassStats(num_edges=9, num_verified=2, num_removed=4),
            PassStats(num_edges=9, num_verified=0, num_removed=4),
        ]
    )
    found = find_twins(engine, PARAMS)
    assert engine.calls == [
        *("verify buckets in 1", "resolve 1", "compare 1", "resolve 1"),
        *("verify follow 2 in 2", "verify peel in 2", "resolve 2"),
        *("verify follow 3 in 3", "resolve 3"),
        "settle",
    ]
    assert (found.twins, found.num_text_twins, found.is_settled) == ("twins", 4, True)
    rows = [
        (r.round, r.num_pairs, r.num_verified, r.num_compared, r.num_removed) for r in found.rounds
    ]
    assert rows == [(1, 100, 5, 2, 3), (2, 11, 2, 0, 4), (3, 10, 0, 0, 4)]


def test_a_first_round_that_verifies_nothing_is_not_the_last() -> None:
    """Buckets are not peeled yet."""
    found = find_twins(ScriptedEngine([PassStats(), PassStats()]), PARAMS)
    assert [done.round for done in found.rounds] == [1, 2]
    assert found.is_settled


def test_rounds_stop_at_the_last_one() -> None:
    passes = [PassStats(num_verified=1), PassStats(num_verified=2)]
    found = find_twins(ScriptedEngine(passes), replace(PARAMS, max_rounds=2))
    assert not found.is_settled
    with pytest.raises(ContractError, match=r"^round 2 still verified 2 pairs; raise max_rounds"):
        found.check_settled()


def test_components_are_joined_in_one_round() -> None:
    engine = ScriptedEngine([])
    found = find_twins(engine, replace(PARAMS, rule="components", max_rounds=1))
    assert engine.calls == ["join buckets", "settle"]
    (done,) = found.rounds
    assert (done.num_pairs, done.num_removed, done.num_verified) == (100, 7, 0)
    assert found.is_settled


def test_a_twin_that_was_removed_is_a_defect() -> None:
    with pytest.raises(ContractError, match="3 have none"):
        find_twins(ScriptedEngine([PassStats(), PassStats()], orphans=3), PARAMS)


def test_pairs_without_texts_to_compare_stop_the_search() -> None:
    engine = ScriptedEngine([PassStats(num_asked=3), PassStats(num_asked=1)])
    with pytest.raises(ContractError, match="1 of 3 pairs near the threshold found no texts"):
        find_twins(engine, PARAMS)
