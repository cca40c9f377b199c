import pytest

from stackspark.licenses.file_names import is_license_file, may_declare


@pytest.mark.parametrize(
    "name",
    [
        "LICENSE",
        "LICENSE-MIT",
        "MIT.txt",
        "Apache-2.0.txt",
        "AL2.0",
        "COPYING3",
        "COPYING.LESSER",
        "GPLv3.md",
        "LGPLv2.1",
        "README.md",
        "readme_fr.txt",
        "about.html",
        "NOTICE",
        "licence",
        "license.js",
        "mit_parser.py",
        "foo.mit",
        "x.al",
        "my-license",
        "UNLICENSE",
        "copyright",
        "legal.md",
        "cc0",
        "disclaimer.txt",
        "GUIDELINES",
        "lisence",
        "licences",
        "copyleft",
        "AGPL-3.0",
        "BSDL",
        "mitx",
        "eupl-1.2",
        "gfdl",
        "mpl",
        "CPL",
        "artistic",
    ],
)
def test_is_license_file(name: str) -> None:
    assert is_license_file(name)


@pytest.mark.parametrize(
    "name",
    ["Apache2.0", "licensed.py", "main.py", "mylicense", "gpl4x", "readmes", "", "copyrights"],
)
def test_is_license_file_not(name: str) -> None:
    assert not is_license_file(name)


@pytest.mark.parametrize(
    "name", ["LICENSE", "license.txt", "MIT-LICENSE", "COPYING.md", "License.MIT", "legal"]
)
def test_may_declare(name: str) -> None:
    assert may_declare(name)


@pytest.mark.parametrize(
    "name",
    # Names of the published list that mention licences, programs, pictures, and other names.
    [
        *("README.md", "about.html", "NOTICE", "guidelines", "license.js", "mit_parser.py"),
        *("LICENSE.JSON", "foo.txt", "main.c", "licenses.yaml", "license.png", "copying.GIF"),
    ],
)
def test_may_declare_not(name: str) -> None:
    assert not may_declare(name)
