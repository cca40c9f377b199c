import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackspark.licenses.detector.built_in import COMMONS_CLAUSE, license_of_text

MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
"""
BSD2 = """Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this
   list of conditions and the following disclaimer.
2. Redistributions in binary form must reproduce the above copyright notice,
   this list of conditions and the following disclaimer in the documentation
   and/or other materials provided with the distribution.
"""
ADVERTISING = """3. All advertising materials mentioning features or use of this software must
   display the following acknowledgement: This product includes software.
"""
ENDORSE = """* Neither the name of the copyright holder nor the names of its contributors
  may be used to endorse or promote products derived from this software without specific
  prior written permission.
"""
BSD_END = "\nTHIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS"
ANY_PURPOSE = """Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted"""


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        # Titles
        ("MIT License\n\nCopyright (c) 2020 A\n", "MIT"),
        ("The MIT License (MIT)\n===", "MIT"),
        ("# MIT Licence", "MIT"),
        ("(The MIT License)", "MIT"),
        ("Foo\n\nApache License\n    Version 2.0, January 2004\n", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007\n", "GPL-3.0-only"),
        ("The GNU General Public License (GPL)\n\nVersion 2, June 1991\n", "GPL-2.0-only"),
        ("GNU LESSER GENERAL PUBLIC LICENSE\nVersion 2.1, February 1999", "LGPL-2.1-only"),
        ("GNU LIBRARY GENERAL PUBLIC LICENSE\nVersion 2, June 1991", "LGPL-2.0-only"),
        ("GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3, 19 November 2007", "AGPL-3.0-only"),
        ("Mozilla Public License Version 2.0\n====", "MPL-2.0"),
        ("BSD 3-Clause License\n\nCopyright", "BSD-3-Clause"),
        ("BSD 2-Clause License", "BSD-2-Clause"),
        ("ISC License", "ISC"),
        ("Creative Commons Legal Code\n\nCC0 1.0 Universal", "CC0-1.0"),
        ("Attribution-NonCommercial-ShareAlike 4.0 International", "CC-BY-NC-SA-4.0"),
        ("Boost Software License - Version 1.0 - August 17th, 2003", "BSL-1.0"),
        ("zlib License", "Zlib"),
        ("PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2\n-----", "PSF-2.0"),
        ("Eclipse Public License - v 2.0", "EPL-2.0"),
        ("The Unlicense", "Unlicense"),
        ("Server Side Public License\nVERSION 1, OCTOBER 16, 2018", "SSPL-1.0"),
        ("Business Source License 1.1", "BUSL-1.1"),
        # Sentences
        (f"Copyright (c) 2020 A\n\n{MIT}", "MIT"),
        (MIT.replace("\n", "\r\n  ").replace('"', "“"), "MIT"),
        ("".join(f" * {line}\n" for line in MIT.splitlines()), "MIT"),
        (BSD2 + BSD_END, "BSD-2-Clause"),
        (BSD2 + ENDORSE + BSD_END, "BSD-3-Clause"),
        (BSD2 + ADVERTISING + ENDORSE + BSD_END, "BSD-4-Clause"),
        (
            "".join(f"// {line}".rstrip() + "\n" for line in (BSD2 + BSD_END).splitlines()),
            "BSD-2-Clause",
        ),
        (
            f"{ANY_PURPOSE}, provided that the above\ncopyright notice and this permission notice "
            "appear in all copies.",
            "ISC",
        ),
        (f"{ANY_PURPOSE}.\n\nTHE SOFTWARE IS PROVIDED", "0BSD"),
        ("This is free and unencumbered software released into the public domain.", "Unlicense"),
        # Tags
        ("SPDX-License-Identifier: MIT OR Apache-2.0\n\nMIT License", "MIT OR Apache-2.0"),
        # Several, each once
        (f"MIT License\n\n{MIT}", "MIT"),
        (f"MIT License\n{MIT}\nBundled:\n\nISC License\n", "ISC AND MIT"),
        (
            f'"Commons Clause" License Condition v1.0\n\nMIT License\n{MIT}',
            f"{COMMONS_CLAUSE} AND MIT",
        ),
    ],
)
def test_license_of_text(text: str, expression: str) -> None:
    assert license_of_text(text) == expression


@pytest.mark.parametrize(
    "text",
    [
        "",
        "All rights reserved.",
        "This project is under the MIT License",  # a mention, not a title
        "MIT License applies to parts of this",
        "BSD License",  # which one?
        "GNU GENERAL PUBLIC LICENSE",  # which version?
        "MIT",
        MIT.replace("free of charge", "for a fee"),
        # The JSON licence: the same sentences with one more.
        MIT.replace(
            "THE SOFTWARE IS", "The Software shall be used for Good, not Evil.\n\nTHE SOFTWARE IS"
        ),
        BSD2 + "3. Use in weapons is not permitted.\n" + BSD_END,
        BSD2,
        ANY_PURPOSE,
    ],
)
def test_license_of_text_uncertain(text: str) -> None:
    assert license_of_text(text) is None


@given(st.text(max_size=200))
def test_license_of_any_text(text: str) -> None:
    assert license_of_text(text) != ""


@pytest.mark.parametrize(
    "piece",
    [
        "license\n",
        "a license v\n",
        "attribution-",
        BSD2,
        "neither the name of ",
        " // ",
        "gnu ver. ",
    ],
    ids=range(7),
)
def test_license_of_text_is_bounded(piece: str) -> None:
    text = piece * (3_000_000 // len(piece))
    started = time.process_time()
    license_of_text(text)
    assert time.process_time() - started < 5
