"""Every order of preference against the oracle, on random copies; whole repositories on planted."""

import random
from itertools import combinations
from typing import get_args

import pytest
from pyspark.sql import DataFrame, SparkSession
from reference_verdicts import LICENSE_TYPES, Copy, keep_order

from stackspark.duplicates.select_representatives import (
    Criterion,
    SelectRepresentativesParams,
    select_representatives,
)
from stackspark.errors import InvalidParamsError

YEARS = [None, 1901, 2010, 2020, 9999]


def random_copies(seed: int) -> list[Copy]:
    """120 copies of 30 blobs in 12 repositories that tie at most criteria."""
    chance = random.Random(seed)
    repositories = {
        f"{place:040x}": (
            f"{chance.choice('ab')}/r",
            chance.randrange(2),
            chance.randrange(2),
            chance.choice(YEARS),
            chance.choice(YEARS),
        )
        for place in range(12)
    }
    directories = [chance.choice(list(repositories)) for _ in range(120)]
    return [
        Copy(
            directory,
            f"/{chance.randrange(9)}/{place}",
            f"{chance.randrange(30):040x}",
            chance.choice([*LICENSE_TYPES, "something new"]),
            *repositories[directory],
        )
        for place, directory in enumerate(directories)
    ]


def selected(
    spark: SparkSession, copies: list[Copy], params: SelectRepresentativesParams
) -> DataFrame:
    verdicts = [(each.directory_id, each.path, each.blob_id, "C", "survivor") for each in copies]
    # What a rule removed does not compete, nor does it count.
    removed = ("f" * 40, "C", "removed")
    verdicts += [(copies[0].directory_id, f"/gone/{number}", *removed) for number in range(99)]
    licenses = [(each.directory_id, each.path, each.license_type) for each in copies]
    origins = {
        (each.directory_id, each.repo_name, each.stars, each.forks, each.revision, each.visit)
        for each in copies
    }
    return select_representatives(
        spark.createDataFrame(
            verdicts,
            "directory_id string, path string, blob_id string, language string, status string",
        ),
        spark.createDataFrame(licenses, "directory_id string, path string, license_type string"),
        spark.createDataFrame(
            sorted(origins, key=lambda row: row[0]),
            "directory_id string, repo_name string, star_events_count long, fork_events_count long,"
            " revision int, visit int",
        ).selectExpr(
            "directory_id",
            "repo_name",
            "star_events_count",
            "fork_events_count",
            "cast(make_date(revision, 6, 1) as timestamp) as revision_date",
            "cast(make_date(visit, 6, 1) as timestamp) as visit_date",
        ),
        params,
    )


@pytest.mark.parametrize(
    ("whole", "criteria"),
    [
        (False, ["oldest_visit", "oldest_revision", "forks"]),
        (False, ["stars", "license_type"]),
        (False, []),
        (True, ["license_type", "stars", "forks", "newest_revision", "newest_visit"]),
        (True, ["oldest_visit", "license_type"]),
        (True, []),
    ],
)
def test_select_representatives_equals_the_oracle(
    spark: SparkSession, criteria: list[str], whole: bool
) -> None:
    copies = random_copies(len(criteria))
    params = SelectRepresentativesParams(criteria=tuple(criteria), prefer_whole_repositories=whole)

    def rank(copy: Copy) -> tuple[object, ...]:
        return tuple(keep_order(copy, copies, criteria, whole))

    best: dict[str, Copy] = {}
    for copy in sorted(copies, key=lambda c: (rank(c), c.repo_name, c.path, c.directory_id)):
        best.setdefault(copy.blob_id, copy)
    rows = selected(spark, copies, params).orderBy("keep_order").collect()
    assert [(row.blob_id, row.directory_id, row.path) for row in rows] == [
        (copy.blob_id, copy.directory_id, copy.path)
        for copy in sorted(best.values(), key=lambda c: (rank(c), c.blob_id))
    ]
    assert all(row.keep_order[-1] == row.blob_id and None not in row.keep_order for row in rows)


def test_whole_repositories_lose_all_or_nothing_where_files_tie(spark: SparkSession) -> None:
    """Three repositories with the same ten files: only the largest keeps any, and all of them."""
    copies = [
        Copy(f"{place:040x}", f"/{n}", f"{n:040x}", "permissive", name, 0, 0, None, None)
        for place, name in enumerate(("a/small", "b/large", "c/small"))
        for n in range(12 if name == "b/large" else 10)
    ]
    params = SelectRepresentativesParams(prefer_whole_repositories=True)
    rows = selected(spark, copies, params).collect()
    assert len(rows) == 12
    assert {row.directory_id for row in rows} == {f"{1:040x}"}


@pytest.mark.parametrize(
    "criteria",
    [("newest_visit", "oldest_visit"), ("stars", "stars")],
)
def test_params_refuse_what_cannot_decide(criteria: tuple[str, ...]) -> None:
    with pytest.raises(InvalidParamsError, match="criteria: "):
        SelectRepresentativesParams(criteria=criteria)


def test_params_take_every_criterion_and_any_two_that_agree() -> None:
    taken = set()
    for pair in combinations(get_args(Criterion), 2):
        if {name.split("_")[-1] for name in pair} not in ({"revision"}, {"visit"}):
            taken |= set(SelectRepresentativesParams(criteria=pair).criteria)
    assert taken == set(get_args(Criterion))
