import json
import re
import time
from importlib.resources import files

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_spdx import RANK, Tree, expected_class, written

from stackspark.licenses.expressions import (
    LICENSE_CLASSES,
    MAX_EXPRESSION_CHARS,
    evaluate,
    evaluate_array,
    license_class,
    permissive_names,
)
from stackspark.runtime.reference_data import reference_data

PERMISSIVE, UNKNOWN, NON_PERMISSIVE = LICENSE_CLASSES

TREES = st.recursive(
    st.sampled_from(sorted(RANK)),
    lambda inner: st.tuples(
        st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", PERMISSIVE),
        ("mit", PERMISSIVE),
        ("MIT OR GPL-2.0", PERMISSIVE),
        ("mit or gpl-2.0-only", PERMISSIVE),
        ("MIT AND GPL-2.0-only", NON_PERMISSIVE),
        # AND binds more tightly than OR
        ("MIT OR Apache-2.0 AND GPL-3.0-only", PERMISSIVE),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", NON_PERMISSIVE),
        # every way to write a version
        ("GPL-2.0", NON_PERMISSIVE),
        ("GPL-2.0+", NON_PERMISSIVE),
        ("GPL-2.0-or-later", NON_PERMISSIVE),
        ("Apache-2.0+", PERMISSIVE),
        ("Apache-2.0-or-later", PERMISSIVE),
        # an id that SPDX has replaced
        ("BSD-2-Clause-NetBSD", PERMISSIVE),
        ("GPL-2.0-with-classpath-exception", NON_PERMISSIVE),
        # exceptions give, restrictions take, what is neither is not trusted
        ("Apache-2.0 WITH LLVM-exception", PERMISSIVE),
        ("MIT WITH Classpath-exception-2.0", PERMISSIVE),
        ("GPL-2.0-only WITH Classpath-exception-2.0", NON_PERMISSIVE),
        ("Apache-2.0 WITH LicenseRef-scancode-commons-clause", NON_PERMISSIVE),
        ("MIT WITH Our-own-terms", UNKNOWN),
        # Blue Oak calls it permissive, ScanCode does not
        ("Artistic-2.0", PERMISSIVE),
        ("MPL-2.0", NON_PERMISSIVE),
        ("CC-BY-4.0", PERMISSIVE),
        ("CC-BY-NC-4.0", NON_PERMISSIVE),
        # licences that are on no list
        ("LicenseRef-Acme", NON_PERMISSIVE),
        ("DocumentRef-spdx:LicenseRef-Acme AND MIT", NON_PERMISSIVE),
        ("LicenseRef-scancode-public-domain", PERMISSIVE),
        # texts that license nothing
        ("LicenseRef-scancode-dco-1.1", "not_a_license"),
        ("MIT AND LicenseRef-scancode-dco-1.1", PERMISSIVE),
        ("GPL-3.0-only OR LicenseRef-scancode-dco-1.1", NON_PERMISSIVE),
        ("LicenseRef-scancode-dco-1.1 WITH LLVM-exception", PERMISSIVE),
        # what people write
        ("MIT License", PERMISSIVE),
        ("Apache License, Version 2.0", PERMISSIVE),
        ("BSD", PERMISSIVE),
        ("GPLv3+", NON_PERMISSIVE),
        ("License :: OSI Approved :: MIT License", PERMISSIVE),
        ("License :: OSI Approved :: GNU General Public License (GPL)", NON_PERMISSIVE),
        ("License :: OSI Approved", UNKNOWN),
        ("MIT/Apache-2.0", PERMISSIVE),
        ("Proprietary", NON_PERMISSIVE),
        ("UNLICENSED", NON_PERMISSIVE),
        ("All rights reserved", NON_PERMISSIVE),
        ("UNKNOWN", UNKNOWN),
        ("SEE LICENSE IN terms.txt", UNKNOWN),
        ("NOASSERTION", UNKNOWN),
        # no expressions
        ("", UNKNOWN),
        ("()", UNKNOWN),
        ("MIT OR", UNKNOWN),
        ("MIT Apache-2.0", UNKNOWN),
        ("MIT, Apache-2.0", UNKNOWN),
        ("MIT\0", UNKNOWN),
    ],
)
def test_license_class_of(expression: str, expected: str) -> None:
    assert license_class(expression) == expected


@given(TREES)
def test_license_class_is_the_best_choice(tree: Tree) -> None:
    assert license_class(written(tree)) == expected_class(tree)


@given(TREES)
def test_evaluate_writes_an_equal_expression(tree: Tree) -> None:
    verdict = evaluate(written(tree).lower())
    again = evaluate(verdict.expression)
    assert again.expression == verdict.expression
    assert again.license_class == verdict.license_class == expected_class(tree)
    assert list(verdict.license_ids) == sorted(set(verdict.license_ids))
    assert verdict.has_choice == (" OR " in verdict.expression)


@given(st.text(max_size=60))
def test_evaluate_takes_any_text(text: str) -> None:
    verdict = evaluate(text)
    assert verdict.license_class in (*LICENSE_CLASSES, "not_a_license")
    assert verdict.expression


def test_evaluate_names_the_ids_of_today() -> None:
    verdict = evaluate(" (mit OR gpl-2.0)  AND Zlib ")
    assert verdict.expression == "(MIT OR GPL-2.0-only) AND Zlib"
    assert verdict.license_ids == ("GPL-2.0-only", "MIT", "Zlib")


@pytest.mark.parametrize("text", ["(" * 500_000, "MIT OR " * 100_000, "a" * 1_000_000])
def test_evaluate_of_hostile_text_is_quick(text: str) -> None:
    started = time.perf_counter()
    verdict = evaluate(text)
    assert time.perf_counter() - started < 0.1
    assert (verdict.license_class, len(verdict.expression) <= 200) == (UNKNOWN, True)


def test_evaluate_reads_up_to_the_limit() -> None:
    longest = " " * (MAX_EXPRESSION_CHARS - 3) + "MIT"
    assert license_class(longest) == PERMISSIVE
    assert license_class(" " + longest) == UNKNOWN


def test_evaluate_of_deep_nesting() -> None:
    deep = "(MIT AND (ISC OR " * 50 + "Zlib" + "))" * 50
    assert len(deep) < MAX_EXPRESSION_CHARS
    assert license_class(deep) == PERMISSIVE


def test_evaluate_array_keeps_nulls_and_order() -> None:
    verdicts = evaluate_array(pa.array(["MIT", None, "GPL-3.0", "MIT"])).to_pylist()
    assert [row and row["expression"] for row in verdicts] == ["MIT", None, "GPL-3.0-only", "MIT"]
    assert verdicts[0] == {
        "expression": "MIT",
        "license_class": PERMISSIVE,
        "license_ids": ["MIT"],
        "has_choice": False,
    }
    assert len(evaluate_array(pa.array([], pa.string()))) == 0


def test_permissive_names_are_lower_case_ids_and_aliases() -> None:
    names = permissive_names()
    assert {"mit", "apache-2.0", "bsd-2-clause-netbsd", "artistic-2.0"} <= names
    assert not {"gpl-3.0", "agpl-3.0", "mpl-2.0", "noassertion"} & names
    assert all(name == name.lower() and license_class(name) == PERMISSIVE for name in names)


def test_list_of_licenses_is_that_of_the_installed_index() -> None:
    """The file in the package is what its generator makes of the sources that it names."""
    data = reference_data("licenses.json")
    index = json.loads(
        files("license_expression").joinpath("data", "scancode-licensedb-index.json").read_text()
    )
    permissive = {
        row["spdx_license_key"]
        for row in index
        if row["category"] in ("Permissive", "Public Domain") and row["spdx_license_key"]
    }
    assert permissive <= {*data["permissive"], *data["not_licenses"]}
    assert set(data["permissive"]) - permissive <= {"Ruby", "Vim", "LPPL-1.3c", "Qhull"} | {
        name
        for name in data["permissive"]
        if re.match("Artistic|BSD-3|ClArt|HPND|LPL|NASA|NBPL|OGTSL|OLDAP-1", name)
    }
    assert {"ScanCode LicenseDB", "Blue Oak Council"} <= set(data["sources"])
