"""All repositories of this file go through the stages together, once per policy."""

import random
from hashlib import sha1
from typing import Any, get_args

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from reference_licenses import Repository, expected_type

from stackspark.contracts.tables import table_contract
from stackspark.licenses.assign_licenses import (
    REASONS,
    AssignLicensesParams,
    Policy,
    assign_licenses,
)
from stackspark.licenses.collect_declarations import (
    CollectDeclarationsParams,
    collect_declarations,
)

METADATA, TEXT = "package_metadata", "license_file"
REFERENCE = "LicenseRef-scancode-unknown-license-reference"
ORIGIN_CERTIFICATE = "LicenseRef-scancode-dco-1.1"
GONE = "/gone.c"

TREE: list[tuple[str | None, list[str], str]] = [
    ("MIT", [], "github_permissive"),
    ("mit", ["GPL-3.0-only"], "github_permissive"),
    ("GPL-3.0", ["MIT"], "github_non_permissive"),
    (None, [], "nothing_declared"),
    ("NOASSERTION", [], "github_unidentified"),
    ("NOASSERTION", ["MIT"], "declared_permissive"),
    (None, ["MIT", REFERENCE], "declared_permissive"),
    (None, ["MIT", "see the file COPYING"], "declared_permissive"),
    (None, [REFERENCE], "declared_unknown"),
    (None, ["MIT", "GPL-2.0"], "declared_non_permissive"),
    (None, ["MIT OR GPL-2.0"], "declared_permissive"),
    (None, ["MIT", "LicenseRef-Acme"], "declared_non_permissive"),
    (None, [ORIGIN_CERTIFICATE], "declared_not_a_license"),
    (None, [ORIGIN_CERTIFICATE, "MIT"], "declared_permissive"),
]
"""(GitHub's licence, licence files at the root, the step that decides)."""


def with_texts(texts: list[str], github: str | None = None) -> Repository:
    names = {f"/LICENSE-{i}": (text, TEXT) for i, text in enumerate(texts)}
    return Repository(tags=dict.fromkeys([*names, "/src/a.c", GONE]), declared=names, github=github)


def with_choice(metadata: str) -> Repository:
    """A package that brings the texts of both its licences."""
    return Repository(
        tags={"/a.c": None, "/Cargo.toml": None, "/MIT": None, "/GPL": None},
        declared={
            "/Cargo.toml": (metadata, METADATA),
            "/MIT": ("MIT", TEXT),
            "/GPL": ("GPL-2.0-only", TEXT),
        },
    )


def random_repository(chance: random.Random) -> Repository:
    texts = ["MIT", "gpl-3.0", "MIT OR GPL-2.0", "Foo", ORIGIN_CERTIFICATE, "ISC AND MIT"]
    depths = [chance.randrange(4) for _ in range(4)]
    folders = ["/" + "".join(f"{chance.choice('abA')}/" for _ in range(depth)) for depth in depths]
    names = [f"{chance.choice(folders)}LICENSE-{number}" for number in range(2)]
    declared = {name: (chance.choice(texts), TEXT) for name in names}
    paths = [chance.choice(folders) + f"f{i}" for i in range(6)]
    tags = {path: chance.choice([None, None, *texts]) for path in paths}
    github = chance.choice([None, None, "MIT", "GPL-3.0", "NOASSERTION"])
    return Repository(tags=tags | dict.fromkeys(declared), declared=declared, github=github)


CHANCE = random.Random(7)
REPOSITORIES = {
    "vendored": Repository(
        tags={
            "/LICENSE": None,
            "/main.c": None,
            "/old.c": "GPL-2.0+",
            "/lib/gpl/COPYING": None,
            "/lib/gpl/src/a.c": None,
            "/lib/gpl/src/b.c": "MIT",
            "/lib/gplate/c.c": None,
        },
        declared={"/LICENSE": ("MIT", TEXT), "/lib/gpl/COPYING": ("GPL-3.0-only", TEXT)},
    ),
    "github": Repository(
        tags={"/a.c": None, "/b.c": "GPL-2.0-only", "/vendor/x/LICENSE": None, "/vendor/y.c": None},
        declared={"/vendor/x/LICENSE": ("GPL-2.0-only", TEXT)},
        github="MIT",
    ),
    "wheel": Repository(
        tags={
            "/pkg/a.py": None,
            "/pkg-1.dist-info/METADATA": None,
            "/pkg-1.dist-info/licenses/LICENSE": None,
            "/pkg-1.dist-info/licenses/vendor/LICENSE": None,
        },
        declared={
            "/pkg-1.dist-info/METADATA": ("MIT", METADATA),
            "/pkg-1.dist-info/licenses/LICENSE": ("MIT", TEXT),
            "/pkg-1.dist-info/licenses/vendor/LICENSE": ("GPL-3.0-only", TEXT),
        },
    ),
    "npm": Repository(
        tags={"/package.json": None, "/sub/package.json": None, "/sub/a.js": None, "/b.js": None},
        declared={"/package.json": ("MIT", METADATA), "/sub/package.json": ("GPL-3.0", METADATA)},
    ),
    "mit_or_gpl": with_choice("MIT OR GPL-2.0"),
    "mit_or_later": with_choice("MIT OR GPL-2.0-or-later"),
    "mit_or_apache": with_choice("MIT OR Apache-2.0"),
    "mit": with_choice("MIT"),
    "contradiction": Repository(
        tags={"/a.c": None, "/b.c": "MIT", "/package.json": None, "/LICENSE": None},
        declared={"/package.json": ("MIT", METADATA), "/LICENSE": ("GPL-3.0-only", TEXT)},
    ),
    "disclaimer": Repository(
        tags={
            "/COPYING": None,
            "/doc/legal/DISCLAIMER": None,
            "/doc/legal/a.c": None,
            "/b.c": ORIGIN_CERTIFICATE,
        },
        declared={
            "/COPYING": ("GPL-3.0-only", TEXT),
            "/doc/legal/DISCLAIMER": (ORIGIN_CERTIFICATE, TEXT),
        },
    ),
    "disclaimer, github": Repository(
        tags={"/legal/DISCLAIMER": None, "/legal/a.c": None},
        declared={"/legal/DISCLAIMER": (ORIGIN_CERTIFICATE, TEXT)},
        github="GPL-3.0",
    ),
    "many": with_texts(["MIT", "ISC", "Zlib", "GPL-3.0-only", "Apache-2.0"]),
    **{f"tree {i}": with_texts(texts, github) for i, (github, texts, _) in enumerate(TREE)},
    **{f"random {i}": random_repository(CHANCE) for i in range(40)},
}

Found = dict[str, dict[str, dict[str, Row]]]


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Found:
    """Rows of `licenses` by policy, repository and path."""
    return {policy: assigned(spark, REPOSITORIES, policy) for policy in get_args(Policy)}


def test_nearest_declaration_decides(found: Found) -> None:
    rows = found["nearest"]["vendored"]
    assert {path: (row.license_type, row.detected_licenses) for path, row in rows.items()} == {
        "/LICENSE": ("permissive", ["MIT"]),
        "/main.c": ("permissive", ["MIT"]),
        "/old.c": ("non_permissive", ["GPL-2.0-or-later"]),
        "/lib/gpl/COPYING": ("non_permissive", ["GPL-3.0-only"]),
        "/lib/gpl/src/a.c": ("non_permissive", ["GPL-3.0-only"]),
        "/lib/gpl/src/b.c": ("permissive", ["MIT"]),
        # a folder's name that begins like the declaring one
        "/lib/gplate/c.c": ("permissive", ["MIT"]),
    }
    assert sources(rows["/lib/gpl/src/a.c"]) == [("/lib/gpl/COPYING", "GPL-3.0-only", TEXT)]
    assert sources(rows["/old.c"]) == [("/old.c", "GPL-2.0-or-later", "spdx_tag")]


def test_union_makes_a_file_answer_for_all(found: Found) -> None:
    rows = found["union"]["vendored"]
    assert rows["/lib/gpl/src/b.c"].detected_licenses == ["GPL-3.0-only", "MIT"]
    assert rows["/lib/gpl/src/b.c"].license_type == "non_permissive"
    assert rows["/old.c"].detected_licenses == ["GPL-2.0-or-later", "MIT"]
    assert rows["/main.c"].license_type == "permissive"


@pytest.mark.parametrize("policy", get_args(Policy))
def test_decision_tree(found: Found, policy: str) -> None:
    rows = [found[policy][f"tree {i}"]["/src/a.c"] for i in range(len(TREE))]
    assert [row.license_reason for row in rows] == [reason for _, _, reason in TREE]
    assert [row.license_type for row in rows] == [REASONS[reason] for _, _, reason in TREE]


def test_github_speaks_for_the_root_alone(found: Found) -> None:
    rows = found["nearest"]["github"]
    assert {path: row.license_reason for path, row in rows.items()} == {
        "/a.c": "github_permissive",
        "/b.c": "declared_non_permissive",
        "/vendor/x/LICENSE": "declared_non_permissive",
        "/vendor/y.c": "github_permissive",
    }
    assert sources(rows["/a.c"]) == [("/", "MIT", "github")]
    assert rows["/a.c"].detected_licenses == []


def test_metadata_of_a_distribution_speaks_for_the_package_beside_it(found: Found) -> None:
    rows = found["nearest"]["wheel"]
    assert rows["/pkg/a.py"].detected_licenses == ["MIT"]
    assert sources(rows["/pkg/a.py"]) == [
        ("/pkg-1.dist-info/METADATA", "MIT", METADATA),
        ("/pkg-1.dist-info/licenses/LICENSE", "MIT", TEXT),
    ]


def test_what_licenses_nothing_hides_no_licence(found: Found) -> None:
    rows = found["nearest"]["disclaimer"]
    assert {row.license_reason for row in rows.values()} == {"declared_non_permissive"}
    assert sources(rows["/doc/legal/a.c"]) == [("/COPYING", "GPL-3.0-only", TEXT)]
    rows = found["nearest"]["disclaimer, github"]
    assert rows["/legal/a.c"].license_reason == "github_non_permissive"


def test_package_json_speaks_for_its_folder(found: Found) -> None:
    rows = found["nearest"]["npm"]
    assert rows["/b.js"].license_type == "permissive"
    assert rows["/sub/a.js"].license_type == "non_permissive"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mit_or_gpl", ("permissive", ["MIT OR GPL-2.0-only"])),
        ("mit_or_later", ("permissive", ["MIT OR GPL-2.0-or-later"])),
        ("mit_or_apache", ("non_permissive", ["GPL-2.0-only", "MIT OR Apache-2.0"])),
        ("mit", ("non_permissive", ["GPL-2.0-only", "MIT"])),
    ],
)
def test_choice_of_the_metadata_explains_the_texts(
    found: Found, name: str, expected: tuple[str, list[str]]
) -> None:
    row = found["nearest"][name]["/a.c"]
    assert (row.license_type, row.detected_licenses) == expected


@pytest.mark.parametrize("policy", get_args(Policy))
def test_random_trees_agree_with_the_oracle(found: Found, policy: str) -> None:
    for name, repository in REPOSITORIES.items():
        if name.startswith("random"):
            rows = found[policy][name]
            assert {path: (row.license_type, row.license_reason) for path, row in rows.items()} == {
                path: expected_type(repository, path, policy) for path in repository.tags
            }


@pytest.mark.parametrize("policy", get_args(Policy))
def test_files_without_bytes_have_a_license_too(found: Found, policy: str) -> None:
    assert found[policy]["many"][GONE].license_type == "non_permissive"


def test_limit_on_declarations_keeps_the_worst(spark: SparkSession) -> None:
    rows = assigned(spark, {"many": REPOSITORIES["many"]}, "union", max_declarations=2)["many"]
    assert rows["/src/a.c"].detected_licenses == ["Apache-2.0", "GPL-3.0-only"]
    assert rows["/src/a.c"].license_type == "non_permissive"


def test_contradictions_are_named(found: Found) -> None:
    nearest = found["nearest"]
    conflicts = {
        (name, path): nearest[name][path].license_conflicts
        for name, path in (
            ("contradiction", "/a.c"),
            ("contradiction", "/b.c"),  # its own tag decides; the folder's quarrel is not its own
            ("tree 1", "/src/a.c"),
            ("tree 2", "/src/a.c"),
            ("tree 5", "/src/a.c"),  # GitHub could not tell
            ("mit_or_gpl", "/a.c"),  # the text of one of the choices
            ("vendored", "/main.c"),
        )
    }
    assert conflicts == {
        ("contradiction", "/a.c"): ["metadata_against_text"],
        ("contradiction", "/b.c"): [],
        ("tree 1", "/src/a.c"): ["github_against_declared"],
        ("tree 2", "/src/a.c"): ["github_against_declared"],
        ("tree 5", "/src/a.c"): [],
        ("mit_or_gpl", "/a.c"): [],
        ("vendored", "/main.c"): [],
    }


def test_who_is_believed_is_a_parameter(spark: SparkSession, found: Found) -> None:
    repository = {"contradiction": REPOSITORIES["contradiction"]}
    answers = {"strictest": found["nearest"]["contradiction"]["/a.c"]}
    for believed in ("metadata", "text"):
        rows = assigned(spark, repository, "nearest", conflicts=believed)
        answers[believed] = rows["contradiction"]["/a.c"]
    assert {name: (row.license_type, row.detected_licenses) for name, row in answers.items()} == {
        "strictest": ("non_permissive", ["GPL-3.0-only", "MIT"]),
        "metadata": ("permissive", ["MIT"]),
        "text": ("non_permissive", ["GPL-3.0-only"]),
    }
    assert {tuple(row.license_conflicts) for row in answers.values()} == {
        ("metadata_against_text",)
    }


def test_a_file_s_own_tag_outlives_a_quarrel_above_it(spark: SparkSession) -> None:
    quarrel = REPOSITORIES["contradiction"]
    tagged = Repository(tags={**quarrel.tags, "/b.c": "GPL-2.0-only"}, declared=quarrel.declared)
    rows = assigned(spark, {"r": tagged}, "union", conflicts="metadata")["r"]
    assert rows["/b.c"].detected_licenses == ["GPL-2.0-only", "MIT"]
    assert rows["/a.c"].detected_licenses == ["MIT"]


def test_unreadable_licence_files_count_as_unknown(spark: SparkSession) -> None:
    names = ["/LICENSE", "/legal.txt", "/COPYING"]
    files = [(root("r"), path, path[1:], root(path)) for path in names]
    outcomes = zip(names, ("timed_out", "binary", "empty"), strict=True)
    texts = [(root(path), "text", outcome, None) for path, outcome in outcomes]
    declared = collect_declarations(
        spark.createDataFrame(files, SCHEMAS["files"]),
        spark.createDataFrame([], SCHEMAS["file_languages"]),
        spark.createDataFrame(texts, SCHEMAS["license_texts"]),
    ).collect()
    ((directory, base, items),) = declared
    assert (directory, base) == (root("r"), "/")
    assert [(item.path, item.expression) for item in items] == [("/LICENSE", REFERENCE)]


def test_headers_speak_for_files_without_a_tag(spark: SparkSession) -> None:
    tables = tables_of(spark, {"r": REPOSITORIES["vendored"]})
    headers = [(root("r" + path), "ISC") for path in ("/main.c", "/old.c")]
    headers += [(root("r" + path), REFERENCE) for path in ("/lib/gplate/c.c", "/lib/gpl/src/a.c")]
    licenses = assign_licenses(
        tables["files"],
        collect_declarations(tables["files"], tables["file_languages"], tables["license_texts"]),
        tables["measurements"],
        tables["origins"],
        headers=spark.createDataFrame(headers, "blob_id string, expression string"),
    )
    rows = {row.path: row for row in licenses.collect()}
    assert len(rows) == len(REPOSITORIES["vendored"].tags)
    assert sources(rows["/main.c"]) == [("/main.c", "ISC", "file_header")]
    assert sources(rows["/old.c"]) == [("/old.c", "GPL-2.0-or-later", "spdx_tag")]
    # "see the file LICENSE" says where the licence is, not which
    assert sources(rows["/lib/gplate/c.c"]) == [("/LICENSE", "MIT", TEXT)]
    assert sources(rows["/lib/gpl/src/a.c"]) == [("/lib/gpl/COPYING", "GPL-3.0-only", TEXT)]


def sources(row: Row) -> list[tuple[str, str, str]]:
    return [tuple(source) for source in row.license_sources]


def assigned(
    spark: SparkSession,
    repositories: dict[str, Repository],
    policy: str,
    max_declarations: int = 32,
    conflicts: str = "strictest",
) -> dict[str, dict[str, Row]]:
    """Rows of `licenses` by repository and path."""
    tables = tables_of(spark, repositories)
    declarations = collect_declarations(
        tables["files"],
        tables["file_languages"],
        tables["license_texts"],
        CollectDeclarationsParams(max_declarations=max_declarations),
    )
    licenses = assign_licenses(
        tables["files"],
        declarations,
        tables["measurements"],
        tables["origins"],
        AssignLicensesParams(policy=policy, max_declarations=max_declarations, conflicts=conflicts),
    )
    columns = table_contract("licenses").columns
    assert licenses.dtypes == [(column.name, column.data_type) for column in columns]
    rows = licenses.collect()
    assert len(rows) == sum(len(repository.tags) for repository in repositories.values())
    return {
        name: {row.path: row for row in rows if row.directory_id == root(name)}
        for name in repositories
    }


def root(name: str) -> str:
    return sha1(name.encode()).hexdigest()


def tables_of(spark: SparkSession, repositories: dict[str, Repository]) -> dict[str, DataFrame]:
    """Every file has a blob of its own, but for `GONE`, which was not fetched."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in SCHEMAS}
    for place, repository in repositories.items():
        rows["origins"].append((root(place), repository.github))
        for path, tag in repository.tags.items():
            blob_id, name = root(place + path), path.rpartition("/")[2]
            expression, kind = repository.declared.get(path, (None, None))
            is_text = kind == TEXT
            rows["files"].append((root(place), path, name, None if path == GONE else blob_id))
            rows["file_languages"].append((blob_id, name, None if is_text else expression))
            if is_text:
                rows["license_texts"].append((blob_id, "text", "detected", expression))
            rows["measurements"].append((blob_id, tag))
    return {name: spark.createDataFrame(rows[name], schema) for name, schema in SCHEMAS.items()}


SCHEMAS = {
    "files": "directory_id string, path string, name string, blob_id string",
    "file_languages": "blob_id string, name string, declared_license string",
    "license_texts": "blob_id string, part string, outcome string, expression string",
    "measurements": "blob_id string, spdx_license_tag string",
    "origins": "directory_id string, gha_license_id string",
}
