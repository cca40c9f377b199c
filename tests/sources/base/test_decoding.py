import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackspark.sources.base.decoding import MAX_SAMPLE_BYTES, decode

RUSSIAN = "Привет, мир! Это комментарий к программе, написанный по-русски."
JAPANESE = "これは日本語のコメントです。プログラムの説明を書きます。"
KOREAN = "이것은 한국어 주석입니다. 프로그램의 기능을 설명합니다."
SIMPLIFIED = "这是一个中文注释，用来说明程序的功能。请不要修改这个文件。"
TRADITIONAL = "這是一個中文註釋，用來說明程式的功能。請不要修改這個檔案。"
FRENCH = "Voilà un commentaire en français, écrit à la main pour être précis."
GERMAN = "Ein “Kommentar” über größere Änderungen – für später…"

LEGACY = [
    ("cp1251", "WINDOWS-1251", RUSSIAN),
    ("koi8-r", "KOI8-R", RUSSIAN),
    ("cp866", "IBM866", RUSSIAN),
    ("mac-cyrillic", "MACCYRILLIC", RUSSIAN),
    ("shift_jis", "SHIFT_JIS", JAPANESE),
    ("euc-jp", "EUC-JP", JAPANESE),
    ("gb18030", "GB18030", SIMPLIFIED),
    ("big5", "BIG5", TRADITIONAL),
    ("euc-kr", "UHC", KOREAN),
    ("latin-1", "ISO-8859-1", FRENCH),
    ("cp1252", "WINDOWS-1252", GERMAN),
    ("cp1250", "WINDOWS-1250", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
    ("iso8859-7", "ISO-8859-7", "Αυτό είναι ένα σχόλιο στα ελληνικά"),
    ("cp1255", "WINDOWS-1255", "זוהי הערה בעברית על התוכנית"),
    ("cp1256", "WINDOWS-1256", "هذا تعليق باللغة العربية حول البرنامج"),
    ("tis-620", "TIS-620", "นี่คือความคิดเห็นภาษาไทย"),
]


@pytest.mark.parametrize("frame", ["{}", "int main() {{\n  /* {} */\n  return 0;\n}}\n"])
@pytest.mark.parametrize(("codec", "name", "comment"), LEGACY)
def test_decode_detects(codec: str, name: str, comment: str, frame: str) -> None:
    text = frame.format(comment)
    decoded = decode(text.encode(codec))
    assert (decoded.status, decoded.src_encoding, decoded.text) == ("ok", name, text)
    assert decoded.encoding_confidence is not None
    assert 0.5 < decoded.encoding_confidence <= 1


@pytest.mark.parametrize(
    ("raw", "encoding", "text"),
    [
        (b"a\r\nb\r", "UTF-8", "a\r\nb\r"),  # line ends stay
        ("é中😀".encode(), "UTF-8", "é中😀"),
        (b"\x01\x1b[0m", "UTF-8", "\x01\x1b[0m"),  # control characters are text
        (b"\x1b$B$3\x1b(B", "UTF-8", "\x1b$B$3\x1b(B"),  # ISO-2022-JP is plain ASCII
        (b"\xef\xbb\xbfa", "UTF-8", "a"),
        (b"\xef\xbb\xbf\xef\xbb\xbfa", "UTF-8", "\ufeffa"),  # one mark is taken off
        (b"\xff\xfea\x00\xe9\x00", "UTF-16LE", "aé"),
        (b"\xfe\xff\x00a\x00\xe9", "UTF-16BE", "aé"),
        (b"\xff\xfe\x3d\xd8\x00\xde", "UTF-16LE", "😀"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "UTF-32LE", "a"),
        (b"\x00\x00\xfe\xff\x00\x00\x00a", "UTF-32BE", "a"),
    ],
)
def test_decode_without_detector(raw: bytes, encoding: str, text: str) -> None:
    decoded = decode(raw)
    assert (decoded.status, decoded.src_encoding, decoded.text) == ("ok", encoding, text)
    assert decoded.encoding_confidence is None


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (b"a\x00b", "binary"),
        ("text".encode("utf-16-le"), "binary"),  # UTF-16 without its mark
        (b"\xef\xbb\xbfa\x00", "binary"),
        (b"\xff\xfea\x00\x00\x00", "binary"),  # U+0000 in UTF-16
        (b"\xff\xfe\x00\xd8", "binary"),  # a lone surrogate is no UTF-16
        ("é".encode() * 40 + b"\xff" + "é".encode() * 40, "undecodable"),  # broken UTF-8
        (b"\xef\xbb\xbf\xe9", "undecodable"),  # a mark that does not hold
        (FRENCH.encode("latin-1") + b"\x01\x02\x03\x04\x05\x06" * 9, "binary"),
    ],
)
def test_decode_without_text(raw: bytes, status: str) -> None:
    decoded = decode(raw)
    assert decoded.status == status
    assert (decoded.src_encoding, decoded.encoding_confidence, decoded.text) == (None, None, None)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=99).map(str.encode)))
def test_decode_any_bytes(raw: bytes) -> None:
    decoded = decode(raw)
    assert decoded.status in ("ok", "empty", "binary", "undecodable")
    assert (decoded.status == "ok") == (decoded.text is not None)
    if decoded.text is not None:
        assert decoded.text
        assert "\x00" not in decoded.text
        decoded.text.encode("utf-8")  # no lone surrogate
        assert decoded.src_encoding == str(decoded.src_encoding).upper()


@pytest.mark.parametrize("piece", ["x = 1\n", "x"])
def test_decode_finds_legacy_lines_far_into_a_file(piece: str) -> None:
    # The sample must hold the lines that tell, wherever they are.
    text = piece * (9_000_000 // len(piece)) + f"\n// {RUSSIAN}\n" + "y" * 9_000_000
    raw = text.encode("cp1251")
    assert len(raw) > 100 * MAX_SAMPLE_BYTES
    decoded = decode(raw)
    assert (decoded.src_encoding, decoded.text) == ("WINDOWS-1251", raw.decode("cp1251"))


def test_decode_leaves_broken_utf8_alone() -> None:
    # A long file of UTF-8 with one wrong byte is not guessed to be something else.
    assert decode("// ä ö ü ß\n".encode() * 20_000 + b"\xe4").status == "undecodable"


@pytest.mark.parametrize(
    "piece",
    [b"\xe9", b"\xe9\n", b"\x81\xff", b"\xe9" + b"a" * 70_000],
    ids=["letters", "lines", "pairs", "sparse"],
)
def test_decode_bounds_the_detector(piece: bytes) -> None:
    raw = piece * (10_000_000 // len(piece))
    started = time.process_time()
    decode(raw)
    # Without a sample the detector alone takes 3 to 5 s.
    assert time.process_time() - started < 1.5
