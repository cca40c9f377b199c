"""Licence expressions: what they allow, and their ids as SPDX writes them today.

An expression is evaluated, not searched for names: of an OR the best branch counts, of an AND the
worst, and a known exception takes nothing away from its licence. What people write in its place
("Apache License 2.0", a trove classifier, Cargo's ``MIT/Apache-2.0``) is understood where it is
well known; all else is `unknown`, never permissive.

Source: SPDX specification 2.3, annex D; classes from ``stackspark/data/licenses.json``.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

import pyarrow as pa
from license_expression import Licensing

from stackspark.runtime.reference_data import reference_data

PERMISSIVE, UNKNOWN, NON_PERMISSIVE = "permissive", "unknown", "non_permissive"
NOT_A_LICENSE = "not_a_license"
"""Class of texts that license nothing, such as a certificate of origin."""

LICENSE_CLASSES = (PERMISSIVE, UNKNOWN, NON_PERMISSIVE)
"""From best to worst; `not_a_license` stands outside."""

MAX_EXPRESSION_CHARS = 1000
"""Longer text is no expression that anyone wrote; it is `unknown` and shown cut off."""

MAX_SHOWN_CHARS = 200
NOTHING_SAID = "NOASSERTION"
PROPRIETARY = "LicenseRef-scancode-proprietary-license"

VERDICT_TYPE = pa.struct(
    [
        pa.field("expression", pa.string()),
        pa.field("license_class", pa.string()),
        pa.field("license_ids", pa.list_(pa.string())),
        pa.field("has_choice", pa.bool_()),
    ]
)

_LATER = re.compile(r"(?i)(\+|-only|-or-later)$")
_CLASSIFIER = re.compile(r"^License ::\s*(?:.*::\s*)?", re.IGNORECASE)


class LicenseVerdict(NamedTuple):
    """Verdict on an expression.

    `expression` is the input with today's ids, or as written where it could not be understood;
    `license_ids` are its licences, sorted; `has_choice` says that it offers alternatives.
    """

    expression: str
    license_class: str
    license_ids: tuple[str, ...] = ()
    has_choice: bool = False


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Lower-case id or alias -> id of today, id -> class, lower-case name -> id."""

    ids: dict[str, str]
    classes: dict[str, str]
    names: dict[str, str]
    exceptions: frozenset[str]
    restrictions: frozenset[str]


def license_class(expression: str) -> str:
    """Class of an expression: permissive, unknown, non_permissive or not_a_license."""
    return evaluate(expression).license_class


@lru_cache(maxsize=65_536)
def evaluate(expression: str) -> LicenseVerdict:
    """Evaluate a licence expression, or what somebody wrote in its place.

    Never raises; linear in the text's length, which is bounded by `MAX_EXPRESSION_CHARS`.
    """
    text = " ".join(expression[:MAX_EXPRESSION_CHARS].split())
    not_understood = LicenseVerdict(text[:MAX_SHOWN_CHARS] or NOTHING_SAID, UNKNOWN)
    if len(expression) > MAX_EXPRESSION_CHARS:
        return not_understood
    return _named(_CLASSIFIER.sub("", text)) or _parsed(text) or not_understood


def evaluate_array(expressions: pa.Array) -> pa.StructArray:
    """Evaluate each distinct expression of an array once.

    Args:
        expressions: string array; null stays null.
    Returns:
        Struct array of `VERDICT_TYPE`, of the same length.
    """
    encoded = expressions.dictionary_encode()
    verdicts = [evaluate(expression)._asdict() for expression in encoded.dictionary.to_pylist()]
    return pa.array(verdicts, VERDICT_TYPE).take(encoded.indices)


@cache
def permissive_names() -> frozenset[str]:
    """Every permissive id and alias in lower case, LicenseRef- ones left out."""
    table = _table()
    return frozenset(
        name
        for name, key in table.ids.items()
        if table.classes[key] == PERMISSIVE and not name.startswith("licenseref-")
    )


def _named(text: str) -> LicenseVerdict | None:
    """An id or a well-known name; None if it is neither."""
    table = _table()
    key = table.names.get(text.lower()) or table.ids.get(text.lower())
    if key is None:
        return None
    return LicenseVerdict(key, table.classes[key], (key,))


def _parsed(text: str) -> LicenseVerdict | None:
    for candidate in (text, text.replace("/", " OR ")):
        try:
            tree = _parser().parse(candidate, simple=True)
        except Exception:  # noqa: S112 - hostile text raises IndexError and others too
            continue
        if tree is not None:
            return _verdict(tree)
    return None


def _verdict(tree: Any) -> LicenseVerdict:
    kind = type(tree).__name__
    if kind == "LicenseWithExceptionSymbol":
        return _with(_symbol(tree.license_symbol.key), tree.exception_symbol.key)
    if kind == "LicenseSymbol":
        return _symbol(tree.key)
    parts = [_verdict(part) for part in tree.args]
    return LicenseVerdict(
        f" {kind} ".join(map(partial(_bracketed, kind), tree.args, parts)),
        _chosen(min if kind == "OR" else max, [part.license_class for part in parts]),
        tuple(sorted({key for part in parts for key in part.license_ids})),
        kind == "OR" or any(part.has_choice for part in parts),
    )


def _chosen(choose: Callable[..., str], classes: list[str]) -> str:
    licenses = [name for name in classes if name != NOT_A_LICENSE]
    return choose(licenses, key=LICENSE_CLASSES.index) if licenses else NOT_A_LICENSE


def _bracketed(kind: str, tree: Any, part: LicenseVerdict) -> str:
    is_compound = type(tree).__name__ in ("AND", "OR") and type(tree).__name__ != kind
    return f"({part.expression})" if is_compound else part.expression


def _symbol(text: str) -> LicenseVerdict:
    table = _table()
    lower = text.lower()
    key = table.ids.get(lower) or table.names.get(lower)
    if key:
        return LicenseVerdict(key, table.classes[key], (key,))
    base = table.ids.get(_LATER.sub("", lower))
    if base:
        return LicenseVerdict(text, table.classes[base], (text,))
    # A LicenseRef names a licence of its own that is not on the list; other words may be anything.
    is_reference = lower.startswith(("licenseref-", "documentref-"))
    return LicenseVerdict(text, NON_PERMISSIVE if is_reference else UNKNOWN, (text,))


def _with(base: LicenseVerdict, exception: str) -> LicenseVerdict:
    """The licence's own class, unless what is added is unknown or takes rights away."""
    table = _table()
    key = table.ids.get(exception.lower(), exception)
    added = PERMISSIVE if key in table.exceptions else UNKNOWN
    added = NON_PERMISSIVE if key in table.restrictions else added
    expression = f"{base.expression} WITH {key}"
    return LicenseVerdict(expression, _chosen(max, [base.license_class, added]), (expression,))


@cache
def _parser() -> Any:
    return Licensing()


@cache
def _table() -> _Table:
    data = reference_data("licenses.json")
    classes = dict(_classes(data))
    aliases = {
        alias.lower(): key
        for group in ("permissive", "other")
        for key, names in data[group].items()
        for alias in names
    }
    ids = aliases | {key.lower(): key for key in classes}
    names = data["names"] | dict.fromkeys(data["proprietary_names"], PROPRIETARY)
    return _Table(
        ids=ids,
        classes=classes,
        names=names,
        exceptions=frozenset(data["exceptions"]),
        restrictions=frozenset(data["restrictions"]),
    )


def _classes(data: Any) -> Iterator[tuple[str, str]]:
    groups = {
        "permissive": PERMISSIVE,
        "other": NON_PERMISSIVE,
        "not_licenses": NOT_A_LICENSE,
        "references": UNKNOWN,
    }
    for group, name in groups.items():
        yield from ((key, name) for key in data[group])
