import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_documents import escape

from stackspark.export.sentinels import SENTINELS, escape_sentinels, unescape_sentinels

ESCAPED = st.builds(
    lambda sentinel, depth: f"<{depth * chr(92)}{sentinel[1:]}",
    st.sampled_from(SENTINELS),
    st.integers(0, 3),
)
PIECES = st.one_of(
    ESCAPED,
    st.sampled_from([sentinel[1:] for sentinel in SENTINELS]),
    st.sampled_from(["<", "\\", "<\\", "|", ">", "<|", "end", "<NAME>", "\n", "é", "😀", "$1\\1"]),
    st.text(max_size=3),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


def escaped(text: str) -> str:
    return escape_sentinels(pa.array([text]))[0][0].as_py()


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_unescape_gives_back_what_was_escaped(texts: list[str]) -> None:
    given_texts = pa.array(texts, pa.string())
    assert unescape_sentinels(escape_sentinels(given_texts)[0]).to_pylist() == texts


@settings(deadline=None)
@given(TEXTS)
def test_escape_leaves_no_sentinel(text: str) -> None:
    assert not [sentinel for sentinel in SENTINELS if sentinel in escaped(text)]


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_escape_is_that_of_a_slow_walk(texts: list[str]) -> None:
    found, counts = escape_sentinels(pa.array(texts, pa.string()))
    assert list(zip(found.to_pylist(), counts.to_pylist(), strict=True)) == [
        escape(text) for text in texts
    ]


@pytest.mark.parametrize(
    ("text", "expected", "count"),
    [
        ("<|endoftext|>", r"<\|endoftext|>", 1),
        (r"<\|endoftext|>", r"<\\|endoftext|>", 1),
        ("a <pr> b <pr_base_code>", r"a <\pr> b <\pr_base_code>", 2),
        ("<<file_sep>>", r"<<\file_sep>>", 1),
        ("<fim_prefix", "<fim_prefix", 0),
        ("<FILE_SEP> <NAME> <filename>", "<FILE_SEP> <NAME> <filename>", 0),
        ("", "", 0),
    ],
)
def test_escape_vectors(text: str, expected: str, count: int) -> None:
    found, counts = escape_sentinels(pa.array([text]))
    assert (found.to_pylist(), counts.to_pylist()) == ([expected], [count])


def test_escape_keeps_nulls() -> None:
    found, counts = escape_sentinels(pa.array([None, "<pr>"]))
    assert found.to_pylist() == [None, r"<\pr>"]
    assert counts.to_pylist() == [0, 1]


def test_escape_works_on_a_slice() -> None:
    texts = pa.array(["<pr>", "x", "<pr>y"]).slice(1)
    assert escape_sentinels(texts)[0].to_pylist() == ["x", r"<\pr>y"]
