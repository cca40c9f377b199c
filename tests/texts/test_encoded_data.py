import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_text import encoded_data

from stackspark.texts.encoded_data import measure_encoded_data

BASE64_LINE = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2"

# Pieces of which matches of all three patterns, and things just short of them, are made.
PIECES = st.sampled_from(
    [
        *("0x41,", "0x4", "41 ", "41", "\\x41", "4a\x0b", "ff\n", "0X41,", "g", "_", ",", " ", "é"),
        *("\\u00e9", "\\u00e", "\\u12345", "\\", "u", "x", "=", "+/", "\n", "\x1c", "\u2003", "-"),
        *("41 " * 8, "\\u00e9" * 8, BASE64_LINE, "0x41," * 7, "41\\x42" * 5),
    ]
)
TEXTS = st.one_of(
    st.lists(PIECES, max_size=40).map("".join),
    st.text(alphabet=st.sampled_from("aF09x\\u, \n\t+=_é"), max_size=200),
)


def measured(texts: pa.Array) -> list[dict[str, object]]:
    columns = {name: values.to_pylist() for name, values in measure_encoded_data(texts).items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.integers(0, 1))
def test_measure_encoded_data_equals_oracle(texts: list[str], skip: int) -> None:
    assert measured(pa.array(texts)[skip:]) == [encoded_data(text) for text in texts[skip:]]


@pytest.mark.parametrize(
    ("text", "longest"),
    [
        ("", 0),
        (BASE64_LINE, 64),
        (BASE64_LINE[1:], 0),
        (f"'{BASE64_LINE}\n{BASE64_LINE}'", 129),  # lines join
        ("word\n" * 13, 65),  # one word a line looks the same
        ("41 42 43 44 45 46 47 48", 23),
        ("41 42 43 44 45 46 47 48  \n", 26),  # with the white space after it
        ("41 42 43 44 45 46 47", 0),
        ("0x41,0x42,0x43,0x44,0x45,0x46,0x47,0x48,", 40),
        ("0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, ", 0),  # no element begins at a blank
        ('"\\x41\\x42\\x43\\x44\\x45\\x46\\x47\\x48"', 0),  # \b fails before the first
        ('"\\x41\\x42\\x43\\x44\\x45\\x46\\x47\\x48\\x49"', 32),
        ("deadbeefdeadbeefdeadbeef", 0),
        ("é41 42 43 44 45 46 47 48", 23),  # é bounds a word
        ("_41 42 43 44 45 46 47 48", 0),
        ("\\u00e9" * 8, 48),
        ("\\u00e9" * 7 + "\\u00e", 0),
        ("\\U00e9" * 8, 0),
    ],
)
def test_max_encoded_chars(text: str, longest: int) -> None:
    row = measured(pa.array(["41 42 ", text, "43 44"]))[1]
    assert row["max_encoded_chars"] == longest == encoded_data(text)["max_encoded_chars"]


def test_encoded_fraction_counts_an_overlap_once() -> None:
    text = "41\n" * 40 + "é" * 120
    assert measured(pa.array([text])) == [{"encoded_fraction": 0.5, "max_encoded_chars": 120}]


@pytest.mark.parametrize(
    ("piece", "longest"),
    [
        ("41 42 43 44 45 46 47 -", 0),
        ("41 42 43 44 45 46 47 48 4 ", 24),  # many matches in one run of the characters
        ("\\u00e9" * 7 + "\\", 0),
        ("\\u00e9" * 8 + "u", 48),
        ("41" * 30 + " ", 0),
        ("0x\\x", 0),
        (" ", 0),
    ],
)
def test_measure_encoded_data_takes_linear_time(piece: str, longest: int) -> None:
    # 10 MB: a kernel that looks at anything more than a few times would not end.
    text = piece * (10_000_000 // len(piece))
    assert measured(pa.array([text]))[0]["max_encoded_chars"] == longest


def test_measure_encoded_data_refuses_null() -> None:
    with pytest.raises(ValueError, match="1 of 2 texts are null"):
        measure_encoded_data(pa.array(["x", None]))


def test_measure_encoded_data_of_nothing() -> None:
    assert measured(pa.array([], pa.string())) == []
