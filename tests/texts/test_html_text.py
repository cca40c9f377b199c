import html
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from stackspark.texts.html_text import visible_chars


@pytest.mark.parametrize(
    ("source", "visible"),
    [
        ("", ""),
        ("plain é中😀", "plain é中😀"),
        ("<p>one</p>\n<p>two</p>", "one\ntwo"),  # white space counts
        ("<script>if (a<b) {}</script>x<STYLE>p>q{}</Style >y", "xy"),
        ("<script>'</scripty>' </script>x", "x"),
        ("<scripty>x</scripty>", "x"),
        ("<script src=a/>x</script>y", "y"),  # the slash closes nothing
        ("<!-- <p>no</p> -->x<!-->y<!--->z<!-- a --!>w", "xyzw"),
        ("<!doctype html><?xml version='1'?></ bogus>x</>y", "xy"),
        ('<a title="x>y" alt=\'>\' href=a"b>z</a>', "z"),
        ("<p don't>x", "x"),  # a quote in a name quotes nothing
        ("a < b <3 <", "a < b <3 <"),
        ("&lt;&#60;&#x3c;&amp", "<<<&amp"),
        ("& && &; &#; &nosemicolon x", "& && &; # &nosemicolon x"),
        ("x<script>never closed", "x"),
        ("x<!-- never closed", "x"),
        ('x<a href="never closed > y', "x"),
        ("x<a b=", "x"),
    ],
)
def test_visible_chars(source: str, visible: str) -> None:
    assert visible_chars(source) == len(visible)


WORDS = st.text(alphabet="ab é\n&<>\"'=", max_size=8)
NAMES = st.sampled_from(["p", "div", "b", "i", "span", "script", "style", "h1", "em"])


def element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    attribute = st.one_of(
        st.just(""),
        WORDS.map(lambda value: f' title="{html.escape(value)}"'),
        WORDS.map(lambda value: " alt='" + value.replace("'", "") + "'"),
    )
    return st.builds(
        lambda name, a, inner: f"<{name}{a}>{inner}</{name}>", NAMES, attribute, children
    )


DOCUMENTS = st.recursive(
    st.one_of(
        WORDS.map(html.escape), WORDS.map(lambda word: "<!--" + re.sub("[->]", "", word) + "-->")
    ),
    lambda children: st.one_of(element(children), st.tuples(children, children).map("".join)),
    max_leaves=12,
)


@settings(deadline=None, max_examples=200)
@given(DOCUMENTS)
def test_visible_chars_equals_a_tree_builder(document: str) -> None:
    # A paragraph first, so that the builder drops no white space before the body.
    tree = LexborHTMLParser(f"<body>x{document}")
    tree.strip_tags(["script", "style"])
    assert visible_chars(f"<body>x{document}") == len(tree.body.text())


@settings(deadline=None)
@given(st.text(alphabet="<>/!-?&#;\"'= \nscripty1é", max_size=60))
def test_visible_chars_of_any_text(source: str) -> None:
    assert 0 <= visible_chars(source) <= len(source)


@pytest.mark.parametrize(
    "piece",
    ["<div>", "<b a=1><p>", "<", "<!--", "<a b=", '<a b="', "<script>", "&#", "<table>", "</"],
)
def test_visible_chars_takes_linear_time(piece: str) -> None:
    source = piece * (5_000_000 // len(piece))
    visible_chars("")
    started = time.process_time()
    visible_chars(source)
    # A tree builder of the standard takes hours or all memory for some of these.
    assert time.process_time() - started < 2
