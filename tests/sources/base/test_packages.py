from pathlib import Path

import pytest
from source_fixtures import write_files

from stackspark.sources.base.specs import parse_source
from stackspark.sources.listing.containers import expand_sources


@pytest.mark.parametrize(
    ("name", "origin", "repo_name"),
    [
        ("Foo_Bar-1.0-py3-none-any.whl", "pkg:pypi/foo-bar@1.0", "foo-bar@1.0"),
        ("x-1.0-1-cp311-cp311-any.whl", "pkg:pypi/x@1.0", "x@1.0"),
        (
            "serde_json-1.0.1-rc.1.crate",
            "pkg:cargo/serde_json@1.0.1-rc.1",
            "serde_json@1.0.1-rc.1",
        ),
        (
            "cache/download/github.com/!burnt!sushi/toml/@v/v1.2.0.zip",
            "pkg:golang/github.com/BurntSushi/toml@v1.2.0",
            "github.com/BurntSushi/toml@v1.2.0",
        ),
        ("left-pad-1.3.0.tgz", None, "left-pad@1.3.0"),
        ("foo-2.0.tar.gz", None, "foo@2.0"),
        ("notes.zip", None, "notes.zip"),
    ],
)
def test_origins_of_packages(tmp_path: Path, name: str, origin: str | None, repo_name: str) -> None:
    write_files(tmp_path, {name: ""})
    (container,) = expand_sources([parse_source(f"archive:{tmp_path}/{name}")])
    assert container.origin_url == (origin or (tmp_path / name).as_uri())
    assert container.repo_name == repo_name
