import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackspark.texts.decoding.guess import MAX_LINE_BYTES, SAMPLE_BYTES, guess_text, sample_lines


@given(
    st.lists(
        st.sampled_from([b"x = 1\n", b"\xe9t\xe9\n", b"a" * 3000, b"\xff" * 3000]), max_size=20
    )
)
def test_a_sample_is_bounded_and_of_the_text(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    sample = sample_lines(raw)
    assert len(sample) <= SAMPLE_BYTES + MAX_LINE_BYTES
    assert all(piece in raw for piece in sample.split(b"\n"))
    assert sample.isascii() == raw.isascii() or len(raw) <= SAMPLE_BYTES


def test_a_sample_cuts_no_character_of_two_bytes() -> None:
    # The second byte of many is an ASCII letter in this character set.
    raw = ("x" * 40_000 + "　,".join(["ソフトウェア能力表示"] * 2000)).encode("cp932")
    assert sample_lines(raw).decode("cp932")
    guess = guess_text(raw)
    assert guess is not None
    assert guess.charset == "CP932"


def test_the_sample_chooses_and_the_whole_text_decides() -> None:
    # The last byte is defined in one of the two character sets of the same letters.
    text = "größer, kürzer, schöner: über Öl\n" * 400
    guess = guess_text(text.encode("cp1252") + b"\x81")
    assert guess is None or guess.charset != "WINDOWS-1252"


@pytest.mark.parametrize("text", ["中文注释", "用户名不能为空", "请输入密码"])
def test_a_few_characters_of_chinese_are_enough(text: str) -> None:
    guess = guess_text(f"# {text}\n".encode("gbk"))
    assert guess is not None
    assert guess.text == f"# {text}\n"
