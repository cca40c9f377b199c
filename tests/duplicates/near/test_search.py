import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import md5, sha1
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from reference_near_duplicates import jaccard, packed, tokens

from stackspark.contracts.tables import table_contract
from stackspark.duplicates.near.kernels.minhash import MinHashParams, measure_shingles
from stackspark.duplicates.near.kernels.shingle_sets import shingle_sets
from stackspark.duplicates.near.params import NearDuplicatesParams
from stackspark.duplicates.near.search import NearDuplicateResult, find_near_duplicates
from stackspark.errors import InvalidParamsError
from stackspark.lake.scratch import Scratch
from stackspark.run.steps.near_duplicates import settled_rule

TINY = NearDuplicatesParams(
    minhash=MinHashParams(num_perm=64, num_bands=2, rows_per_band=2), verification="estimate"
)
"""For rows with made-up bands and signatures of 16 bytes."""

by_either = pytest.mark.parametrize(
    "tiny", [TINY, replace(TINY, max_in_driver=0)], ids=["in the driver", "in tasks"]
)

ESTIMATE = NearDuplicatesParams(verification="estimate")

SIMILARITIES_DDL = "blob_id string, other_blob_id string, similarity double"

ESTIMATE_ERROR = 5 * 0.016
"""Five standard errors of an estimate from 1,024 permutations at 2 bits."""


def blob_id(name: str) -> str:
    return sha1(name.encode()).hexdigest()


def signature(name: str) -> bytes:
    """Made-up signature of 64 permutations; those of two names agree by chance only."""
    return md5(name.encode()).digest()


def candidate(name: str, order: int, bands: list[int] | None, like: str, **other: str) -> Row:
    """Made-up candidate whose signature is that of `like`; bands None: a short text."""
    return Row(
        blob_id=blob_id(name),
        scope=other.get("scope", "Python"),
        normalized_hash=md5(other.get("text", name).encode()).hexdigest(),
        band_hashes=packed(bands),
        signature=None if bands is None else signature(like),
        keep_order=Row(order=order, blob_id=blob_id(name)),
    )


def candidates(spark: SparkSession, rows: Sequence[Row]) -> DataFrame:
    return spark.createDataFrame(
        list(rows),
        "blob_id string, scope string, normalized_hash string, band_hashes binary, "
        "signature binary, keep_order struct<order: bigint, blob_id: string>",
    )


def found(
    spark: SparkSession, rows: Sequence[Row], folder: Path, params: NearDuplicatesParams = TINY
) -> tuple[NearDuplicateResult, dict[str, Row]]:
    """Result of the search, and its rows by blob_id."""
    scratch = Scratch(folder=str(folder))
    result = find_near_duplicates(candidates(spark, rows), params, scratch)
    return result, {row["blob_id"]: row for row in result.rows.collect()}


def twins(rows: dict[str, Row], names: Sequence[str]) -> dict[str, tuple[str, str, int]]:
    """(kept twin, established_by, round) by name."""
    name_of = {blob_id(name): name for name in names}
    return {
        name_of[key]: (name_of[row["kept_blob_id"]], row["established_by"], row["round"])
        for key, row in rows.items()
    }


ROUNDS_NAMES = """
    worse better elsewhere unlike first middle last head member_1 member_2
    short_1 short_2 short_3 short_4 kept gone_1 gone_2
"""


@by_either
def test_find_near_duplicates_rounds(
    spark: SparkSession, tmp_path: Path, tiny: NearDuplicatesParams
) -> None:
    """Each kind of search, made up by bands and signatures, in a scope of its own."""
    rows = [
        # a direct pair: the better copy stays whatever its id
        candidate("worse", 2, [1, 2], like="pair"),
        candidate("better", 1, [1, 3], like="pair"),
        # equal bands in another scope are no twin
        candidate("elsewhere", 3, [1, 2], like="pair", scope="C"),
        # candidates by their bands, dissimilar by their signatures
        candidate("unlike", 4, [1, 3], like="other"),
        # two hops: last shares a band with middle only, whose twin is first
        candidate("first", 1, [1, 2], like="hop", scope="hop"),
        candidate("middle", 2, [1, 3], like="hop", scope="hop"),
        candidate("last", 3, [9, 3], like="hop", scope="hop"),
        # peeling: the head of the bucket is unlike its members, which are twins
        candidate("head", 1, [5, 6], like="head", scope="peel"),
        candidate("member_1", 2, [5, 6], like="member", scope="peel"),
        candidate("member_2", 3, [5, 6], like="member", scope="peel"),
        # equal normalised texts: short, and with a head that goes itself
        candidate("short_1", 1, None, like="", scope="text", text="short"),
        candidate("short_2", 2, None, like="", scope="text", text="short"),
        candidate("short_3", 3, None, like="", scope="text", text="another"),
        candidate("short_4", 4, None, like="", scope="other", text="short"),
        candidate("kept", 5, [7, 8], like="text", scope="text"),
        candidate("gone_1", 6, [7, 9], like="text", scope="text", text="gone"),
        candidate("gone_2", 7, [7, 9], like="text", scope="text", text="gone"),
    ]
    result, by_id = found(spark, rows, tmp_path, tiny)
    assert twins(by_id, ROUNDS_NAMES.split()) == {
        "worse": ("better", "estimated", 1),
        "middle": ("first", "estimated", 1),
        "last": ("first", "estimated", 2),
        "member_2": ("member_1", "estimated", 2),
        "short_2": ("short_1", "normalized_text", 0),
        "gone_1": ("kept", "estimated", 1),
        "gone_2": ("kept", "estimated", 1),
    }
    assert by_id[blob_id("short_2")]["similarity"] == 1
    assert by_id[blob_id("last")]["scope"] == "hop"
    assert result.num_candidates == len(rows)
    assert result.num_text_twins == 2
    assert result.is_settled
    assert [(r.round, r.num_verified, r.num_removed) for r in result.rounds] == [
        (1, 4, 3),
        (2, 2, 5),
        (3, 0, 5),
    ]


@by_either
def test_find_near_duplicates_keeps_what_is_published(
    spark: SparkSession, tmp_path: Path, tiny: NearDuplicatesParams
) -> None:
    rows = [
        # the published one stays, though it is the worse copy
        candidate("better", 1, [1, 2], like="pair"),
        candidate("published", 9, [1, 2], like="pair"),
        # two published ones stay, though they are similar; a new one goes by the better of them
        candidate("first", 1, [3, 4], like="both", scope="both"),
        candidate("second", 2, [3, 4], like="both", scope="both"),
        candidate("new", 0, [3, 4], like="both", scope="both"),
        # of equal texts too
        candidate("old text", 5, None, like="", scope="text", text="same"),
        candidate("new text", 4, None, like="", scope="text", text="same"),
        # two hops: the new one's neighbour was no published blob and goes by one
        candidate("kept", 7, [5, 6], like="hop", scope="hop"),
        candidate("middle", 2, [5, 7], like="hop", scope="hop"),
        candidate("last", 3, [8, 7], like="hop", scope="hop"),
    ]
    names = ["better", "first", "second", "new", "middle", "last", "new text"]
    published = ["published", "first", "second", "old text", "kept"]
    is_published = F.col("blob_id").isin([blob_id(name) for name in published])
    marked = candidates(spark, rows).withColumn("is_published", is_published)
    result = find_near_duplicates(marked, tiny, Scratch(folder=str(tmp_path)))
    by_id = {row["blob_id"]: row for row in result.rows.collect()}
    assert twins(by_id, [*names, *published]) == {
        "better": ("published", "estimated", 1),
        "new": ("first", "estimated", 1),
        "new text": ("old text", "normalized_text", 0),
        "middle": ("kept", "estimated", 1),
        "last": ("kept", "estimated", 2),
    }


def test_find_near_duplicates_has_the_columns_of_its_contract(
    spark: SparkSession, tmp_path: Path
) -> None:
    result, _ = found(spark, [candidate("one", 1, [1, 2], like="one")], tmp_path)
    contract = table_contract("near_duplicates")
    assert result.rows.dtypes == [(c.name, c.data_type) for c in contract.columns]


def test_find_near_duplicates_of_nothing(spark: SparkSession, tmp_path: Path) -> None:
    result, by_id = found(spark, [], tmp_path)
    assert by_id == {}
    assert result.is_settled
    assert [r.num_pairs for r in result.rounds] == [0, 0]


def test_find_near_duplicates_says_that_it_stopped_early(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [candidate(name, place, [1, 2], like="same") for place, name in enumerate("abc")]
    params = replace(TINY, max_rounds=1)
    result, by_id = found(spark, rows, tmp_path, params)
    assert set(twins(by_id, "abc")) == {"b", "c"}
    assert len(result.rounds) == 1
    assert not result.is_settled
    rule = settled_rule(result)
    assert not rule.ok
    assert rule.detail == "round 1 still verified 2 pairs; raise near_duplicates.max_rounds"


def sliding(start: int, length: int = 300) -> str:
    """Text whose similarity to another falls with the distance of their starts."""
    return " ".join(f"word_{i}" for i in range(start, start + length))


def measured(texts: Sequence[tuple[str, str, int]]) -> list[Row]:
    """Candidates from (text, scope, order), measured with the default parameters."""
    columns = measure_shingles(pa.array([text for text, _, _ in texts]), MinHashParams())
    rows = []
    for place, (text, scope, order) in enumerate(texts):
        name = blob_id(text + scope)
        rows.append(
            Row(
                blob_id=name,
                scope=scope,
                normalized_hash=md5(text.rstrip().encode()).hexdigest(),
                band_hashes=columns["band_hashes"][place].as_py(),
                signature=columns["signature"][place].as_py(),
                keep_order=Row(order=order, blob_id=name),
            )
        )
    return rows


def test_find_near_duplicates_builds_no_chains(spark: SparkSession, tmp_path: Path) -> None:
    """A ~ B ~ C with A unlike C: what stays is what nothing that stays is similar to."""
    chain = {"A": sliding(0), "B": sliding(35), "C": sliding(70)}
    assert jaccard(chain["A"], chain["B"]) > 0.75
    assert jaccard(chain["A"], chain["C"]) < 0.65
    orders = {"ABC": "B", "BAC": "AC", "CBA": "B", "ACB": "B"}
    texts = [(chain[c], scope, scope.index(c)) for scope in orders for c in scope]
    _, by_id = found(spark, measured(texts), tmp_path, ESTIMATE)
    removed = {scope: set(gone) for scope, gone in orders.items()}
    for scope in orders:
        assert {c for c in scope if blob_id(chain[c] + scope) in by_id} == removed[scope]


@dataclass(frozen=True)
class Corpus:
    """A small corpus with planted twins, told apart from others by its scope."""

    scope: str
    texts: dict[str, str]
    order: dict[str, int]


def random_corpus(scope: str) -> Corpus:
    """Families of texts with 0 to 40 % of the words changed, short texts and trailing blanks."""
    chance = random.Random(scope)
    texts = []
    for family in range(chance.randint(1, 3)):
        words = [f"w{family}_{chance.randrange(500)}" for _ in range(chance.randint(60, 400))]
        texts.append(" ".join(words))
        for _ in range(chance.randint(0, 4)):
            share = chance.choice([0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.4])
            changed = [w if chance.random() > share else f"x{chance.random()}" for w in words]
            texts.append(" ".join(changed))
    texts += [" ".join(["short"] * chance.randint(0, 11)) + " " * chance.randint(0, 2)]
    texts += [chance.choice(texts) + "  ", "return 0", "return 0\n"]
    distinct = {blob_id(text + scope): text for text in texts}
    order = {name: chance.randrange(1000) for name in distinct}
    return Corpus(scope, distinct, order)


def test_find_near_duplicates_on_random_corpora(spark: SparkSession, tmp_path: Path) -> None:
    """120 corpora in one search, each checked against all its pairs."""
    corpora = [random_corpus(f"corpus {number}") for number in range(120)]
    rows = measured([(t, c.scope, c.order[n]) for c in corpora for n, t in c.texts.items()])
    result, by_id = found(spark, rows, tmp_path, ESTIMATE)
    assert result.is_settled
    assert len({row["established_by"] for row in by_id.values()}) == 2
    for corpus in corpora:
        check_corpus(corpus, {key: row for key, row in by_id.items() if key in corpus.texts})


@pytest.mark.parametrize("max_in_driver", [1000, 0], ids=["in the driver", "in tasks"])
def test_find_near_duplicates_reads_texts_for_unknown_pairs_only(
    spark: SparkSession, tmp_path: Path, max_in_driver: int
) -> None:
    """A search that knows all, or half, of its pairs finds what one that knows none does."""
    corpora = [random_corpus(f"known {number}") for number in range(20)]
    texts = {blob_id(t + c.scope): t for c in corpora for t in c.texts.values()}
    rows = measured([(t, c.scope, c.order[n]) for c in corpora for n, t in c.texts.items()])
    sets = shingle_sets(pa.array(texts.values()), MinHashParams()).to_pylist()
    listed = spark.createDataFrame(
        list(zip(texts, sets, strict=True)), "blob_id string, shingles binary"
    )
    read: list[str] = []

    def shingles_of(wanted: DataFrame) -> DataFrame:
        read.extend(row["blob_id"] for row in wanted.collect())
        return wanted.join(listed, "blob_id", how="inner").select("rank", "shingles")

    def search(name: str, known: DataFrame | None) -> tuple[set[Row], dict[tuple[str, str], float]]:
        read.clear()
        params = NearDuplicatesParams(verification="exact", max_in_driver=max_in_driver)
        scratch = Scratch(folder=str(tmp_path / name))
        result = find_near_duplicates(candidates(spark, rows), params, scratch, shingles_of, known)
        similarities = result.similarities.collect()
        assert {name for row in similarities for name in row[:2]} == set(read)
        assert len(read) == len(set(read))
        return set(result.rows.collect()), {(row[0], row[1]): row[2] for row in similarities}

    removed, similarities = search("nothing", None)
    assert len(similarities) >= 10
    for (one, other), similarity in similarities.items():
        assert one < other
        assert similarity == jaccard(texts[one], texts[other])
    known = [(*pair, similarity) for pair, similarity in similarities.items()]
    for name, number in (("all", len(known)), ("half", len(known) // 2)):
        rest = dict(list(similarities.items())[number:])
        told = spark.createDataFrame(known[:number], SIMILARITIES_DDL)
        assert search(name, told) == (removed, rest)


def check_corpus(corpus: Corpus, removed: dict[str, Row]) -> None:
    kept = [name for name in corpus.texts if name not in removed]
    for name, row in removed.items():
        twin = row["kept_blob_id"]
        text, kept_text = corpus.texts[name], corpus.texts[twin]
        assert twin in kept
        assert row["scope"] == corpus.scope
        assert (corpus.order[twin], twin) < (corpus.order[name], name) or is_text_twin(
            corpus, name, removed
        )
        if row["established_by"] == "normalized_text":
            assert text.rstrip() == kept_text.rstrip()
            continue
        assert len(tokens(text)) >= 10
        assert jaccard(text, kept_text) > 0.7 - ESTIMATE_ERROR
        assert abs(row["similarity"] - jaccard(text, kept_text)) < ESTIMATE_ERROR
    for place, name in enumerate(kept):
        for other in kept[:place]:
            assert jaccard(corpus.texts[name], corpus.texts[other]) < 0.9
            assert corpus.texts[name].rstrip() != corpus.texts[other].rstrip()


def is_text_twin(corpus: Corpus, name: str, removed: dict[str, Row]) -> bool:
    """Whether a better blob of the same normalised text was removed and took this one along."""
    return any(
        other in removed and other != name and text.rstrip() == corpus.texts[name].rstrip()
        for other, text in corpus.texts.items()
    )


@by_either
def test_find_near_duplicates_with_a_hot_bucket(
    spark: SparkSession, tmp_path: Path, tiny: NearDuplicatesParams
) -> None:
    """100,000 blobs with equal bands: half of them equal, half without anything in common."""
    number = F.col("id").cast("string")
    is_equal = F.col("id") % 2 == 0
    rows = spark.range(100_000).select(
        F.sha1(number).alias("blob_id"),
        F.lit("").alias("scope"),
        F.md5(number).alias("normalized_hash"),
        F.unhex(F.lit("01" * 8 + "02" * 8)).alias("band_hashes"),
        F.when(is_equal, F.unhex(F.lit("00" * 16)))
        .otherwise(F.unhex(F.md5(number)))
        .alias("signature"),
        F.struct("id", F.sha1(number)).alias("keep_order"),
    )
    result = find_near_duplicates(rows, tiny, Scratch(folder=str(tmp_path)))
    removed = {row["kept_blob_id"]: row["count"] for row in by_twin(result.rows)}
    assert removed[blob_id("0")] == 49_999
    assert result.rounds[0].num_pairs == 2 * 99_999
    assert result.rounds[1].num_pairs <= 2 * 8 * 50_000


def by_twin(rows: DataFrame) -> list[Row]:
    return rows.groupBy("kept_blob_id").count().collect()


@pytest.mark.parametrize(
    "wrong", [{"threshold": 0}, {"threshold": 1.5}, {"max_rounds": 0}, {"max_in_driver": -1}]
)
def test_near_duplicates_params_reject(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidParamsError):
        NearDuplicatesParams(**wrong)
