import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackspark.texts.decoding.decode import decode
from stackspark.texts.decoding.guess import SAMPLE_BYTES

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
    ("koi8-u", "KOI8-U", "Це коментар українською мовою: перевіряємо її літери"),
    ("cp866", "IBM866", RUSSIAN),
    ("mac-cyrillic", "MACCYRILLIC", RUSSIAN),
    ("iso8859-5", "ISO-8859-5", RUSSIAN),
    ("shift_jis", "CP932", JAPANESE),
    ("euc-jp", "EUC-JP", JAPANESE),
    ("gb18030", "GB18030", SIMPLIFIED),
    ("gb2312", "GB18030", SIMPLIFIED),
    ("big5", "BIG5", TRADITIONAL),
    ("euc-kr", "CP949", KOREAN),
    ("latin-1", "WINDOWS-1252", FRENCH),
    ("cp1252", "WINDOWS-1252", GERMAN),
    ("mac-roman", "MACINTOSH", GERMAN),
    ("cp850", "IBM850", "Größere Änderungen für später, größer als früher: Maß, Öl, Übung"),
    ("cp1250", "WINDOWS-1250", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
    ("iso8859-2", "ISO-8859-2", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
    ("iso8859-7", "ISO-8859-7", "Αυτό είναι ένα σχόλιο στα ελληνικά, Άλλο"),
    ("cp1254", "WINDOWS-1254", "Bu dosya değiştirilmemelidir, çünkü şu anda kullanılıyor"),
    ("cp1255", "WINDOWS-1255", "זוהי הערה בעברית על התוכנית"),
    ("cp1256", "WINDOWS-1256", "هذا تعليق باللغة العربية حول البرنامج"),
    ("tis-620", "CP874", "นี่คือความคิดเห็นภาษาไทย"),
]


@pytest.mark.parametrize("frame", ["{}", "int main() {{\n  /* {} */\n  return 0;\n}}\n"])
@pytest.mark.parametrize(("codec", "name", "comment"), LEGACY)
def test_decode_guesses(codec: str, name: str, comment: str, frame: str) -> None:
    text = frame.format(comment)
    raw = text.encode(codec)
    decoded = decode(raw)
    assert (decoded.status, decoded.text) == ("ok", text)
    assert raw.decode(str(decoded.src_encoding)) == raw.decode(name)
    assert decoded.encoding_confidence is not None
    assert 0.95 < decoded.encoding_confidence <= 1


@pytest.mark.parametrize(
    "line",
    [
        "// limit in °C", "// turn by 90°", "# delay in µs", "/* Copyright © 2004 Ada */",
        "// see § 4 of the rules", "// tolerance of ± 2 mm", "// price in £", "// area in m²",
        "// don’t", "// pages 3–4", "/* this—that */", "print('…')", "content: '»';", "// 3 × 4",
        "/* “quoted” */", "// José García", "# naïve", "// König", "# café", "// ¿que?",
    ],
)  # fmt: skip
def test_decode_of_a_sign_among_ascii(line: str) -> None:
    text = f"int launch(int ship)\n{{\n  {line}\n  return ship * 10;\n}}\n"
    decoded = decode(text.encode("cp1252"))
    assert (decoded.text, decoded.src_encoding) == (text, "WINDOWS-1252")


@pytest.mark.parametrize(
    ("raw", "encoding", "text"),
    [
        (b"a\r\nb\r", "UTF-8", "a\r\nb\r"),  # line ends stay
        ("é中😀".encode(), "UTF-8", "é中😀"),
        (b"\x01\x1b[0m", "UTF-8", "\x01\x1b[0m"),  # control characters are text
        (b"\x1b[1m\x1b$x\x1b(B", "UTF-8", "\x1b[1m\x1b$x\x1b(B"),  # escapes of a terminal
        (b"\x1b$B$3\x1b(B", "ISO-2022-JP-EXT", "こ"),
        (b"\xef\xbb\xbfa", "UTF-8", "a"),
        (b"\xef\xbb\xbf\xef\xbb\xbfa", "UTF-8", "\ufeffa"),  # one mark is taken off
        (b"\xff\xfea\x00\xe9\x00", "UTF-16LE", "aé"),
        (b"\xfe\xff\x00a\x00\xe9", "UTF-16BE", "aé"),
        (b"\xff\xfe\x3d\xd8\x00\xde", "UTF-16LE", "😀"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "UTF-32LE", "a"),
        (b"\x00\x00\xfe\xff\x00\x00\x00a", "UTF-32BE", "a"),
        ("text".encode("utf-16-le"), "UTF-16LE", "text"),  # without its mark
        (b"# coding: koi8-r\n\xc1", "KOI8-R", "# coding: koi8-r\nа"),
        (b"# coding: latin-1\n\x93\xb0", "WINDOWS-1252", "# coding: latin-1\n“°"),
        (b"# coding: latin-1\n\x81\xb0", "ISO-8859-1", "# coding: latin-1\n\x81°"),
        (b"a\xed\xa0\xbd\xed\xb8\x80", "CESU-8", "a😀"),
    ],
)
def test_decode_without_a_guess(raw: bytes, encoding: str, text: str) -> None:
    decoded = decode(raw)
    assert (decoded.status, decoded.src_encoding, decoded.text) == ("ok", encoding, text)
    assert decoded.encoding_confidence is None


def test_a_declaration_that_does_not_hold_is_no_declaration() -> None:
    raw = f"# coding: utf-8\n# {RUSSIAN}\n".encode("cp1251")
    assert decode(raw).src_encoding == "WINDOWS-1251"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (b"a\x00b", "binary"),
        (b"\xef\xbb\xbfa\x00", "binary"),
        (b"\xff\xfea\x00\x00\x00", "binary"),  # U+0000 in UTF-16
        (b"\xff\xfe\x00\xd8", "binary"),  # a lone surrogate is no UTF-16
        ("é".encode() * 40 + b"\xff" + "é".encode() * 40, "undecodable"),  # broken UTF-8
        (FRENCH.encode("latin-1") + b"\x01\x02\x03\x04\x05\x06" * 9, "binary"),
        ("IDENTIFICATION DIVISION. PROGRAM-ID. SHIPS.".encode("cp037"), "undecodable"),
        (bytes(range(255, 0, -1)) * 3, "undecodable"),
        ("Styczeń".encode("cp1250"), "undecodable"),  # ñ or ń: the rest of one word cannot tell
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
    assert len(raw) > 100 * SAMPLE_BYTES
    decoded = decode(raw)
    assert (decoded.src_encoding, decoded.text) == ("WINDOWS-1251", raw.decode("cp1251"))


@pytest.mark.parametrize("broken", [b"\xe4", b"\xe4x", b"\xff\xfe\xfd"])
def test_decode_leaves_broken_utf8_alone(broken: bytes) -> None:
    # A long file of UTF-8 with one wrong byte is not guessed to be something else.
    assert decode("// ä ö ü ß\n".encode() * 20_000 + broken).status == "undecodable"


@pytest.mark.parametrize(
    "piece",
    [b"\xe9", b"\xe9\n", b"\x81\xff", b"\xe9" + b"a" * 70_000, b"a\x00\xe9\x00"],
    ids=["letters", "lines", "pairs", "sparse", "wide"],
)
def test_decode_bounds_the_guess(piece: bytes) -> None:
    raw = piece * (10_000_000 // len(piece))
    decode(piece)
    started = time.process_time()
    decode(raw)
    # All of it would take seconds.
    assert time.process_time() - started < 1.5
