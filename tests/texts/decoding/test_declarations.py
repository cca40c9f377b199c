import pytest

from stackspark.texts.decoding.charsets import names_meant
from stackspark.texts.decoding.declarations import declared_labels

HEADER = '<!doctype html>\n<html><head><title>x</title>\n<meta charset="euc-kr">'


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("# -*- coding: iso-8859-15 -*-", "iso-8859-15"),
        ("#!/usr/bin/python\n# vim: set fileencoding=cp1251 :", "cp1251"),
        ("# encoding: sjis", "sjis"),
        (";; -*- mode: lisp; coding: koi8-r-unix -*-", "koi8-r-unix"),
        ("\n\n\n\n/* vim:set ts=4 fenc=latin1: */", "latin1"),
        ("x\n" * 99 + "# vim: fileencoding=euc-jp\n", "euc-jp"),
        ("x\n" * 99 + "# Local Variables:\n# mode: c\n# coding: cp1250\n# End:\n", "cp1250"),
        ('@charset "windows-1253";\na {}', "windows-1253"),
        ('<?xml version="1.0" encoding="ISO-8859-2"?>', "ISO-8859-2"),
        ("<?xml version='1.0' encoding='big5'?>", "big5"),
        (HEADER, "euc-kr"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=gb2312">', "gb2312"),
        ('msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=CP1257\\n"', "CP1257"),
        ("\\documentclass{book}\n\\usepackage[latin2]{inputenc}", "latin2"),
        ("# coding: latin-1\r# carriage returns alone", "latin-1"),
    ],
)
def test_declarations_are_found(text: str, label: str) -> None:
    assert next(declared_labels(text.encode())) == label


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1\ny = 2\n# coding: cp1251",  # the third line
        "encoding = 'cp1251'  # coding",
        'a {}\n@charset "cp1251";',  # not at the beginning
        "const html = '<meta charset=\"big5\">'",  # a page within a program
        "x\n" * 9 + "# vim: fileencoding=cp1251\n" + "x\n" * 9,
        "// encoding of this: cp1251",
    ],
)
def test_what_is_no_declaration(text: str) -> None:
    assert list(declared_labels(text.encode())) == []


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("latin-1", ["WINDOWS-1252", "ISO-8859-1"]),
        ("ISO-8859-1", ["WINDOWS-1252", "ISO-8859-1"]),
        ("iso-latin-1-unix", ["WINDOWS-1252", "ISO-8859-1"]),
        ("Shift_JIS", ["CP932", "SHIFT_JIS_2004"]),
        ("euc-kr", ["CP949"]),
        ("GB2312", ["GB18030"]),
        ("windows-874", ["CP874"]),
        ("koi8-r", ["KOI8-R"]),
        ("macintosh", ["MACINTOSH"]),
        ("ascii", []),  # says nothing of other bytes
        ("utf-8", []),  # has been tried
        ("unicode_escape", []),  # no character set: would run escapes
        ("rot13", []),
        ("hex", []),
        ("no-such-charset", []),
    ],
)
def test_a_label_means_what_browsers_read(label: str, names: list[str]) -> None:
    assert list(names_meant(label)) == names
