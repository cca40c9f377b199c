"""Numbers and names as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackspark.runtime import formatting


def test_limit_words_tell_a_value_from_its_limit() -> None:
    assert formatting.limit_words(0.70001, 0.7) == "0.70001, over the limit of 0.7"
    assert formatting.limit_words(0.05, 0.1, "shares") == "0.05 shares, under the limit of 0.1"
    assert formatting.limit_words(5312, None) == "5,312"


@pytest.mark.parametrize(
    ("num_bytes", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (67_500_000_000_000, "67.5 TB"),
     (999_999, "1 MB"), (3 * 10**15, "3 PB"), (12_345 * 10**15, "12,345 PB")],
)  # fmt: skip
def test_size(num_bytes: int, said: str) -> None:
    assert formatting.size(num_bytes) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "–"), (0, 9, "0.0 %"), (1, 10**6, "<0.1 %"), (10**6 - 1, 10**6, ">99.9 %"),
     (1, 3, "33.3 %"), (5, 5, "100.0 %")],
)  # fmt: skip
def test_share_never_rounds_to_nothing_or_all(part: int, whole: int, said: str) -> None:
    assert formatting.share(part, whole) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.84, "0.8 s"), (192, "3 min 12 s"), (7500, "2 h 05 min"), (59.99, "1 min 00 s"),
     (3599.9, "1 h 00 min")],
)  # fmt: skip
def test_duration(seconds: float, said: str) -> None:
    assert formatting.duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(5312, "5,312"), (0.1 + 0.2, "0.3"), (12.34567, "12.35"), (1234.56, "1,234.6"),
     (float("nan"), "nan"), (float("inf"), "inf")],
)  # fmt: skip
def test_number(value: float, said: str) -> None:
    assert formatting.number(value) == said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("café 東京 – ok", "café 東京 – ok"),
        ("a\nb\x1b[31m", "a\\x0ab\\x1b[31m"),  # a terminal would obey
        ("exe\u202etxt", "exe\\u{202e}txt"),  # right-to-left override
        ("a\u200bb\ufeff", "a\\u{200b}b\\u{feff}"),  # zero width
        ("a\u00a0b", "a\\xa0b"),  # a blank that is none
        ("\udcff", "\\u{dcff}"),  # lone surrogate: no UTF-8 for it
        ("\U000e0041", "\\u{e0041}"),  # tag character
    ],
)
def test_visible_escapes_what_hides(text: str, shown: str) -> None:
    assert formatting.visible(text) == shown


def test_visible_cuts_the_middle_out_of_a_long_text() -> None:
    shown = formatting.visible("a" * 5000 + "tail", max_chars=21)
    assert shown == "a" * 10 + "…" + "aaaaaatail"


@given(st.text(st.characters(codec=None), max_size=300))
def test_visible_can_always_be_printed(text: str) -> None:
    assert formatting.visible(text).encode("utf-8").decode().isprintable()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("json", "JSON"),  # letter case
        ("java", "Java"),
        ("jupyter notebook", "Jupyter Notebook"),
        ("Javascript", "JavaScript"),
        ("Pyton", "Python"),  # a letter is missing
        ("Klingon", None),
        ("", None),
    ],
)
def test_did_you_mean_names_what_is_like_a_wrong_name(name: str, meant: str | None) -> None:
    known = ["C", "Java", "JavaScript", "JSON", "Jupyter Notebook", "Python"]
    said = formatting.did_you_mean(name, known)
    assert said == (f"; did you mean {meant}?" if meant else "")
