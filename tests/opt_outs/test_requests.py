import json
from pathlib import Path

import pytest

from stackspark.errors import InputError
from stackspark.opt_outs.requests import OptOutRequest, is_opted_out, opt_out_requests

ROWS = [
    {"id": "r1", "kind": "repository", "value": "https://github.com/Acme/Tool.git", "note": "mail"},
    {"id": "r2", "kind": "owner", "value": "@Someone"},
    {"id": "r3", "kind": "SWHID", "value": "SWH:1:CNT:" + "AB" * 20 + ";origin=https://x"},
    {"id": "r4", "kind": "path", "value": "*.pem"},
    {"id": "r5", "kind": "path", "value": "/private/*", "repository": "codeberg.org/Acme/*"},
]
REQUESTS = [
    OptOutRequest(request_id="r1", kind="repository", value="github.com/acme/tool"),
    OptOutRequest(request_id="r2", kind="owner", value="someone"),
    OptOutRequest(request_id="r3", kind="swhid", value="swh:1:cnt:" + "ab" * 20),
    OptOutRequest(request_id="r4", kind="path", value="*.pem", pattern=r"(?isu)^.*\.pem(?:/.*)?$"),
    OptOutRequest(
        request_id="r5",
        kind="path",
        value="/private/*",
        repository="codeberg.org/acme",
        pattern="(?isu)^/private/.*$",
    ),
]
CSV = "id,kind,value,repository,note\n" + "".join(
    ",".join(row.get(name, "") for name in ("id", "kind", "value", "repository", "note")) + "\n"
    for row in ROWS
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", CSV),
        ("a.CSV", "\ufeff" + CSV),
        ("a.jsonl", "\n\n".join(map(json.dumps, ROWS))),
        ("a.yaml", json.dumps(ROWS)),
    ],
)
def test_opt_out_requests_reads_each_format(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert opt_out_requests(path) == REQUESTS


def test_opt_out_requests_of_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# nobody yet\n")
    assert opt_out_requests(tmp_path / "a.yaml") == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"kind": "owner", "value": "a"}, "request 1: needed a text for `id`, found none"),
        ({"id": "r", "value": "a"}, "needed a text for `kind`"),
        ({"id": "r", "kind": "owner", "value": " "}, "needed a text for `value`"),
        ({"id": "r", "kind": "user", "value": "a"}, "repository, owner, swhid, path, found 'user'"),
        ({"id": "r", "kind": "owner", "value": "a", "since": "x"}, "unknown field 'since'"),
        ({"id": "r", "kind": "swhid", "value": "swh:1:rel:" + "0" * 40}, "cnt, dir, rev, snp or"),
        ({"id": "r", "kind": "swhid", "value": "swh:1:cnt:12"}, "found 'swh:1:cnt:12'"),
        ({"id": "r", "kind": "repository", "value": "https://"}, "needed owner/name"),
        ({"id": "r", "kind": "repository", "value": "acme/*tool"}, "needed owner/name"),
        ({"id": "r", "kind": "owner", "value": "a", "repository": "b"}, "limits a path"),
        ({"id": "r", "kind": "path", "value": "**"}, "covers every file"),
        (["r", "owner", "a"], "needed a mapping of id, kind"),
    ],
)
def test_opt_out_requests_names_what_is_wrong(tmp_path: Path, row: object, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row))
    with pytest.raises(InputError) as caught:
        opt_out_requests(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.yaml", "a: [1"), ("a.yaml", "id: r"), ("a.jsonl", "{"), ("a.txt", ""), ("a.csv", None)],
)
def test_opt_out_requests_of_unreadable_files(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="opt-outs"):
        opt_out_requests(tmp_path / name)


@pytest.mark.parametrize(
    ("origin_url", "repo_name", "expected"),
    [
        ("https://github.com/acme/tool", "acme/tool", "r1"),
        ("git://GitHub.com/ACME/Tool.git", "ACME/Tool", "r1"),
        ("https://github.com/acme/other", "acme/other", None),
        # the request names a host
        ("https://codeberg.org/acme/tool", "acme/tool", None),
        # an owner on any forge
        ("https://codeberg.org/Someone/x", "Someone/x", "r2"),
        ("https://git.example.org/someone/deep/x", "someone/deep/x", "r2"),
        ("https://github.com/x/someone", "x/someone", None),
        ("file:///home/someone/x", "x", None),
    ],
)
def test_is_opted_out(origin_url: str, repo_name: str, expected: str | None) -> None:
    assert is_opted_out(origin_url, repo_name, REQUESTS) == expected


def test_is_opted_out_names_the_least_request() -> None:
    twice = [OptOutRequest(request_id=name, kind="owner", value="a") for name in ("r9", "r8")]
    assert is_opted_out("https://x.org/a/b", "a/b", twice) == "r8"
