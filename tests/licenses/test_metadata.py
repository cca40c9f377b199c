import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackspark.licenses.metadata import MAX_METADATA_CHARS, METADATA_READERS, declared_license

POM = """<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <name>no</name><licenses>{}</licenses>
  <dependencies><license><name>no</name></license></dependencies>
</project>"""


def pom(*names: str) -> str:
    return POM.format("".join(f"<license><name>{n}</name><url>u</url></license>" for n in names))


@pytest.mark.parametrize(
    ("name", "text", "expression"),
    [
        (
            "METADATA",
            "Metadata-Version: 2.4\nLicense-Expression: MIT OR ISC\nLicense: x\n",
            "MIT OR ISC",
        ),
        (
            "PKG-INFO",
            "Metadata-Version: 2.1\r\nName: a\r\nLicense: BSD-3-Clause\r\n",
            "BSD-3-Clause",
        ),
        ("METADATA", "Metadata-Version: 2.1\nLicense: UNKNOWN\n", None),
        ("METADATA", "Metadata-Version: 2.1\nLicense: MIT License\n        Permission is\n", None),
        (
            "METADATA",
            "Metadata-Version: 2.1\nName: a\n\nLicense: MIT\n",
            None,
        ),  # in the description
        ("METADATA", "License: MIT\n", None),  # not core metadata
        (
            "METADATA",
            "Metadata-Version: 2.1\nClassifier: License :: OSI Approved :: MIT License\n",
            "License :: OSI Approved :: MIT License",
        ),
        (
            "METADATA",
            "Metadata-Version: 2.1\nClassifier: License :: OSI Approved\n"
            "Classifier: License :: OSI Approved :: MIT License\n"
            "Classifier: License :: OSI Approved :: Apache Software License\n",
            "MIT AND Apache-2.0",
        ),
        ("package.json", '{"license": " (MIT OR  GPL-3.0) "}', "(MIT OR GPL-3.0)"),
        ("package.json", '{"license": {"type": "MIT", "url": "u"}}', "MIT"),
        ("package.json", '{"licenses": [{"type": "MIT"}, "GPL-2.0-only"]}', "MIT OR GPL-2.0-only"),
        ("package.json", '{"licenses": [{"type": "MIT OR ISC"}, "0BSD"]}', "(MIT OR ISC) OR 0BSD"),
        ("package.json", '{"licenses": [{"type": "Apache 2"}]}', "Apache 2"),
        ("package.json", '{"license": "SEE LICENSE IN LICENSE.md"}', None),
        ("package.json", '{"license": "UNLICENSED"}', "UNLICENSED"),
        ("package.json", '\ufeff{"license": "MIT"}', "MIT"),
        ("package.json", '{"license": 1, "licenses": "x"}', None),
        ("package.json", '{"license": ""}', None),
        ("package.json", '["license"]', None),
        ("package.json", '{"license": "MIT"', None),
        ("package.json", "[" * 100_000, None),
        ("package.json", '{"license": "' + "x" * 300 + '"}', None),
        ("Cargo.toml", '[package]\nname = "a"\nlicense = "MIT/Apache-2.0"\n', "MIT/Apache-2.0"),
        ("Cargo.toml", "[package]\nlicense.workspace = true\n", None),
        ("Cargo.toml", '[dependencies]\nlicense = "1"\n', None),
        ("Cargo.toml", "package = 1", None),
        ("Cargo.toml", "[package\n", None),
        ("Cargo.toml", "a = " + "[" * 100_000, None),
        ("pyproject.toml", '[project]\nlicense = "MIT"\n', "MIT"),
        ("pyproject.toml", '[project]\nlicense = {text = "BSD-2-Clause"}\n', "BSD-2-Clause"),
        ("pyproject.toml", '[project]\nlicense = {file = "LICENSE"}\n', None),
        ("pyproject.toml", '[tool.poetry]\nlicense = "MIT"\n', "MIT"),
        (
            "pyproject.toml",
            '[project]\nclassifiers = ["License :: OSI Approved :: MIT License", 1]\n',
            "License :: OSI Approved :: MIT License",
        ),
        (
            "pom.xml",
            pom("The Apache Software License, Version 2.0"),
            "The Apache Software License, Version 2.0",
        ),
        ("pom.xml", pom("\n  MIT\n"), "MIT"),
        ("pom.xml", pom("MIT", "EPL-2.0"), "MIT OR EPL-2.0"),
        ("pom.xml", pom("A &amp; B"), "A & B"),
        ("pom.xml", pom(), None),
        ("pom.xml", "<project><licenses>", None),
        ("pom.xml", "<a>" * 100_000, None),
        ("pom.xml", '<!DOCTYPE a [<!ENTITY e "MIT">]>' + pom("&e;").partition("?>")[2], None),
    ],
)
def test_declared_license_of_metadata(name: str, text: str, expression: str | None) -> None:
    assert declared_license(name, text) == expression


def test_declared_license_never_expands_entities() -> None:
    laughs = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    text = f'<!DOCTYPE a [<!ENTITY e0 "ha">{laughs}]><project>&e11;</project>'
    assert declared_license("pom.xml", text) is None


def test_declared_license_bounds_metadata() -> None:
    text = json.dumps({"license": "MIT", "x": "y" * MAX_METADATA_CHARS})
    assert declared_license("package.json", text) is None


@pytest.mark.parametrize("name", ["LICENSE", "README.md", "metadata", "main.c"])
def test_declared_license_of_other_files(name: str) -> None:
    assert declared_license(name, "MIT License\n") is None
    assert declared_license(name, '{"license": "MIT"}') is None


@given(st.sampled_from([*METADATA_READERS]), st.text(max_size=100))
def test_declared_license_of_any_text(name: str, text: str) -> None:
    declared = declared_license(name, text)
    assert declared is None or declared
