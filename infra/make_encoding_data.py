"""Write stackspark/data/encodings.json: how likely letters follow each other in each language.

Reads the translations (`locale/LANGUAGE/**/*.po`) below some folders, in which source packages of
PyPI were unpacked, and counts letters, never words:

    pip download --no-deps --no-binary :all: babel==2.19.0 Django==5.2.19 ...   # see SOURCES
    python infra/make_encoding_data.py FOLDER

Run it again after a change of the alphabets or of the counting, and look at the table of
`benchmarks/compare_decoders.py` before and after, on texts of other packages.
"""

import json
import re
import sys
import unicodedata
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import numpy.typing as npt

from stackspark.texts.decoding.charsets import COSTS_PER_NAT, EAST_ASIAN, SINGLE_BYTE
from stackspark.texts.decoding.east_asian import LATIN as EA_LATIN
from stackspark.texts.decoding.east_asian import NUM_CLASSES, OTHER, char_class
from stackspark.texts.decoding.language_costs import LETTER, NUM_KINDS, SIGN, SYMBOL, Alphabet

TARGET = Path(__file__).parents[1] / "stackspark" / "data" / "encodings.json"

SOURCES = (
    *("babel 2.19.0", "Django 5.2.19", "django-allauth 65.22.1", "django-cms 5.1.3"),
    *("django-crispy-forms 2.7", "django-debug-toolbar 8.0.0", "django-extensions 4.1"),
    *("django-filter 26.2", "django-oscar 4.2.1", "djangorestframework 3.18.3"),
    *("Mezzanine 6.1.1", "Sphinx 9.0.4", "wagtail 8.0.1", "WTForms 3.3.2"),
)

CODES = {
    "zh_CN": "zh_Hans", "zh_TW": "zh_Hant", "zh_HK": "zh_Hant", "no": "nb", "nn": "nb",
    "sr_Latn": "hr", "bs": "hr",
}  # fmt: skip
"""Names of folders -> the language that they are counted for; else a region is left out."""

MIN_LETTERS = 3
SMOOTHING = 8.0
"""Pairs that each letter is taken to have had by the frequency of the second alone."""

TONES = "\u0300\u0309\u0303\u0301\u0323"
"""Of Vietnamese, which Windows writes behind the letter."""

QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*$')
HEADER = re.compile(r"[A-Z][A-Za-z-]+: ")
Counts = npt.NDArray[np.float64]


def main() -> None:
    """Count, and write one language a line."""
    found = translations(Path(sys.argv[1]))
    letters = sorted({language for charset in SINGLE_BYTE for language in charset.languages})
    scripts = sorted({language for charset in EAST_ASIAN for language in charset.languages})
    parts: dict[str, Mapping[str, Any]] = {
        "alphabets": {language: alphabet(found[language], language) for language in letters},
        "scripts": {language: script(found[language]) for language in scripts},
    }
    lines = ",\n".join(f" {json.dumps(name)}: {block(part)}" for name, part in parts.items())
    sources = json.dumps(f"letters of the translations of {', '.join(SOURCES)}")
    TARGET.write_text(f'{{\n "source": {sources},\n{lines}\n}}\n', encoding="utf-8")
    print(f"{TARGET}: {len(letters)} alphabets, {len(scripts)} scripts")


def block(part: Mapping[str, Any]) -> str:
    """A mapping as JSON, one entry a line."""
    lines = ",\n".join(
        f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in part.items()
    )
    return f"{{\n{lines}\n }}"


def translations(folder: Path) -> dict[str, str]:
    """Texts by language, each line of a translation once."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder.rglob("*.po")):
        named = re.search(r"/locales?/([A-Za-z_@]+)/", path.as_posix())
        if named:
            code = named[1].replace("@latin", "_Latn")
            language = CODES.get(code) or CODES.get(code.split("_")[0])
            known = code if code.startswith("zh_Han") else code.split("_")[0]
            found[language or known].update(translated(path.read_text(encoding="utf-8")))
    return {language: "\n".join(sorted(lines)) for language, lines in found.items()}


def translated(text: str) -> Iterator[str]:
    """The strings of `msgstr`."""
    is_translation = False
    for line in text.splitlines():
        if line.startswith(("msgid", "msgctxt", "#")):
            is_translation = False
        elif line.startswith("msgstr"):
            is_translation = True
        quoted = QUOTED.search(line)
        if is_translation and quoted and not HEADER.match(quoted[1]):
            yield quoted[1].replace("\\n", "\n").replace('\\"', '"')


def alphabet(text: str, language: str) -> dict[str, str]:
    """Letters and costs of pairs of a language."""
    folded = with_tones_apart(text.lower()) if language == "vi" else text.lower()
    counts = Counter(folded)
    letters = sorted(
        char for char, count in counts.items() if is_letter(char) and count >= MIN_LETTERS
    )
    if sum(counts[letter] for letter in ascii_lowercase) > sum(counts[each] for each in letters):
        letters += ascii_lowercase
    kinds = Alphabet({char: kind for kind, char in enumerate(letters, NUM_KINDS)}, np.empty(0))
    pairs = pair_counts([kinds.kind(char) for char in folded], NUM_KINDS + len(letters))
    single = pairs.sum(0) + 0.5
    # Of what translations have little, and code and its comments have.
    single[[SIGN, LETTER, SYMBOL]] += len(folded) * np.array([1e-3, 2e-5, 2e-5])
    return {"letters": "".join(letters), "pairs": packed(smoothed(pairs, single))}


def script(text: str) -> dict[str, str]:
    """Characters and costs of an East Asian language."""
    classes = [char_class(char) for char in text]
    pairs = pair_counts(classes, NUM_CLASSES) + 0.05
    pairs[:, OTHER] *= 0.2
    costs = {}
    for kind in range(EA_LATIN + 1, NUM_CLASSES):
        counts = Counter(char for char, each in zip(text, classes, strict=True) if each == kind)
        # Of ten thousand characters most are in no translation.
        total = counts.total() + max(0.08 * counts.total(), 5)
        costs |= {char: cost(count / total) for char, count in sorted(counts.items())}
    return {
        "characters": "".join(costs),
        "costs": b64encode(bytes(costs.values())).decode(),
        "pairs": packed(pairs / pairs.sum(1, keepdims=True)),
    }


def with_tones_apart(text: str) -> str:
    """Vietnamese as Windows writes it: a tone stands behind its letter if both have no one byte."""
    return "".join(char if is_one_byte(char) else tone_apart(char) for char in text)


def is_one_byte(char: str) -> bool:
    """Whether the character set of Vietnamese has a character."""
    return char.encode("cp1258", "ignore") != b""


def tone_apart(char: str) -> str:
    """A letter and then its tone."""
    parts = unicodedata.normalize("NFD", char)
    tones = "".join(part for part in parts if part in TONES)
    rest = "".join(part for part in parts if part not in TONES)
    return unicodedata.normalize("NFC", rest) + tones


def is_letter(char: str) -> bool:
    """Whether a character is a letter beyond ASCII, or a mark of one."""
    return not char.isascii() and (char.isalpha() or unicodedata.category(char) in {"Mn", "Mc"})


def pair_counts(kinds: list[int], size: int) -> Counts:
    """How often each kind follows each."""
    pairs = np.zeros((size, size))
    np.add.at(pairs, (kinds[:-1], kinds[1:]), 1)
    return pairs


def smoothed(pairs: Counts, single: Counts) -> Counts:
    """Probability of a kind behind another; what was never seen goes by the second alone."""
    share = single / single.sum()
    return (pairs + SMOOTHING * share) / (pairs.sum(1, keepdims=True) + SMOOTHING)


def cost(probability: float) -> int:
    """A probability as a cost of one byte."""
    return min(round(-COSTS_PER_NAT * float(np.log(probability))), 255)


def packed(probabilities: Counts) -> str:
    """Probabilities as costs of one byte each."""
    return b64encode(bytes(cost(each) for each in probabilities.ravel())).decode()


if __name__ == "__main__":
    main()
