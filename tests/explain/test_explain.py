"""Every form of target, every fate of a file, on one small lake."""

import json
from collections.abc import Callable
from functools import cache

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from stackspark.contracts.tables import table_contract
from stackspark.errors import InputError
from stackspark.explain.explain import explain
from stackspark.explain.explanation import Explanation, FileExplanation, Reason
from stackspark.explain.lookups import MAX_FILES, PublishedTables, find_files
from stackspark.explain.targets import parse_target
from stackspark.rules.catalog import rule_order

ONE, TWO, THREE = (digit * 40 for digit in "123")
BLOBS = {name: (f"{place:x}" * 40) for place, name in enumerate("abcdefgl", start=4)}
CONTENTS = {name: f"{blob[:-1]}0" for name, blob in BLOBS.items()}
HOSTILE = "/src/\x1b[31mred\u202egpj.py"
MANY = 25


def _origin(directory_id: str, name: str) -> dict[str, object]:
    return {
        "directory_id": directory_id, "origin_url": f"https://forge.example/{name}",
        "repo_name": name, "source": "git:/mirrors", "snapshot_id": None,
        "revision_id": "9" * 40 if name == "ada/one" else None,
    }  # fmt: skip


def _file(directory_id: str, path: str, blob: str | None, **more: object) -> dict[str, object]:
    return {
        "directory_id": directory_id, "path": path, "name": path.rsplit("/", 1)[-1],
        "content_id": CONTENTS[blob] if blob else "d" * 40,
        "blob_id": BLOBS[blob] if blob else None,
        "length_bytes": 5312 if blob else None, **more,
    }  # fmt: skip


FILES = [
    _file(ONE, "/src/kept.py", "a"),
    _file(TWO, "/src/copy.py", "a"),
    _file(TWO, "/lib/kept.py", "a"),
    _file(THREE, "/src/copyleft.py", "a"),
    _file(ONE, "/src/near.py", "b"),
    _file(TWO, "/src/near_copy.py", "b"),
    _file(ONE, "/src/min.js", "c"),
    _file(ONE, "/broken.bin", None),
    _file(ONE, "/src/unsampled.py", "d"),
    _file(ONE, HOSTILE, "e"),
    _file(ONE, r"/src/latin\xe9.py", "f", path_bytes=b"/src/latin\xe9.py"),
    _file(ONE, "/100%_done.py", "e"),
    _file(ONE, "/LICENSE", "l"),
    *(_file(TWO, f"/many/{place:02d}/x.txt", "g") for place in range(MANY)),
]
LEDGER = [
    ("file", f"{THREE}/src/copyleft.py", "license", None, None, "detected: GPL-3.0-only"),
    ("blob", BLOBS["b"], "near_duplicate", 0.8125, 0.7, BLOBS["a"]),
    ("named_blob", f"{BLOBS['c']}/min.js", "max_line_length", 5312.0, 1000.0, None),
    ("named_blob", f"{BLOBS['c']}/min.js", "avg_line_length", 250.5, 100.0, None),
    ("named_blob", f"{BLOBS['c']}/other.js", "generated", None, None, None),
    ("blob", BLOBS["c"], "encoded_run", 2048.0, 1024.0, None),
    ("origin", "https://forge.example/gone/repo", "opt_out", None, None, "request 17"),
]
REPRESENTATIVES = [("a", ONE, "/src/kept.py"), ("b", ONE, "/src/near.py"),
                   ("d", ONE, "/src/unsampled.py"), ("e", ONE, HOSTILE)]  # fmt: skip


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> PublishedTables:
    def table(name: str, rows: list[dict[str, object]]):  # type: ignore[no-untyped-def]
        schema = StructType.fromDDL(table_contract(name).ddl.replace(" not null", ""))
        return spark.createDataFrame(pa.Table.from_pylist(rows, to_arrow_schema(schema)), schema)

    names = ("grain", "subject_id", "rule", "value", "limit", "evidence")
    documents = [("/src/kept.py", "a"), (HOSTILE, "e"), (r"/src/latin\xe9.py", "f")]
    return PublishedTables(
        origins=table("origins", [_origin(ONE, "ada/one"), _origin(TWO, "bob/two"),
                                  _origin(THREE, "eve/three")]),
        files=table("files", FILES),
        licenses=table("licenses", [
            {"directory_id": ONE, "path": "/src/kept.py", "detected_licenses": ["Apache-2.0"],
             "license_type": "permissive", "license_reason": "detected",
             "license_conflicts": ["metadata_against_text"],
             "license_sources": [{"path": "/LICENSE", "expression": "Apache-2.0",
                                  "source": "license_file"}]},
            {"directory_id": THREE, "path": "/src/kept.py", "detected_licenses": ["WRONG"],
             "license_type": "non_permissive", "license_reason": "x", "license_sources": [],
             "license_conflicts": []},
        ]),
        ledger=table("ledger", [
            {**dict(zip(names, row, strict=True)), "rule_order": rule_order(row[2]), "step": "s"}
            for row in LEDGER]),
        near_duplicates=table("near_duplicates", [
            {"blob_id": BLOBS["b"], "kept_blob_id": BLOBS["a"], "similarity": 0.8125,
             "established_by": "estimated", "scope": "Python", "round": 1}]),
        file_languages=table("file_languages", [
            {"blob_id": BLOBS["a"], "name": "kept.py", "language": "Python"},
            {"blob_id": BLOBS["a"], "name": "copy.py", "language": None}]),
        contents=table("contents", [
            {"blob_id": BLOBS[name], "content_id": CONTENTS[name], "src_encoding": "utf-8"}
            for name in "abcde"]),
        quarantine=table("quarantine", [
            {"source": "git:/mirrors", "key": "d" * 40, "grain": "content",
             "error_class": "corrupt_object", "message": "the hash differs"},
            {"source": "wheel:/w", "key": "/w/torn.whl", "grain": "origin",
             "error_class": "truncated_archive", "message": "ends early"}]),
        license_texts=table("license_texts", [
            {"blob_id": BLOBS["l"], "part": "text", "outcome": "detected",
             "expression": "Apache-2.0", "method": "exact", "holders": [],
             "detector_version": "scancode-x/1",
             "matches": [{"rule": "apache-2.0_1.RULE", "expression": "apache-2.0", "score": 100.0,
                          "start_line": 1, "end_line": 201, "matcher": "1-hash"}]}]),
        representatives=spark.createDataFrame(pa.Table.from_pylist([
            {"blob_id": BLOBS[blob], "directory_id": directory, "path": path}
            for blob, directory, path in REPRESENTATIVES])),
        documents=table("documents", [
            {"document_id": f"{ONE}-0", "directory_id": ONE, "part": 0,
             "files": [{"path": path, "blob_id": BLOBS[blob]} for path, blob in documents]}]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def ask(tables: PublishedTables) -> Callable[[str], Explanation]:
    return cache(lambda text: explain(tables, text))


Ask = Callable[[str], Explanation]


def _file_of(explanation: Explanation) -> FileExplanation:
    (file,) = explanation.files
    return file


@pytest.mark.parametrize(
    "text",
    [
        "ada/one:src/kept.py",
        "ada/one:/src/kept.py",
        "ada/one/src/kept.py",
        "https://forge.example/ada/one:src/kept.py",
        "https://forge.example/ada/one/src/kept.py",
        f"swh:1:dir:{ONE};path=/src/kept.py",
        f"swh:1:cnt:{CONTENTS['a']};origin=https://forge.example/ada/one",
        f"swh:1:cnt:{CONTENTS['a']};anchor=swh:1:dir:{ONE};path=/src/kept.py",
        "  ada/one:src/kept.py ",
    ],
)
def test_find_files_finds_one_file_by_every_name(tables: PublishedTables, text: str) -> None:
    ((file,), is_exact) = find_files(tables, parse_target(text))
    assert (file["repo_name"], file["path"], is_exact) == ("ada/one", "/src/kept.py", True)


@pytest.mark.parametrize("text", [BLOBS["a"].upper(), CONTENTS["a"]])
def test_explain_finds_all_files_of_a_hash(ask: Ask, text: str) -> None:
    assert [(f.repo_name, f.path, f.status) for f in ask(text).files] == [
        ("bob/two", "/lib/kept.py", "removed"),
        ("bob/two", "/src/copy.py", "removed"),
        ("eve/three", "/src/copyleft.py", "removed"),
        ("ada/one", "/src/kept.py", "kept"),
    ]


@pytest.mark.parametrize("text", ["copy.py", "src/copy.py", "/src/copy.py", "c?py.py", "*/c*y.py"])
def test_find_files_finds_a_file_by_the_end_of_its_path(tables: PublishedTables, text: str) -> None:
    ((file,), is_exact) = find_files(tables, parse_target(text))
    assert (file["path"], is_exact) == ("/src/copy.py", False)


@pytest.mark.parametrize(
    ("text", "path"),
    [("100%_done.py", "/100%_done.py"), (r"latin\xe9.py", r"/src/latin\xe9.py")],
)
def test_find_files_takes_wildcards_of_sql_for_what_they_are(
    tables: PublishedTables, text: str, path: str
) -> None:
    ((file,), _) = find_files(tables, parse_target(text))
    assert file["path"] == path
    assert find_files(tables, parse_target(text.replace("%_", "_%").replace("xe9", "e9")))[0] == []


def test_explain_of_an_ambiguous_path_lists_the_files(ask: Ask) -> None:
    explanation = ask("kept.py")
    assert explanation.files == ()
    assert [(c.repo_name, c.path) for c in explanation.candidates] == [
        ("bob/two", "/lib/kept.py"),
        ("ada/one", "/src/kept.py"),
    ]
    assert "names 2 files; say REPOSITORY:PATH for one of:" in explanation.to_text()


def test_explain_lists_no_more_files_than_a_person_reads(ask: Ask) -> None:
    by_path, by_hash = ask("x.txt"), ask(BLOBS["g"])
    assert (len(by_path.candidates), by_path.has_more) == (MAX_FILES, True)
    assert (len(by_hash.files), by_hash.has_more) == (MAX_FILES, True)
    assert by_hash.files[0].num_copies == MANY - 1
    assert len(by_hash.files[0].copies) == 10
    assert "and 14 more" in by_hash.to_text()


def test_explain_a_kept_file_with_its_licence_documents_and_copies(ask: Ask) -> None:
    file = _file_of(ask("ada/one:src/kept.py"))
    assert file.reasons == ()
    assert file.twin is None
    assert (file.language, file.encoding) == ("Python", "utf-8")
    assert (file.license_type, file.licenses) == ("permissive", ("Apache-2.0",))
    assert [source.path for source in file.license_sources] == ["/LICENSE"]
    assert file.documents == (f"{ONE}-0",)
    assert file.num_copies == 3
    assert [copy.path for copy in file.copies] == [
        "/lib/kept.py",
        "/src/copy.py",
        "/src/copyleft.py",
    ]
    assert file.swhid == (
        f"swh:1:cnt:{CONTENTS['a']};origin=https://forge.example/ada/one"
        f";anchor=swh:1:rev:{'9' * 40};path=/src/kept.py"
    )


def test_explain_derives_an_exact_copy_and_names_who_stays(ask: Ask) -> None:
    file = _file_of(ask("bob/two:src/copy.py"))
    assert [reason.rule for reason in file.reasons] == ["exact_duplicate"]
    assert file.twin is not None
    assert (file.twin.repo_name, file.twin.path) == ("ada/one", "/src/kept.py")
    assert (file.twin.similarity, file.twin.established_by) == (1.0, "same_bytes")
    assert file.twin.swhid == f"swh:1:cnt:{CONTENTS['a']}"


def test_explain_follows_the_licence_to_the_rule_that_matched(ask: Ask) -> None:
    lines = ask("ada/one:src/kept.py").to_text().splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("  licence"))
    assert [line[12:] for line in lines[first : first + 5]] == [
        "permissive (detected): Apache-2.0",
        "Apache-2.0 from /LICENSE (license file)",
        "  detected by scancode-x/1 exact",
        "  apache-2.0: lines 1 to 201 match apache-2.0_1.RULE, score 100",
        "metadata against text",
    ]


def test_explain_calls_no_file_a_copy_that_another_rule_rejects(ask: Ask) -> None:
    file = _file_of(ask("eve/three:src/copyleft.py"))
    assert [(r.rule, r.evidence) for r in file.reasons] == [("license", "detected: GPL-3.0-only")]
    assert file.twin is None


def test_explain_a_near_duplicate_names_the_kept_twin(ask: Ask) -> None:
    file = _file_of(ask("ada/one:src/near.py"))
    assert [reason.rule for reason in file.reasons] == ["near_duplicate"]
    assert file.twin is not None
    assert (file.twin.repo_name, file.twin.path) == ("ada/one", "/src/kept.py")
    assert (file.twin.similarity, file.twin.established_by) == (0.8125, "estimated")
    assert file.twin.swhid == f"swh:1:cnt:{CONTENTS['a']}"


def test_explain_a_copy_of_a_near_duplicate_gives_both_causes_and_the_twin_that_stays(
    ask: Ask,
) -> None:
    file = _file_of(ask("bob/two:src/near_copy.py"))
    assert [reason.rule for reason in file.reasons] == ["exact_duplicate", "near_duplicate"]
    assert file.twin is not None
    assert file.twin.path == "/src/kept.py"


def test_explain_gives_every_cause_in_the_order_of_rules_with_its_numbers(ask: Ask) -> None:
    file = _file_of(ask("ada/one:src/min.js"))
    assert [reason.words for reason in file.reasons] == [
        "mean line length 250.5 characters, over the limit of 100",
        "longest line 5,312 characters, over the limit of 1,000",
        "longest run of encoded data 2,048 characters, over the limit of 1,024",
    ]


def test_explain_a_quarantined_file_says_what_is_wrong(ask: Ask) -> None:
    file = _file_of(ask("ada/one:broken.bin"))
    assert (file.status, file.blob_id) == ("quarantined", None)
    assert file.problems == ("corrupt_object: the hash differs",)


def test_explain_a_file_in_no_document_is_kept(ask: Ask, tables: PublishedTables) -> None:
    without = PublishedTables(**{**vars(tables), "documents": None})
    assert _file_of(explain(without, "ada/one:src/unsampled.py")).status == "kept"


def test_explain_a_path_of_other_bytes_cites_its_bytes(ask: Ask) -> None:
    assert _file_of(ask(r"ada/one:src/latin\xe9.py")).swhid.endswith("path=/src/latin%E9.py")
    assert _file_of(ask(f"swh:1:dir:{ONE};path=/src/latin%E9.py")).path == r"/src/latin\xe9.py"


def test_explain_an_origin_that_was_never_listed(ask: Ask) -> None:
    (item,) = ask("gone/repo:src/a.py").unlisted
    assert item.name == "https://forge.example/gone/repo"
    assert item.words.startswith("not listed: opt_out")
    assert "[request 17]" in item.words
    assert "truncated_archive" in ask("/w/torn.whl").to_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ada/one:src/kep.py", "did you mean ada/one:/src/kept.py?"),
        ("ada/on:src/gone.py", "did you mean ada/one:PATH?"),
        ("kept2.py", "did you mean ada/one:/src/kept.py or bob/two:/lib/kept.py?"),
        ("ada/one", "did you mean ada/one:"),
        ("nothing/like/it/at_all.rs", "needed REPOSITORY:PATH"),
        ("0" * 40, "needed REPOSITORY:PATH"),
        (f"swh:1:cnt:{'0' * 40}", "needed REPOSITORY:PATH"),
        (f"swh:1:cnt:{CONTENTS['a']};origin=https://forge.example/no/such", "needed REPOSITORY"),
    ],
)
def test_explain_of_something_unknown_suggests_what_there_is(
    ask: Ask, text: str, said: str
) -> None:
    with pytest.raises(InputError) as raised:
        ask(text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_render_text_shows_hostile_names_harmless(ask: Ask) -> None:
    text = ask(f"ada/one:{HOSTILE}").to_text()
    assert text.replace("\n", "").isprintable()
    assert "/src/\\x1b[31mred\\u{202e}gpj.py" in text


def test_render_text_reads_as_an_answer(ask: Ask) -> None:
    assert ask("ada/one:src/min.js").to_text() == "\n".join([
        "ada/one:/src/min.js",
        "  status    REMOVED: Long lines on average",
        "  because   avg_line_length: mean line length 250.5 characters, over the limit of 100"
        " (decided on the named blob)",
        "  also      max_line_length: longest line 5,312 characters, over the limit of 1,000"
        " (decided on the named blob)",
        "            encoded_run: longest run of encoded data 2,048 characters, over the limit of"
        " 1,024 (decided on the blob)",
        "  language  unknown",
        "  licence   not decided",
        f"  swhid     swh:1:cnt:{CONTENTS['c']};origin=https://forge.example/ada/one;"
        f"anchor=swh:1:rev:{'9' * 40};path=/src/min.js",
        f"  blob      {BLOBS['c']}, 5,312 bytes, from utf-8",
    ])  # fmt: skip


def test_to_dict_is_json_with_the_reasons_in_words(ask: Ask) -> None:
    answer = json.loads(json.dumps(ask("ada/one:src/near.py").to_dict()))
    (file,) = answer["files"]
    assert file["twin"]["similarity"] == 0.8125
    assert file["reasons"][0]["words"] == "similarity 0.8125, over the limit of 0.7"


def test_reason_in_words_of_a_rule_without_numbers() -> None:
    reason = Reason(rule="opt_out", rule_order=1, grain="origin", step="s")
    assert reason.words == "The owner asked for the code not to be used."
