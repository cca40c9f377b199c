"""Compare how the texts of real files come back from other encodings.

    python benchmarks/compare_decoders.py --files FOLDER ... [--number 60] [--decoder NAME ...]

Takes UTF-8 files with text beyond ASCII whose path names their language (`lang/ru.js`,
`locale/zh-cn.json`), of packages that `infra/make_encoding_data.py` did not count. Each is encoded
as a whole, and again as some of its lines with 20 to 120 characters beyond ASCII; lines that an
encoding cannot hold are left out. Right is the same text. The second table has ASCII files with one
sign of Latin-1 or Windows-1252 in a line of its own. Other decoders are run where they are
installed: cchardet (faust-cchardet), chardet, chardetng (chardetng-py).
"""

import argparse
import importlib
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from stackspark.texts.decoding.charsets import BALTIC, CENTRAL, CYRILLIC, WESTERN
from stackspark.texts.decoding.decode import decode

UNICODE, LEGACY, DOS_AND_MAC = "Unicode, East Asian", "Windows, ISO, KOI8", "DOS, Mac"
ANY: tuple[str, ...] = ()
ENCODINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("utf-16-le", "utf-16-be", "utf-32-le", "cesu-8"), (UNICODE, ANY)),
    **dict.fromkeys(("cp932", "euc_jp", "iso2022_jp"), (UNICODE, ("ja",))),
    **dict.fromkeys(("gb2312", "gbk", "gb18030"), (UNICODE, ("zh-cn",))),
    "big5": (UNICODE, ("zh-tw",)),
    **dict.fromkeys(("euc_kr", "cp949"), (UNICODE, ("ko",))),
    **dict.fromkeys(("cp1252", "latin_1", "iso8859_15"), (LEGACY, WESTERN)),
    **dict.fromkeys(("cp1250", "iso8859_2"), (LEGACY, CENTRAL)),
    **dict.fromkeys(("cp1251", "iso8859_5"), (LEGACY, CYRILLIC)),
    "koi8_r": (LEGACY, ("ru", "bg")),
    "koi8_u": (LEGACY, ("uk",)),
    **dict.fromkeys(("cp1253", "iso8859_7"), (LEGACY, ("el",))),
    **dict.fromkeys(("cp1254", "iso8859_9"), (LEGACY, ("tr",))),
    **dict.fromkeys(("cp1255", "iso8859_8"), (LEGACY, ("he",))),
    "cp1256": (LEGACY, ("ar", "fa")),
    "iso8859_6": (LEGACY, ("ar",)),
    **dict.fromkeys(("cp1257", "iso8859_13", "iso8859_4"), (LEGACY, BALTIC)),
    **dict.fromkeys(("cp874", "tis_620"), (LEGACY, ("th",))),
    "cp1258": (LEGACY, ("vi",)),
    "iso8859_16": (LEGACY, ("ro",)),
    **dict.fromkeys(("cp866", "cp855", "mac_cyrillic"), (DOS_AND_MAC, CYRILLIC)),
    **dict.fromkeys(("cp437", "cp850", "mac_roman"), (DOS_AND_MAC, WESTERN)),
    **dict.fromkeys(("cp852", "mac_latin2"), (DOS_AND_MAC, CENTRAL)),
    **dict.fromkeys(("cp737", "mac_greek"), (DOS_AND_MAC, ("el",))),
    **dict.fromkeys(("cp857", "mac_turkish"), (DOS_AND_MAC, ("tr",))),
    "cp862": (DOS_AND_MAC, ("he",)),
    "cp775": (DOS_AND_MAC, BALTIC),
}
CODES = {"zh": "zh-cn", "zh-hans": "zh-cn", "zh-hant": "zh-tw", "zh-hk": "zh-tw", "no": "nb"}
SIGNS = {
    "°": "// limit in {}C", "µ": "# delay in {}s", "©": "/* Copyright {} 2004 Ada */",
    "§": "// see {} 4", "±": "// {} 2 mm", "£": "// price in {}", "²": "// area in m{}",
    "½": "// {} of it", "×": "// 3 {} 4", "»": "content: '{}';", "·": "// a {} b", "®": "# Java{}",
    "’": "// don{}t do this", "“": "// {}quoted", "–": "// pages 3{}4", "—": "/* this{}that */",
    "…": "print('{}')", "•": "/* {} item */", "€": "# {} 5", "™": "# Java{}", "é": "# caf{}",
    "í": "// Garc{}a", "ü": "// M{}ller", "ö": "// K{}nig", "ñ": "// Mu{}oz", "ç": "# Fran{}ois",
}  # fmt: skip
SOURCES = {".py", ".js", ".ts", ".css", ".c", ".h", ".md", ".txt"}
Decoder = Callable[[bytes], str | None]


class Case(NamedTuple):
    """A text and its bytes in an encoding."""

    encoding: str
    text: str
    raw: bytes


def main() -> None:
    """Decode with each decoder, and print the tables."""
    given = parse()
    paths = sorted(path for folder in given.files for path in Path(folder).rglob("*"))
    found = [*cases(paths, given.number)]
    signs = [*sign_cases(paths, 400)]
    print(f"{len(found):,} texts, {sum(len(case.raw) for case in found) / 1e6:.1f} MB")
    for name in given.decoder:
        decoder = DECODERS[name]
        decoder(b"\xe9t\xe9")
        counts, rate = judged(found, decoder)
        report(name, counts, rate)
        right = judged(signs, decoder)[0]["latin_1"]
        print(f"one sign among ASCII: {right['right']} right of {right.total()}, {dict(right)}\n")


def cases(paths: list[Path], number: int) -> Iterator[Case]:
    """Whole files and lines of them, the same number of files of each encoding."""
    chance = random.Random(7)
    by_language: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if (code := language(path)) and (text := utf8_text(path)):
            by_language[code].append(text)
    for encoding, (_, languages) in ENCODINGS.items():
        texts = [text for code in languages or by_language for text in by_language[code]]
        for text in chance.sample(texts, min(number, len(texts))):
            for part in (text, lines_of(text, chance)):
                kept = encodable(part, encoding)
                if num_beyond_ascii(kept) >= 20:
                    yield Case(encoding, kept, encoded(kept, encoding))


def sign_cases(paths: list[Path], number: int) -> Iterator[Case]:
    """Real ASCII files with one line that holds a sign before them."""
    chance = random.Random(7)
    sources = [path for path in paths if path.suffix in SOURCES and path.is_file()]
    for path in chance.sample(sources, len(sources)):
        raw = path.read_bytes()
        if number and raw.isascii() and b"\0" not in raw and len(raw) < 100_000:
            sign = chance.choice(sorted(SIGNS))
            text = f"{SIGNS[sign].format(sign)}\n{raw.decode()}"
            yield Case("latin_1", text, text.encode("cp1252"))
            number -= 1


def language(path: Path) -> str | None:
    """The language that a path names, the last one first."""
    wanted = {code for _, codes in ENCODINGS.values() for code in codes}
    name = path.as_posix().lower().replace("_", "-")
    codes = re.findall(r"(?<![a-z])([a-z]{2}(?:-[a-z]{2,4})?)(?![a-z])", name)
    known = (CODES.get(code, CODES.get(code[:2], code)) for code in reversed(codes))
    return next((code for each in known for code in (each, each[:2]) if code in wanted), None)


def utf8_text(path: Path) -> str | None:
    """Text of a file with at least 20 characters beyond ASCII."""
    if not path.is_file() or not 0 < path.stat().st_size < 400_000 or ".min." in path.name:
        return None
    try:
        text = path.read_bytes().decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None
    return text if num_beyond_ascii(text) >= 20 and "\0" not in text else None


def num_beyond_ascii(text: str) -> int:
    """Characters that are not ASCII."""
    return sum(char > "\x7f" for char in text)


def lines_of(text: str, chance: random.Random) -> str:
    """Lines of a text, from anywhere on, with 20 to 120 characters beyond ASCII if it has them."""
    lines = text.splitlines(keepends=True)
    start, wanted, kept, count = chance.randrange(len(lines)), chance.randint(20, 100), [], 0
    for line in lines[start:] + lines[:start]:
        if count + num_beyond_ascii(line) <= 120:
            kept.append(line)
            count += num_beyond_ascii(line)
        if count >= wanted:
            break
    return "".join(kept)


def encodable(text: str, encoding: str) -> str:
    """The lines of a text that an encoding can hold."""
    if encoding == "cesu-8":
        return f"{text}// 😀 done\n"
    return "".join(line for line in text.splitlines(keepends=True) if holds(line, encoding))


def holds(line: str, encoding: str) -> bool:
    """Whether an encoding has all characters of a line."""
    try:
        return line.encode(encoding).decode(encoding) == line
    except UnicodeError:
        return False


def encoded(text: str, encoding: str) -> bytes:
    """Bytes of a text; Python has no codec for CESU-8."""
    if encoding != "cesu-8":
        return text.encode(encoding)
    halves = text.encode("utf-16-le").decode("utf-16-le", "surrogatepass")
    units = (halves.encode("utf-16-le")[at : at + 2] for at in range(0, 2 * utf16_units(text), 2))
    each = (unit.decode("utf-16-le", "surrogatepass") for unit in units)
    return b"".join(unit.encode("utf-8", "surrogatepass") for unit in each)


def utf16_units(text: str) -> int:
    """Code units of a text in UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def judged(found: list[Case], decoder: Decoder) -> tuple[dict[str, Counter[str]], float]:
    """Right, wrong and refused texts by encoding, and megabytes a second of one core."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    started = time.process_time()
    texts = [decoder(case.raw) for case in found]
    seconds = time.process_time() - started
    for case, text in zip(found, texts, strict=True):
        outcome = "right" if text == case.text else "refused" if text is None else "wrong"
        counts[case.encoding][outcome] += 1
    return counts, sum(len(case.raw) for case in found) / 1e6 / seconds


def report(name: str, counts: dict[str, Counter[str]], rate: float) -> None:
    """Print the shares by encoding and by kind of encoding."""
    print(f"\n{name}: {rate:.1f} MB/s\n\n| encoding | texts | right | wrong | refused |")
    print("|---|---|---|---|---|")
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for encoding, outcomes in counts.items():
        kinds[ENCODINGS[encoding][0]] += outcomes
        row(encoding, outcomes)
    for kind, outcomes in kinds.items():
        row(f"**{kind}**", outcomes)


def row(name: str, outcomes: Counter[str]) -> None:
    """Print one row, in per cent."""
    shares = (100 * outcomes[key] / outcomes.total() for key in ("right", "wrong", "refused"))
    print(f"| {name} | {outcomes.total():,} | {' | '.join(f'{share:.2f}' for share in shares)} |")


def detector(module: str, names: dict[str, str]) -> Decoder:
    """UTF-8, else what a detector of PyPI names."""

    def decoded(raw: bytes) -> str | None:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            found = importlib.import_module(module).detect(raw)
        name = found if isinstance(found, str) else found["encoding"]
        try:
            return raw.decode(names.get(name, name)) if name else None
        except (UnicodeError, LookupError):
            return None

    return decoded


BROWSER_NAMES = {
    "Shift_JIS": "cp932", "EUC-KR": "cp949", "Big5": "big5hkscs", "ISO-8859-8-I": "iso8859_8",
    "x-mac-cyrillic": "mac_cyrillic", "windows-874": "cp874", "macintosh": "mac_roman",
}  # fmt: skip
DECODERS: dict[str, Decoder] = {
    "stackspark": lambda raw: decode(raw).text,
    "cchardet": detector("cchardet", {}),
    "chardet": detector("chardet", {}),
    "chardetng": detector("chardetng_py", BROWSER_NAMES),
}


def parse() -> argparse.Namespace:
    """Arguments of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", nargs="+", required=True)
    parser.add_argument("--number", type=int, default=60, help="files of each encoding")
    parser.add_argument("--decoder", nargs="+", choices=DECODERS, default=["stackspark"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
