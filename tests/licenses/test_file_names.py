import pytest

from stackspark.licenses.file_names import may_declare


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
