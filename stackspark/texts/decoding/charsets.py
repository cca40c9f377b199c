"""Character sets that text is guessed and declared in, and the languages that they are used for.

Names are upper case and known to Python's codecs. A legacy name means the superset that browsers
read it as, where its text is valid in that.
Source: WHATWG Encoding Standard, section 4.2, names and labels.
"""

import re
from collections.abc import Iterator
from encodings.aliases import aliases
from typing import NamedTuple

WESTERN = ("de", "fr", "es", "pt", "it", "nl", "sv", "da", "nb", "fi", "is", "ca", "ga", "eu", "gl")
CENTRAL = ("cs", "sk", "pl", "hu", "hr", "sl", "ro", "sq", "de")
CYRILLIC = ("ru", "bg", "sr", "mk", "be", "uk")
BALTIC = ("lt", "lv", "et", "de")

COSTS_PER_NAT = 16
"""Costs are negative logarithms of probabilities as whole numbers, so that sums are exact."""


class Charset(NamedTuple):
    """A character set, its languages, and how rare it is: the cost of guessing it."""

    name: str
    languages: tuple[str, ...]
    rarity: int


def _charset(name: str, languages: tuple[str, ...], nats: int) -> Charset:
    return Charset(name, languages, nats * COSTS_PER_NAT)


SINGLE_BYTE = (
    _charset("WINDOWS-1252", (*WESTERN, "sq"), 0),
    _charset("WINDOWS-1250", CENTRAL, 5),
    _charset("WINDOWS-1251", CYRILLIC, 4),
    _charset("WINDOWS-1253", ("el",), 5),
    _charset("WINDOWS-1254", ("tr", "az"), 5),
    _charset("WINDOWS-1255", ("he",), 5),
    _charset("WINDOWS-1256", ("ar", "fa"), 5),
    _charset("WINDOWS-1257", BALTIC, 5),
    _charset("WINDOWS-1258", ("vi",), 6),
    _charset("CP874", ("th",), 5),
    _charset("KOI8-R", ("ru", "bg"), 5),
    _charset("KOI8-U", ("uk", "be"), 6),
    _charset("ISO-8859-2", CENTRAL, 6),
    _charset("ISO-8859-3", ("eo",), 8),
    _charset("ISO-8859-4", BALTIC, 7),
    _charset("ISO-8859-5", CYRILLIC, 6),
    _charset("ISO-8859-6", ("ar",), 6),
    _charset("ISO-8859-7", ("el",), 7),
    _charset("ISO-8859-8", ("he",), 6),
    _charset("ISO-8859-10", ("is", "sv", "nb", "lt"), 8),
    _charset("ISO-8859-13", BALTIC, 6),
    _charset("ISO-8859-14", ("ga", "cy"), 8),
    _charset("ISO-8859-15", (*WESTERN, "sq"), 6),
    _charset("ISO-8859-16", ("ro",), 7),
    _charset("IBM437", WESTERN, 7),
    _charset("IBM850", WESTERN, 7),
    _charset("IBM852", CENTRAL, 7),
    _charset("IBM855", ("sr", "mk", "bg", "ru"), 8),
    _charset("IBM866", CYRILLIC, 6),
    _charset("IBM857", ("tr",), 7),
    _charset("IBM862", ("he",), 7),
    _charset("CP737", ("el",), 7),
    _charset("IBM775", BALTIC, 7),
    _charset("IBM865", ("da", "nb"), 8),
    _charset("IBM869", ("el",), 8),
    _charset("MACINTOSH", WESTERN, 7),
    _charset("MACCENTRALEUROPE", CENTRAL, 8),
    _charset("MACCYRILLIC", CYRILLIC, 7),
    _charset("MACGREEK", ("el",), 8),
    _charset("MACTURKISH", ("tr",), 8),
)

EAST_ASIAN = (
    _charset("CP932", ("ja",), 4),
    _charset("EUC-JP", ("ja",), 5),
    _charset("EUC_JIS_2004", ("ja",), 7),
    _charset("GB18030", ("zh_Hans", "zh_Hant"), 4),
    _charset("BIG5", ("zh_Hant",), 5),
    _charset("CP950", ("zh_Hant",), 6),
    _charset("BIG5HKSCS", ("zh_Hant",), 7),
    _charset("CP949", ("ko",), 4),
)

_SUPERSETS = {
    "latin_1": ("WINDOWS-1252", "ISO-8859-1"),
    "iso8859_9": ("WINDOWS-1254", "ISO-8859-9"),
    "iso8859_11": ("CP874",),
    "tis_620": ("CP874",),
    "shift_jis": ("CP932", "SHIFT_JIS_2004"),
    "euc_jp": ("EUC-JP", "EUC_JIS_2004"),
    "euc_kr": ("CP949",),
    "gb2312": ("GB18030",),
    "gbk": ("GB18030",),
    "big5": ("BIG5", "CP950", "BIG5HKSCS"),
    "iso2022_jp": ("ISO-2022-JP-EXT", "ISO-2022-JP-2004"),
}
"""Python's module of a codec -> what its name means, in the order in which it is tried."""

_MORE_ALIASES = {
    "euc_japan": "euc_jp",
    "euc_korea": "euc_kr",
    "euc_china": "gb2312",
    "euc_taiwan": "big5",
    "x_sjis": "shift_jis",
    "sjis": "shift_jis",
    "cp874": "iso8859_11",
    "windows_874": "iso8859_11",
    "x_euc_jp": "euc_jp",
    "x_gbk": "gbk",
    "x_x_big5": "big5",
    "iso_latin_1": "latin_1",
    "iso_latin_2": "iso8859_2",
    "iso_latin_9": "iso8859_15",
    "chinese_iso_8bit": "gb2312",
    "japanese_shift_jis": "shift_jis",
    "japanese_iso_8bit": "euc_jp",
    "cyrillic_koi8": "koi8_r",
    "x_mac_cyrillic": "mac_cyrillic",
    "ansinew": "cp1252",
    "applemac": "mac_roman",
    "latin9": "iso8859_15",
    "latin10": "iso8859_16",
}


def names_meant(label: str) -> Iterator[str]:
    """Character sets that a declared name may mean, in the order in which they are to be tried.

    None for a name that is not known, or that says nothing of bytes beyond ASCII.
    """
    module = _module(label)
    if module in _SUPERSETS:
        yield from _SUPERSETS[module]
    elif module in _NAMES:
        yield _NAMES[module]


def _module(label: str) -> str:
    """Python's module of a codec by any of its names; nothing is imported for it."""
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    name = re.sub(r"_(unix|dos|mac)$", "", name)
    name = _MORE_ALIASES.get(name, name)
    return aliases.get(name, name)


_NAMES = {_module(charset.name): charset.name for charset in (*SINGLE_BYTE, *EAST_ASIAN)}
