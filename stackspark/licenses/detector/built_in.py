"""The built-in detector: licences that a text states by its tag, title lines, or known sentences.

It needs nothing installed and knows some forty licences. What it answers is certain and no more: a
line that is nothing but the title of a known licence, or sentences that only one licence has, word
for word. All that a text states counts (AND), since files that hold several licences hold those of
bundled parts too.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from stackspark.licenses.detector.answers import MAX_TEXT_CHARS
from stackspark.texts.text_metrics import TAG_LINES, license_tag

BUILT_IN_VERSION = "built-in/1"
"""Changes with any answer."""

MAX_TITLE_CHARS = 120

COMMONS_CLAUSE = "LicenseRef-scancode-commons-clause"

_VERSION = r"[ ,-]*(?:version|ver\.?|v\.?)? ?"
_DATE = r"(?:[ ,-]+(?:\w+ )?(?:\w+,? )?\d{4})?"
_GPL = r"(?:the )?gnu general public license(?: gpl)?"
_CC = r"(?:creative commons )?attribution{}[ -]+4\.0 international(?: public license)?"

TITLES = tuple(
    (re.compile(pattern), license_id)
    for pattern, license_id in (
        (r"(?:the )?(?:mit|expat|mit/expat|mit expat) license(?: mit)?", "MIT"),
        (r"mit no attribution(?: license)?", "MIT-0"),
        (rf"(?:the )?apache(?: software)? license{_VERSION}2(?:\.0)?{_DATE}", "Apache-2.0"),
        (r"(?:the )?bsd 2-clause(?: \"simplified\")? license", "BSD-2-Clause"),
        (r"(?:the )?(?:2-clause|simplified|freebsd)(?: bsd)? license", "BSD-2-Clause"),
        (r"(?:the )?bsd 3-clause(?: \"new\" or \"revised\")? license", "BSD-3-Clause"),
        (r"(?:the )?(?:3-clause|\"?new\"?|modified|revised) bsd license", "BSD-3-Clause"),
        (r"bsd 4-clause(?: \"original\" or \"old\")? license", "BSD-4-Clause"),
        (r"(?:bsd zero[ -]clause|zero[ -]clause bsd) license", "0BSD"),
        (r"(?:the )?isc license(?: isc)?", "ISC"),
        (rf"mozilla public license{_VERSION}1\.1", "MPL-1.1"),
        (rf"mozilla public license{_VERSION}2\.0", "MPL-2.0"),
        (rf"{_GPL}{_VERSION}1(?:\.0)?{_DATE}", "GPL-1.0-only"),
        (rf"{_GPL}{_VERSION}2(?:\.0)?{_DATE}", "GPL-2.0-only"),
        (rf"{_GPL}{_VERSION}3(?:\.0)?{_DATE}", "GPL-3.0-only"),
        (rf"gnu library general public license{_VERSION}2(?:\.0)?{_DATE}", "LGPL-2.0-only"),
        (rf"gnu lesser general public license{_VERSION}2\.1{_DATE}", "LGPL-2.1-only"),
        (rf"gnu lesser general public license{_VERSION}3(?:\.0)?{_DATE}", "LGPL-3.0-only"),
        (rf"gnu affero general public license{_VERSION}3(?:\.0)?{_DATE}", "AGPL-3.0-only"),
        (rf"gnu free documentation license{_VERSION}1\.2{_DATE}", "GFDL-1.2-only"),
        (rf"gnu free documentation license{_VERSION}1\.3{_DATE}", "GFDL-1.3-only"),
        (rf"server side public license{_VERSION}1{_DATE}", "SSPL-1.0"),
        (rf"business source license{_VERSION}1\.1", "BUSL-1.1"),
        (rf"elastic license{_VERSION}2\.0", "Elastic-2.0"),
        (r"(?:the )?unlicense", "Unlicense"),
        (r"(?:creative commons )?(?:legal code )?cc0 1\.0 universal", "CC0-1.0"),
        (_CC.format(""), "CC-BY-4.0"),
        (_CC.format("-sharealike"), "CC-BY-SA-4.0"),
        (_CC.format("-noncommercial"), "CC-BY-NC-4.0"),
        (_CC.format("-noncommercial-sharealike"), "CC-BY-NC-SA-4.0"),
        (_CC.format("-noncommercial-noderivatives"), "CC-BY-NC-ND-4.0"),
        (_CC.format("-noderivatives"), "CC-BY-ND-4.0"),
        (rf"boost software license{_VERSION}1\.0{_DATE}", "BSL-1.0"),
        (r"(?:the )?zlib(?:/libpng)? license", "Zlib"),
        (rf"(?:psf|python software foundation) license{_VERSION}2", "PSF-2.0"),
        (rf"eclipse public license{_VERSION}1\.0", "EPL-1.0"),
        (rf"eclipse public license{_VERSION}2\.0", "EPL-2.0"),
        (rf"european union public license{_VERSION}1\.2(?: eupl.*)?", "EUPL-1.2"),
        (rf"(?:the )?artistic license{_VERSION}2\.0", "Artistic-2.0"),
        (rf"sil open font license{_VERSION}1\.1{_DATE}", "OFL-1.1"),
        (r"(?:the )?json license", "JSON"),
        (rf"do what the fuck you want to public license{_VERSION}2{_DATE}", "WTFPL"),
    )
)

_SOFTWARE = (
    "permission is hereby granted, free of charge, to any person obtaining a copy of this software "
    'and associated documentation files (the "software"), to deal in the software without '
    "restriction, including without limitation the rights to use, copy, modify, merge, publish, "
    "distribute, sublicense, and/or sell copies of the software, and to permit persons to whom the "
    "software is furnished to do so"
)
_NOTICE = (
    "the above copyright notice and this permission notice shall be included in all copies or "
    "substantial portions of the software."
)
_AS_IS = 'the software is provided "as is"'
_ANY_PURPOSE = (
    r"permission to use, copy, modify, and(?:/or)? distribute this software for any purpose with "
    r"or without fee is hereby granted"
)
_BSD = (
    r"redistribution and use in source and binary forms, with or without modification, are "
    r"permitted provided that the following conditions are met: (?:\S{1,3} )?"
    r"redistributions of source code must retain the above copyright notice, this list of "
    r"conditions and the following disclaimer\. (?:\S{1,3} )?"
    r"redistributions in binary form must reproduce the above copyright notice, this list of "
    r"conditions and the following disclaimer in the documentation and/or other materials provided "
    r"with the distribution\. "
)
_ADVERTISING = r"(?:\S{1,3} )?all advertising materials mentioning features .{1,300}?\. "
_ENDORSE = (
    r"(?:\S{1,3} )?neither the names? .{1,300}? may be used to endorse or promote products "
    r"derived from this software without specific prior written permission\. "
)
_BSD_END = "this software is provided "

SENTENCES = tuple(
    (re.compile(pattern), license_id)
    for pattern, license_id in (
        (re.escape(f"{_SOFTWARE}, subject to the following conditions: {_NOTICE} {_AS_IS}"), "MIT"),
        (re.escape(f"{_SOFTWARE}. {_AS_IS}"), "MIT-0"),
        (
            _ANY_PURPOSE + ", provided that the above copyright notice and this permission notice "
            r"appear in all copies\.",
            "ISC",
        ),
        (_ANY_PURPOSE + r"\. the software is provided", "0BSD"),
        (_BSD + _BSD_END, "BSD-2-Clause"),
        (_BSD + _ENDORSE + _BSD_END, "BSD-3-Clause"),
        (_BSD + _ADVERTISING + _ENDORSE + _BSD_END, "BSD-4-Clause"),
        (
            r"licensed under the apache license, version 2\.0 \(the \"license\"\); you may not use "
            r"this file except in compliance with the license\.",
            "Apache-2.0",
        ),
        (
            "this is free and unencumbered software released into the public domain\\.",
            "Unlicense",
        ),
        (
            "permission is granted to anyone to use this software for any purpose, including "
            "commercial applications, and to alter it and redistribute it freely, subject to the "
            "following restrictions: ",
            "Zlib",
        ),
    )
)

_ANY_TITLE = re.compile("|".join(f"(?:{title.pattern})" for title, _ in TITLES))
_TITLE_WORD = re.compile("license|cc0|attribution|legal code")
_DECORATION = "#*=-_/\\|<>[]{}.,:;! \t"
_BRACKETS = str.maketrans("", "", "()")
_COMMENT = re.compile(r"^[ \t]*(?://+|/?\*+/?|#+|;+|--)(?:[ \t]|$)", re.MULTILINE)
_QUOTES = str.maketrans("“”‘’`", "\"\"'''")


def license_of_text(text: str) -> str | None:
    """SPDX expression that a licence text states; None where nothing is certain.

    Args:
        text: content of a licence file; the first million characters count.

    Returns:
        The expression of its SPDX tag as written, else the ids of all the licences that it states,
        sorted and joined by AND. A Commons Clause is added to them: it takes rights away.
    """
    text = text[:MAX_TEXT_CHARS]
    tag = license_tag("\n".join(text.split("\n", TAG_LINES)[:TAG_LINES]).encode("utf-8", "replace"))
    if tag is not None:
        return tag
    body = _plain(_COMMENT.sub("", text))
    found = set(_titles(text))
    found |= {license_id for sentence, license_id in SENTENCES if sentence.search(body)}
    if "commons clause" in body or '"commons" clause' in body:
        found.add(COMMONS_CLAUSE)
    return " AND ".join(sorted(found)) or None


def _plain(text: str) -> str:
    return " ".join(text.lower().translate(_QUOTES).split()).replace("licence", "license")


def _titles(text: str) -> Iterator[str]:
    """Licences whose title is a line of the text, or two lines that follow each other."""
    lines = [_plain(line).translate(_BRACKETS).strip(_DECORATION) for line in text.splitlines()]
    # Distinct pairs: a hostile text repeats one line a hundred thousand times.
    for line, following in dict.fromkeys(pairwise([*filter(None, lines), ""])):
        if len(line) <= MAX_TITLE_CHARS and _TITLE_WORD.search(line):
            for candidate in (line, f"{line} {following[:MAX_TITLE_CHARS]}"):
                if _ANY_TITLE.fullmatch(candidate):
                    yield from (name for title, name in TITLES if title.fullmatch(candidate))
