r"""Character sets that a text says of itself, where editors, compilers and browsers look for it.

Sources: PEP 263; Emacs manual, "Specifying Coding Systems"; Vim, "modeline"; CSS Syntax, section
3.2; XML 1.0, section 4.3.3; HTML, "determining the character encoding"; gettext, "Header Entry";
LaTeX, inputenc.
"""

import re
from collections.abc import Iterator

HEAD_BYTES = 1024
"""Where a declaration stands, as in HTML; those of editors may stand as far from the end."""

NUM_VIM_LINES = 5
"""Lines at either end in which Vim looks for its settings."""

_NAME = rb"([A-Za-z0-9][A-Za-z0-9._-]*)"
_FIRST = tuple(
    re.compile(pattern)
    for pattern in (
        rb"\s*<\?xml\s[^>]*?\bencoding\s*=\s*[\"']" + _NAME,
        rb'@charset "' + _NAME + rb'";',
        rb"(?s)\s*<(?:.*?<)?meta\s[^>]*?\bcharset\s*=\s*[\"']?" + _NAME,
    )
)
"""Of the beginning of a text."""

_PYTHON = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*" + _NAME)
_EMACS = re.compile(rb"-\*-.*?\bcoding:[ \t]*" + _NAME + rb".*?-\*-")
_EMACS_END = re.compile(rb"Local Variables:(?s:.*?)\bcoding:[ \t]*" + _NAME)
_VIM = re.compile(rb"(?:^|\s)(?:vim?|ex):.*?\b(?:fileencoding|fenc)=" + _NAME)
_LINES = re.compile(rb"\r\n|\r|\n")
_ANY = tuple(
    re.compile(pattern)
    for pattern in (
        rb'(?m)^"Content-Type:[ \t]*text/plain;[ \t]*charset=' + _NAME,
        rb"(?m)^[ \t]*\\usepackage\[" + _NAME + rb"\]\{inputenc\}",
    )
)
"""Of any line of the beginning."""


def declared_labels(raw: bytes) -> Iterator[str]:
    """The names that a text gives for its character set, the most binding first."""
    head, tail = raw[:HEAD_BYTES], raw[-HEAD_BYTES:]
    lines, last = _LINES.split(head), _LINES.split(tail)
    found = [pattern.match(head) for pattern in _FIRST]
    found += [pattern.match(line) for line in lines[:2] for pattern in (_PYTHON,)]
    found += [_EMACS.search(line) for line in lines[:2]]
    found += [_VIM.search(line) for line in (*lines[:NUM_VIM_LINES], *last[-NUM_VIM_LINES:])]
    found += [_EMACS_END.search(tail), *(pattern.search(head) for pattern in _ANY)]
    yield from (match[1].decode("ascii") for match in found if match)
