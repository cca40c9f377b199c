"""What is told of a licence text besides its licence."""

import time

import pytest

from stackspark.licenses.detector.answers import (
    MAX_HOLDERS,
    copyright_holders,
    header_of,
    with_placeholders,
    without_holders,
)

LINES = [
    ("Copyright (c) 2020 Ada", True),
    ("  // (c) 2019-2021 Bob <bob@example.org>", True),
    (" * © 2011, Carla", True),
    ("Copyright 1999 Dora. All rights reserved.", True),
    ("The above copyright notice and this permission notice shall be included", False),
    ("Copyright (c) [year] [fullname]", False),
    ("copyright notice, 2011 edition", False),
    ("Copyright", False),
]


@pytest.mark.parametrize(("line", "is_holder"), LINES)
def test_copyright_lines_are_told_from_sentences(line: str, is_holder: bool) -> None:
    text = f"MIT License\n{line}\nPermission is hereby granted\n"
    assert bool(copyright_holders(text)) == is_holder
    kept = "" if is_holder else line
    assert without_holders(text) == f"MIT License\n{kept}\nPermission is hereby granted\n"


def test_copyright_lines_that_speak_of_a_licence_stay() -> None:
    text = "Copyright 2020 Ada, licensed under the GPL\n"
    assert without_holders(text) == text
    assert copyright_holders(text) == [text.strip()]


def test_names_in_sentences_of_bsd_are_replaced_by_those_of_the_template() -> None:
    text = (
        " * Neither the name\n * of Ada Ltd. nor the names of their contributors may be used\n"
        "THIS SOFTWARE IS PROVIDED BY Ada Ltd. ``AS IS'' AND ANY\n"
        "IN NO EVENT SHALL ADA\nBE LIABLE FOR ANY DIRECT,\n"
    )
    assert with_placeholders(text) == (
        " * Neither the name of the copyright holder nor the names of its\n"
        " contributors may be used\n"
        "THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS ``AS IS'' AND ANY\n"
        "IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT\n,\n"
    )
    far = "in no event shall" + " x" * 200 + " be liable for any direct"
    assert with_placeholders(far) == far


def test_copyright_holders_are_distinct_in_their_order_and_bounded() -> None:
    text = "\n".join(f"Copyright 20{n % 30 + 10} Holder {n % 30}" for n in range(60))
    found = copyright_holders(text)
    assert found == [f"Copyright 20{n + 10} Holder {n}" for n in range(MAX_HOLDERS)]


def test_header_of_looks_at_the_first_lines_only() -> None:
    lines = [f"// line {number}" for number in range(200)]
    assert header_of("\n".join(lines)) == ""
    lines[3] = "// Licensed to you"
    assert header_of("\n".join(lines)).split("\n") == lines[:60]
    lines[3], lines[70] = "", "// Licensed to you"
    assert header_of("\n".join(lines)) == ""
    assert header_of("copyright " + "x" * 100_000) == "copyright " + "x" * (20_000 - 10)


@pytest.mark.parametrize(
    "piece", ["copyright ", " ", "(c) ", "copyright (c) 2020", "\t#", "neither the name "]
)
def test_hostile_lines_take_no_longer_than_long_ones(piece: str) -> None:
    text = piece * (1_000_000 // len(piece)) + "copyright" + " " * 500_000
    started = time.process_time()
    copyright_holders(text)
    with_placeholders(without_holders(text))
    header_of(text)
    assert time.process_time() - started < 3
