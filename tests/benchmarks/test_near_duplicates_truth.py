from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from near_duplicates.corpora import Corpus, Text, fitting, write
from near_duplicates.score import Score, score
from near_duplicates.shingles import normalized_hash, shingle_set
from near_duplicates.truth import find_truth, similar_pairs
from reference_near_duplicates import jaccard, tokens

CODE_LIKE = st.text(alphabet=st.sampled_from("abzAZ019_ \n\t.(){}=;é中\x00\u2028"), max_size=80)
FEW_WORDS = st.lists(st.sampled_from(["a", "B", "b1", "é", "x_"]), max_size=30).map(" ".join)
# Few numbers, so that sets meet often; few sets of 20, so that they are close to each limit.
SETS = st.lists(st.sets(st.integers(0, 24), max_size=20), max_size=14)


def corpus_of(texts: list[str], folder: Path) -> Corpus:
    corpus = Corpus(work=folder, name="1MB")
    corpus.path.parent.mkdir()
    rows = [Text(id=f"t{n}", text=text, num_bytes=len(text)) for n, text in enumerate(texts)]
    write(rows, corpus.path)
    return corpus


@settings(deadline=None)
@given(CODE_LIKE | FEW_WORDS, CODE_LIKE | FEW_WORDS)
def test_shingle_set_equals_sets_of_tuples(left: str, right: str) -> None:
    sets = []
    for text in (left, right):
        num_tokens, shingles = shingle_set(text.encode())
        words = tokens(text)
        assert num_tokens == len(words)
        assert len(shingles) == len({tuple(words[n : n + 5]) for n in range(len(words) - 4)})
        sets.append(set(shingles.tolist()))
    union = sets[0] | sets[1]
    assert jaccard(left, right) == (len(sets[0] & sets[1]) / len(union) if union else 0.0)


@settings(deadline=None, max_examples=300)
@given(SETS, st.sampled_from([65, 70, 80, 100]))
def test_similar_pairs_equals_brute_force(sets: list[set[int]], percent: int) -> None:
    expected = {}
    for left, right in combinations(range(len(sets)), 2):
        union = sets[left] | sets[right]
        if union:
            similarity = Fraction(len(sets[left] & sets[right]), len(union))
            if similarity >= Fraction(percent, 100):
                expected[left, right] = float(similarity)
    # Spread over all 64 bits, as hashes are: they are numbered by slices.
    flat = np.array([n * 0x0A5A5A5A5A5A5A5A for each in sets for n in each], np.uint64)
    ends = np.cumsum([len(each) for each in sets], dtype=np.int64)
    found = similar_pairs(flat, ends, percent)
    pairs = list(zip(*(each.tolist() for each in found), strict=True))
    assert [pair[:2] for pair in pairs] == sorted(expected)
    assert {pair[:2]: pair[2] for pair in pairs} == expected


def test_find_truth_reads_its_own_files_again(tmp_path: Path) -> None:
    words = [f"sail{number}" for number in range(40)]
    corpus = corpus_of([" ".join(words), "too short", " ".join(words[:-1])], tmp_path)
    first, again = find_truth(corpus), find_truth(corpus)
    assert (first.left.tolist(), first.right.tolist()) == ([0], [2])
    assert first.similarity.tolist() == [35 / 36]
    assert first.num_tokens.tolist() == [40, 2, 39]
    assert all((one == other).all() for one, other in zip(first, again, strict=True))


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        ("a\r\nb \t\r\n", "a\nb", True),
        ("\ufeffa\rb\n\n", "a\nb", True),
        ("a\n\nb", "a\nb", False),
        (" a", "a", False),
        ("A", "a", False),
    ],
)
def test_normalized_hash_leaves_out_marks_line_ends_and_trailing_blanks(
    left: str, right: str, is_same: bool
) -> None:
    assert (normalized_hash(left) == normalized_hash(right)) is is_same


def planted(folder: Path) -> Corpus:
    """0 ~ 1 ~ 2 in a chain whose ends are not similar; 3, 4 equal but for a newline; 5, 6 short."""
    words = [f"sail{number}" for number in range(100)]
    chain = [" ".join([*words[n : n + 80]]) for n in (0, 8, 17)]
    other = " ".join(f"{word}s" for word in words)
    return corpus_of([*chain, other, f"{other}\n", "x = 1", "x = 2", "x = 1 \r\n"], folder)


@pytest.mark.parametrize(
    ("removed", "expected"),
    [
        # Everything in its place: the chain's middle and the copies go.
        ([1, 4, 7], {"kept": 5, "removed": 3}),
        # A component: both ends of the chain go for the middle, which is similar to them.
        ([0, 2, 4, 7], {"kept": 4, "removed": 4}),
        # The middle and one end go: 2 has no twin at 0.7, 1 has.
        ([1, 2, 4, 7], {"kept": 4, "removed": 4, "without_twin": 1, "without_twin_065": 1}),
        ([], {"kept": 8, "left": 3}),
        ([1, 3, 4, 5, 6, 7], {"kept": 2, "removed": 6, "without_twin": 2, "without_twin_065": 2,
                              "short_lost": 3}),
        ([1, 4, 5], {"kept": 5, "removed": 3}),
    ],
)  # fmt: skip
def test_score_counts_planted_mistakes(
    removed: list[int], expected: dict[str, int], tmp_path: Path
) -> None:
    truth = find_truth(planted(tmp_path))
    ids = [f"t{number}" for number in range(8)]
    found = score(truth, ids, {f"t{number}" for number in removed}, np.arange(8))
    nothing = dict.fromkeys(Score.__annotations__, 0)
    assert vars(found) == {**nothing, "in_pair": 5, **expected}


def test_score_takes_better_by_the_order_given(tmp_path: Path) -> None:
    truth = find_truth(planted(tmp_path))
    ids = [f"t{number}" for number in range(8)]
    # By their numbers 1 and 2 are left beside a better one; with 1 first, 0 and 2.
    assert score(truth, ids, {"t4"}, np.arange(8)).left == 2
    assert score(truth, ids, {"t4"}, np.array([1, 0, 1, 3, 4, 5, 6, 7])).left == 2
    assert score(truth, ids, {"t4"}, np.array([0, 2, 1, 3, 4, 5, 6, 7])).left == 1


def test_score_counts_ids_that_are_not_the_users(tmp_path: Path) -> None:
    truth = find_truth(planted(tmp_path))
    assert score(truth, [f"t{n}" for n in range(8)], {"4", "t4"}, np.arange(8)).unknown == 1


def test_fitting_skips_packages_that_are_too_big() -> None:
    sizes = [("a", 9), ("big", 11), *((f"b{n}", 10) for n in range(9)), ("c", 2), ("d", 1)]
    packages = [[Text(id=name, text="", num_bytes=size)] for name, size in sizes]
    chosen = [package[0].id for package in fitting(packages, 100)]
    assert chosen == ["a", *(f"b{n}" for n in range(9)), "d"]
