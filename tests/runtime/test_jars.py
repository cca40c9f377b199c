"""The cache of jars: complete or fetched, never trusted unseen."""

import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stackspark.errors import SetupError
from stackspark.runtime import jars as jars_module
from stackspark.runtime.jars import Jar, cached_jars, pinned_jars
from stackspark.runtime.java import JavaHome, find_java

JAVA = JavaHome(path=Path("/nowhere"), version=17, origin="test")
PINS = [
    Jar(
        group="org.a",
        artifact=name,
        version="1.0",
        sha256=hashlib.sha256(name.encode()).hexdigest(),
    )
    for name in ("one", "two")
]


class FakeIvy:
    """Stands for the fetch: writes what each jar is said to hold, and counts its calls."""

    def __init__(self, **contents: str) -> None:
        self.contents = contents
        self.fetched: list[list[str]] = []

    def __call__(self, jars: list[Jar], scratch: Path, java: JavaHome) -> str:
        self.fetched.append([jar.artifact for jar in jars])
        for jar in jars:
            if jar.artifact in self.contents:
                (scratch / jar.file_name).write_text(self.contents[jar.artifact])
        return "java.net.UnknownHostException: mirror"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STACKSPARK_CACHE", str(tmp_path))
    monkeypatch.setattr(jars_module, "pinned_jars", lambda part: PINS if part == "delta" else [])
    return tmp_path / "jars"


def use(monkeypatch: pytest.MonkeyPatch, **contents: str) -> FakeIvy:
    ivy = FakeIvy(**contents)
    monkeypatch.setattr(jars_module, "_run_ivy", ivy)
    return ivy


def test_cached_jars_fetches_once_and_says_so(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ivy = use(monkeypatch, one="one", two="two")
    with caplog.at_level(logging.WARNING):
        first = cached_jars(JAVA, s3a=False)
        assert cached_jars(JAVA, s3a=False) == first
    assert ivy.fetched == [["one", "two"]]
    assert len(caplog.records) == 1
    assert "fetching 2 jars" in caplog.text
    assert sorted(path.name for path in cache.iterdir()) == [
        "org.a_one-1.0.jar",
        "org.a_two-1.0.jar",
    ]


def test_cached_jars_fetches_a_damaged_jar_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ivy = use(monkeypatch, one="one", two="two")
    paths = cached_jars(JAVA, s3a=False)
    paths[1].write_text("twenty")
    cached_jars(JAVA, s3a=False)
    assert ivy.fetched == [["one", "two"], ["two"]]
    assert paths[1].read_text() == "two"


def test_cached_jars_are_whole_for_every_start_of_a_race(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, one="one", two="two")
    with ThreadPoolExecutor(8) as pool:
        starts = [pool.submit(cached_jars, JAVA, s3a=False) for _ in range(16)]
        texts = {tuple(path.read_text() for path in start.result()) for start in starts}
    assert texts == {("one", "two")}


def test_cached_jars_refuses_what_is_not_pinned(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, one="one", two="evil")
    with pytest.raises(SetupError, match=r"org.a_two-1.0.jar has another SHA-256"):
        cached_jars(JAVA, s3a=False)
    assert "org.a_two-1.0.jar" not in {path.name for path in cache.iterdir()}


def test_cached_jars_says_why_a_jar_cannot_be_fetched(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, one="one")
    with pytest.raises(
        SetupError, match=r"two-1.0.jar cannot be fetched \(.*UnknownHost"
    ) as raised:
        cached_jars(JAVA, s3a=False)
    assert str(cache) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [path.name for path in cache.iterdir()] == ["org.a_one-1.0.jar"]


def test_cached_jars_keeps_what_it_has_without_a_network(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, one="one", two="two")
    cached_jars(JAVA, s3a=False)
    ivy = use(monkeypatch)
    cached_jars(JAVA, s3a=False)
    assert ivy.fetched == []


def test_pinned_jars_of_delta_are_nine_and_fit_the_wheel() -> None:
    from importlib.metadata import version

    jars = {jar.artifact: jar for jar in pinned_jars("delta")}
    assert len(jars) == 9
    assert jars["delta-spark_4.1_2.13"].version == version("delta-spark")
    assert version("pyspark").startswith("4.1.")


def test_pinned_jars_hold_no_sdk_bundle() -> None:
    assert "bundle" not in {jar.artifact for jar in pinned_jars("s3a")}


def test_ivy_of_spark_fails_with_one_line_where_there_is_no_mirror(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = tmp_path / "ivysettings.xml"
    settings.write_text(
        '<ivysettings><settings defaultResolver="local"/><resolvers><filesystem name="local">'
        f'<artifact pattern="{tmp_path}/none/[artifact].[ext]"/></filesystem></resolvers>'
        "</ivysettings>"
    )
    monkeypatch.setenv("STACKSPARK_IVY_SETTINGS", str(settings))
    with pytest.raises(SetupError, match=r"org.a_one-1.0.jar cannot be fetched"):
        cached_jars(find_java(), s3a=False)


def test_ivy_of_spark_fetches_from_the_mirror_of_the_settings(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for name in ("one", "two"):
        (mirror / f"{name}-1.0.jar").write_text(name)
    settings = tmp_path / "ivysettings.xml"
    settings.write_text(
        '<ivysettings><settings defaultResolver="local"/><resolvers><filesystem name="local">'
        f'<artifact pattern="{mirror}/[artifact]-[revision].[ext]"/></filesystem></resolvers>'
        "</ivysettings>"
    )
    monkeypatch.setenv("STACKSPARK_IVY_SETTINGS", str(settings))
    paths = cached_jars(find_java(), s3a=False)
    assert [path.read_text() for path in paths] == ["one", "two"]
