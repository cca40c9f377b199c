"""What a target can be: every form, and what is no target."""

import pytest

from stackspark.errors import InputError
from stackspark.explain.targets import MAX_SPLITS, Target, parse_target

ONE, TWO = "1" * 40, "2" * 40


def test_a_hash_may_be_of_a_blob_or_of_a_content() -> None:
    assert parse_target(ONE.replace("1", "A")) == Target(
        text="A" * 40, blob_id="a" * 40, content_id="a" * 40
    )
    assert not parse_target(ONE).is_name


def test_a_swhid_of_a_content_keeps_its_context() -> None:
    text = f"swh:1:cnt:{ONE};origin=https://e.org/r;anchor=swh:1:dir:{TWO};path=/a%3Bb.py"
    assert parse_target(text) == Target(
        text=text, content_id=ONE, directory_id=TWO, origin_url="https://e.org/r", path="/a;b.py"
    )
    revision = parse_target(f"swh:1:cnt:{ONE};anchor=swh:1:rev:{TWO}")
    assert (revision.content_id, revision.directory_id) == (ONE, None)


def test_a_swhid_of_a_directory_needs_a_path() -> None:
    target = parse_target(f"swh:1:dir:{ONE};path=/src/a.py")
    assert (target.directory_id, target.path, target.content_id) == (ONE, "/src/a.py", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found nothing"),
        ("  ", "found nothing"),
        ("swh:1:cnt:xyz", "40 lower-case hex digits"),
        (f"swh:1:rev:{ONE}", "names no file"),
        (f"swh:1:snp:{ONE};path=/a", "names no file"),
        (f"swh:1:dir:{ONE}", "names no file"),
        (f"swh:1:cnt:{ONE};colour=red", "qualifiers of a SWHID"),
    ],
)
def test_what_names_no_file_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_target(text)


def test_a_name_with_a_colon_is_repository_and_path_at_any_of_its_colons() -> None:
    target = parse_target("https://host:8080/o/r:src/a:b.py")
    assert target.pattern is None
    assert ("https://host:8080/o/r", "/src/a:b.py") in target.splits
    assert ("https://host:8080/o/r:src/a", "/b.py") in target.splits
    assert ("https", "//host:8080/o/r:src/a:b.py") not in target.splits


def test_a_name_without_a_colon_may_be_the_end_of_a_path() -> None:
    target = parse_target("src/a.py")
    assert target.splits == (("src", "/a.py"),)
    assert target.pattern == "%/src/a.py"
    assert parse_target("a.py").splits == ()


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("*.py", "%/%.py"),
        ("a?.py", "%/a_.py"),
        ("100%_done\\now", "%/100\\%\\_done\\\\now"),
        ("/src/a.py", "%/src/a.py"),
    ],
)
def test_only_stars_and_question_marks_are_wild(text: str, pattern: str) -> None:
    assert parse_target(text).pattern == pattern


def test_a_path_of_very_many_parts_is_cut_in_so_many_places_only() -> None:
    assert len(parse_target("/".join("a" * 500)).splits) == MAX_SPLITS
