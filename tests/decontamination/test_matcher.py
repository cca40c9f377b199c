import pickle

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_text import benchmark_normalized

from stackspark.decontamination.matcher import (
    MATCH_TYPE,
    PIECE_BYTES,
    BenchmarkItem,
    BenchmarkMatcher,
    normalize,
)

QUESTION = "Write a function to find the shared elements from the given two lists."


def item(
    text: str, item_id: str = "1", benchmark: str = "mbpp", field: str = "text"
) -> BenchmarkItem:
    return BenchmarkItem(benchmark=benchmark, item_id=item_id, field=field, text=text)


def found(matcher: BenchmarkMatcher, *texts: str) -> list[list[str]]:
    rows = matcher.matches(pa.array(texts, pa.string())).to_pylist()
    return [[match["item_id"] for match in row] for row in rows]


TANGLED = st.text(alphabet=st.sampled_from("aAb \n\xa0\u2003\x1c\x85ΣςσİȺÉé中😀"), max_size=30)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(TANGLED, st.text(max_size=30)), max_size=4))
def test_normalize_equals_oracle(texts: list[str]) -> None:
    assert normalize(texts) == [benchmark_normalized(text) for text in texts]


def test_normalize_every_code_point() -> None:
    text = "".join(chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000)
    assert normalize([text]) == [benchmark_normalized(text)]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.text(alphabet="ab ", min_size=1, max_size=24), max_size=8),
    st.lists(st.text(alphabet="abA\n", max_size=90), max_size=4),
    st.integers(1, 12),
)
def test_matches_equals_oracle(needles: list[str], texts: list[str], min_chars: int) -> None:
    items = [item(text, str(number)) for number, text in enumerate(needles)]
    matcher = BenchmarkMatcher(items, min_normalized_chars=min_chars, exceptions=())
    expected = [
        sorted(
            str(number)
            for number, needle in enumerate(map(benchmark_normalized, needles))
            if len(needle) >= min_chars and needle in benchmark_normalized(text)
        )
        for text in texts
    ]
    assert found(matcher, *texts) == expected


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 40), st.integers(20, 150), st.integers(0, 40), st.data())
def test_matches_at_any_offset(before: int, length: int, after: int, data: st.DataObject) -> None:
    # Wherever the probes of the filter fall, they must meet the string.
    letters = st.text(alphabet="abcdefghé", min_size=length, max_size=length)
    needle = data.draw(letters)
    decoys = [item(data.draw(letters), f"decoy {number}") for number in range(3)]
    matcher = BenchmarkMatcher([item(needle, "planted"), *decoys])
    assert "planted" in found(matcher, "-" * before + needle + "-" * after)[0]


def test_matches_whatever_case_and_white_space() -> None:
    matcher = BenchmarkMatcher([item(QUESTION)])
    texts = [
        f"# {QUESTION.upper()}\n",
        QUESTION.replace(" ", "\n#\t"),  # a sign between the words is no white space
        QUESTION.replace(" ", "\xa0\u2003\r\n"),
        QUESTION[:-1],
        "é" + QUESTION.replace(" ", ""),
    ]
    assert found(matcher, *texts) == [["1"], [], ["1"], [], ["1"]]


def test_matches_type_and_order() -> None:
    items = [item(QUESTION, "2", "mbpp"), item(QUESTION, "1", "mbpp"), item(QUESTION, "9", "apps")]
    array = pa.array(["skipped", "no", QUESTION + QUESTION, ""])[1:]
    matches = BenchmarkMatcher(items + items).matches(array)
    assert matches.type == pa.list_(MATCH_TYPE)
    assert matches.null_count == 0
    assert matches.to_pylist() == [
        [],
        [
            {"benchmark": "apps", "item_id": "9", "field": "text"},
            {"benchmark": "mbpp", "item_id": "1", "field": "text"},
            {"benchmark": "mbpp", "item_id": "2", "field": "text"},
        ],
        [],
    ]


def test_matches_overlapping_and_nested() -> None:
    inner, outer, crossing = "b" * 10 + "c" * 12, "a" + "b" * 10 + "c" * 13, "c" * 13 + "d" * 9
    items = [item(inner, "inner"), item(outer, "outer"), item(crossing, "crossing")]
    text = "xx" + "a" + "b" * 10 + "c" * 13 + "d" * 9
    assert found(BenchmarkMatcher(items), text) == [["crossing", "inner", "outer"]]


def test_matches_across_pieces_of_the_automaton() -> None:
    long_needle = "".join(f"step{number};" for number in range(2000))
    matcher = BenchmarkMatcher([item(QUESTION), item(long_needle, "long")])
    for shift in range(0, 80, 7):
        text = "-" * (PIECE_BYTES - shift) + QUESTION + "-" * (PIECE_BYTES - 9) + long_needle
        assert found(matcher, text) == [["1", "long"]]


def test_matches_repeated_many_times() -> None:
    nested = [item("ab" * length, str(length)) for length in range(10, 40)]
    assert found(BenchmarkMatcher(nested), "ab" * 100_000) == [[str(n) for n in range(10, 40)]]


def test_matcher_leaves_out_short_items_and_exceptions() -> None:
    short, exception = item("return x + 1"), item("  return ''.join( strings )\n")
    kept = item("return ''.join(strings) ")
    matcher = BenchmarkMatcher([short, exception, item(" \n"), item(QUESTION), kept])
    assert matcher.dropped == (short, item(" \n"))
    assert matcher.excepted == (exception, kept)
    assert found(matcher, "return x + 1; return ''.join(strings)") == [[]]
    wider = BenchmarkMatcher([short, exception], min_normalized_chars=9, exceptions=[])
    assert (wider.dropped, wider.excepted) == ((), ())
    assert found(wider, "return x+1", "return''.join(strings)") == [["1"], ["1"]]


def test_matcher_without_items() -> None:
    matches = BenchmarkMatcher([]).matches(pa.array(["a", "b"]))
    assert (matches.to_pylist(), matches.type) == ([[], []], pa.list_(MATCH_TYPE))
    assert BenchmarkMatcher([item(QUESTION)]).matches(pa.array([], pa.string())).to_pylist() == []


def test_matcher_fingerprint() -> None:
    items = [item(QUESTION, "1"), item(QUESTION * 2, "2")]
    matcher = BenchmarkMatcher(items)
    assert len(matcher.fingerprint) == 64
    same = BenchmarkMatcher([*reversed(items), item(QUESTION.upper(), "1")])
    assert (same.fingerprint, same, hash(same)) == (matcher.fingerprint, matcher, hash(matcher))
    others = [
        BenchmarkMatcher(items[:1]),
        BenchmarkMatcher([item(QUESTION, "3"), items[1]]),
        BenchmarkMatcher([item(QUESTION + "!"), items[1]]),
        BenchmarkMatcher(items, exceptions=[QUESTION]),
        BenchmarkMatcher(items, min_normalized_chars=200),
    ]
    assert len({other.fingerprint for other in [matcher, *others]}) == 6


def test_matcher_pickles_small() -> None:
    matcher = BenchmarkMatcher(
        [item(f"{QUESTION} {number}", str(number)) for number in range(1000)]
    )
    text = f"{QUESTION} 7 and nothing else"
    before = found(matcher, text)
    pickled = pickle.dumps(matcher)  # after its use: what was compiled stays behind
    assert len(pickled) < 150_000
    assert found(pickle.loads(pickled), text) == before == [["7"]]


def test_matches_refuses_null() -> None:
    with pytest.raises(ValueError, match="1 of 2 texts are null"):
        BenchmarkMatcher([]).matches(pa.array(["x", None]))
