"""Say of any file why it is in or out, from the published tables."""

from typing import Any

from pyspark.sql import Row

from stackspark.errors import InputError
from stackspark.explain.explanation import (
    Copy,
    Explanation,
    FileExplanation,
    LicenseMatch,
    LicenseSource,
    Reason,
    Twin,
    Unlisted,
)
from stackspark.explain.lookups import (
    MAX_COPIES,
    MAX_FILES,
    MAX_SUGGESTIONS,
    PublishedTables,
    Rows,
    facts_of,
    find_files,
    holders_of,
    near_misses,
    subjects_of,
)
from stackspark.explain.targets import Target, parse_target
from stackspark.rules.catalog import NEAR_DUPLICATE_RULES, rule_order
from stackspark.rules.causes import verdict_words
from stackspark.rules.declared.duplicates import EXACT_DUPLICATE
from stackspark.runtime.formatting import visible
from stackspark.swhid import SWHID, QualifiedSWHID

DUPLICATE_RULES = (EXACT_DUPLICATE.name, *NEAR_DUPLICATE_RULES)

Fact = dict[str, Any]


def explain(tables: PublishedTables, text: str) -> Explanation:
    """Explain what became of a file: three Spark jobs, four where the target names a repository.

    Args:
        tables: a published run.
        text: REPOSITORY:PATH (name or origin URL), a SWHID (cnt; dir with a path), a SHA-1 or
            sha1_git, or the end of a path, in which * and ? are wild.
    Returns:
        The file, or all files with the bytes that a hash names; for the end of several paths only
        which files these are.
    Raises:
        InputError: nothing like it is known; the message suggests what is.
    """
    target = parse_target(text)
    found, is_exact = find_files(tables, target)
    if not found:
        return Explanation(target=target.text, unlisted=_unlisted(tables, target))
    has_more, found = len(found) > MAX_FILES, found[:MAX_FILES]
    if len(found) > 1 and not is_exact:
        candidates = tuple(Copy(repo_name=row["repo_name"], path=row["path"]) for row in found)
        return Explanation(target=target.text, candidates=candidates, has_more=has_more)
    facts = facts_of(tables, found)
    facts = {**facts, **holders_of(tables, found, facts)}
    files = tuple(_explain_file(row, facts) for row in found)
    return Explanation(target=target.text, files=files, has_more=has_more)


def _explain_file(row: Row, facts: Rows) -> FileExplanation:
    language = _one(facts["file_languages"], blob_id=row["blob_id"], name=row["name"])
    reasons = _reasons(row, facts)
    problems = tuple(f"{fact['error_class']}: {fact['message']}" for fact in _problems(row, facts))
    documents = _documents(row, facts)
    num_copies = max(
        _one(facts["holder_counts"], blob_id=row["blob_id"]).get("num_files", 0) - 1, 0
    )
    return FileExplanation(
        repo_name=row["repo_name"],
        origin_url=row["origin_url"],
        path=row["path"],
        directory_id=row["directory_id"],
        swhid=_swhid(row),
        content_id=row["content_id"],
        blob_id=row["blob_id"],
        length_bytes=row["length_bytes"],
        language=language.get("language"),
        encoding=_one(facts["contents"], blob_id=row["blob_id"]).get("src_encoding"),
        **_license(row, facts),
        status=_status(row, reasons),
        reasons=reasons,
        twin=_twin(row, reasons, facts),
        problems=problems,
        documents=documents or (),
        num_copies=num_copies,
        copies=_copies(row, facts),
    )


def _status(row: Row, reasons: tuple[Reason, ...]) -> str:
    if reasons:
        return "removed"
    if row["blob_id"] is None:
        return "quarantined"
    return "kept"


def _reasons(row: Row, facts: Rows) -> tuple[Reason, ...]:
    """All verdicts that hold, in the order of rules; that of an exact copy is derived."""
    subjects = set(subjects_of(row))
    verdicts = [_reason(fact) for fact in facts["ledger"] if _subject(fact) in subjects]
    is_candidate = all(reason.rule in DUPLICATE_RULES for reason in verdicts)
    chosen = _representative(row["blob_id"], facts)
    if is_candidate and chosen and not _is_same(chosen, row):
        verdicts.append(
            Reason(
                rule=EXACT_DUPLICATE.name,
                rule_order=rule_order(EXACT_DUPLICATE.name),
                grain="file",
                step=EXACT_DUPLICATE.step,
            )
        )
    return tuple(sorted(verdicts, key=lambda reason: (reason.rule_order, reason.grain)))


def _subject(fact: Fact) -> tuple[str, str]:
    return fact["grain"], fact["subject_id"]


def _reason(fact: Fact) -> Reason:
    names = ("rule", "rule_order", "grain", "step", "value", "limit", "evidence")
    return Reason(**{name: fact[name] for name in names})


def _is_same(fact: Fact, row: Row) -> bool:
    return bool(fact["directory_id"] == row["directory_id"] and fact["path"] == row["path"])


def _representative(blob_id: str | None, facts: Rows) -> Fact:
    return _one(facts["holders"], blob_id=blob_id, place=0)


def _twin(row: Row, reasons: tuple[Reason, ...], facts: Rows) -> Twin | None:
    """The file that stays in the place of a duplicate."""
    if not any(reason.rule in DUPLICATE_RULES for reason in reasons):
        return None
    near = _one(facts["near_duplicates"], blob_id=row["blob_id"])
    blob_id = near.get("kept_blob_id", row["blob_id"])
    content_id = _one(facts["kept_contents"], blob_id=blob_id).get("content_id", row["content_id"])
    holder = _representative(blob_id, facts)
    return Twin(
        blob_id=blob_id,
        similarity=near.get("similarity", 1.0),
        established_by=near.get("established_by", "same_bytes"),
        repo_name=holder.get("repo_name"),
        path=holder.get("path"),
        swhid=str(SWHID("cnt", content_id)),
    )


def _license(row: Row, facts: Rows) -> Fact:
    fact = _one(facts["licenses"], directory_id=row["directory_id"], path=row["path"])
    return {
        "license_type": fact.get("license_type"),
        "license_reason": fact.get("license_reason"),
        "licenses": tuple(fact.get("detected_licenses", ())),
        "license_sources": tuple(
            LicenseSource(**source, **_text_behind(row, source, facts))
            for source in fact.get("license_sources", ())
        ),
        "license_conflicts": tuple(fact.get("license_conflicts", ())),
    }


def _text_behind(row: Row, source: Fact, facts: Rows) -> Fact:
    """The detector's answer for the licence file that a declaration is in."""
    if source["source"] != "license_file":
        return {}
    place = {"directory_id": row["directory_id"], "path": source["path"]}
    text = _one(facts.get("license_texts", []), **place)
    if not text:
        return {}
    matches = tuple(LicenseMatch(**match) for match in text["matches"])
    return {
        "outcome": text["outcome"],
        "detector": " ".join(filter(None, (text["detector_version"], text["method"]))),
        "matches": matches,
    }


def _problems(row: Row, facts: Rows) -> list[Fact]:
    return [fact for fact in facts["quarantine"] if fact["key"].endswith(row["content_id"])]


def _documents(row: Row, facts: Rows) -> tuple[str, ...] | None:
    """Documents that hold the file; None where the run made none at all."""
    if "documents" not in facts:
        return None
    return tuple(sorted(fact["document_id"] for fact in facts["documents"] if _is_same(fact, row)))


def _copies(row: Row, facts: Rows) -> tuple[Copy, ...]:
    others = [
        fact
        for fact in facts["holders"]
        if fact["blob_id"] == row["blob_id"] and fact["place"] > 0 and not _is_same(fact, row)
    ]
    others.sort(key=lambda fact: fact["place"])
    return tuple(Copy(repo_name=f["repo_name"], path=f["path"]) for f in others[:MAX_COPIES])


def _swhid(row: Row) -> str:
    visit, anchor = row["snapshot_id"], row["revision_id"]
    swhid = QualifiedSWHID(
        core=SWHID("cnt", row["content_id"]),
        origin=row["origin_url"],
        visit=SWHID("snp", visit) if visit else None,
        anchor=SWHID("rev", anchor) if anchor else SWHID("dir", row["directory_id"]),
        path=bytes(row["path_bytes"]) if row["path_bytes"] else row["path"].encode(),
    )
    return str(swhid)


def _one(rows: list[Fact], **key: Any) -> Fact:
    """The row of a key, which is unique; empty if there is none."""
    matching = (row for row in rows if all(row[name] == value for name, value in key.items()))
    return next(matching, {})


def _unlisted(tables: PublishedTables, target: Target) -> tuple[Unlisted, ...]:
    """Facts about a target of which no file was listed.

    Raises:
        InputError: nothing is.
    """
    facts = near_misses(tables, target)
    rejected = [
        Unlisted(name=fact["subject_id"], words=_rejection(fact)) for fact in facts["ledger"]
    ]
    broken = [
        Unlisted(name=fact["key"], words=f"quarantined: {fact['error_class']}: {fact['message']}")
        for fact in facts["quarantine"]
    ]
    if rejected or broken:
        return (*rejected, *broken)
    raise InputError(f"no file {visible(target.text)!r} in the published run; {_advice(facts)}")


def _rejection(fact: Fact) -> str:
    evidence = f" [{fact['evidence']}]" if fact["evidence"] else ""
    words = verdict_words(fact["rule"], fact["value"], fact["limit"])
    return f"not listed: {fact['rule']}: {words}{evidence}"


def _advice(facts: Rows) -> str:
    """The nearest that there is, in the repository that was named before all others."""
    near = facts.get("paths") or [*facts.get("files", []), *facts.get("repositories", [])]
    least = min((fact["distance"] for fact in near), default=0)
    names = {
        f"{fact['repo_name']}:{fact.get('path', 'PATH')}"
        for fact in near
        if fact["distance"] == least
    }
    if names:
        shown = sorted(names)[:MAX_SUGGESTIONS]
        return f"did you mean {' or '.join(visible(name) for name in shown)}?"
    return "needed REPOSITORY:PATH, a SWHID, a SHA-1 or the end of a path"
