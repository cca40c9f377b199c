"""Compare the licence detector with ScanCode's full matcher, and with what packages declare.

    python benchmarks/compare_licenses.py --work DIR texts --files PLACES ... [--seconds 500]
    python benchmarks/compare_licenses.py --work DIR packages --files PLACES ...

Places are folders and archives. `texts` takes their distinct licence files, in an order that a hash
of the bytes decides, and asks both ways about each; answers are kept in DIR, so that a second call
goes on where the time of the first one was over. `packages` takes each folder that holds the
metadata of a package and its licence files, and puts what the one declares beside what the others
state. Needs the extra `licenses`. CPU seconds of this process, index loaded before.
"""

import argparse
import gc
import hashlib
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from compare_languages import files_of

from stackspark.licenses.detector.scancode import LicenseIndex, scancode_version
from stackspark.licenses.expressions import evaluate
from stackspark.licenses.file_names import DECLARING, OTHER_EXTENSION
from stackspark.licenses.metadata import METADATA_READERS, declared_license

INSIDE = ("licenses/", "license_files/")
"""Folders of an installed distribution's metadata that hold its licence files."""


def main() -> None:
    """Run one comparison."""
    given = parse()
    work = Path(given.work)
    work.mkdir(parents=True, exist_ok=True)
    if given.comparison == "texts":
        compare_texts(given.files, work / "license-answers.jsonl", given.seconds)
    else:
        compare_packages(given.files, work / "package-answers.jsonl", given.seconds)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare licence detection.")
    parser.add_argument("--work", required=True, help="folder for answers that are kept")
    parser.add_argument("comparison", choices=("texts", "packages"))
    parser.add_argument("--files", nargs="+", required=True, help="folders and archives")
    parser.add_argument("--seconds", type=float, default=500, help="stop asking after so long")
    return parser.parse_args()


def may_declare(name: str) -> bool:
    """Whether a name is one of those that `names_a_license` takes for a licence file's."""
    return bool(re.match(DECLARING, name)) and not re.search(OTHER_EXTENSION, name)


def license_files(places: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Distinct licence files: SHA-1 of the bytes, one of their places, text."""
    found: dict[str, tuple[str, str]] = {}
    for place in places:
        for path, raw in files_of(Path(place), may_declare):
            if b"\0" not in raw and raw.strip():
                text = raw.decode("utf-8", "replace")
                found.setdefault(hashlib.sha1(raw).hexdigest(), (f"{place}!{path}", text))
    yield from ((key, *found[key]) for key in sorted(found))


def kept_answers(path: Path) -> dict[str, dict[str, Any]]:
    """Answers of earlier calls by key."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {row["key"]: row for row in map(json.loads, lines)}


def compare_texts(places: Sequence[str], path: Path, seconds: float) -> None:
    """Ask about texts until the time is over, then print the comparison."""
    started, rows = time.monotonic(), kept_answers(path)
    waiting = [file for file in license_files(places) if file[0] not in rows]
    index = LicenseIndex()
    answer_of_scancode(index, "MIT License")
    gc.freeze()  # as the detector's process does; else each collection walks through the index
    with path.open("a") as answers:
        for key, place, text in waiting:
            if time.monotonic() - started > seconds:
                break
            ours, our_seconds = timed(lambda: index.license_of_text(text))  # noqa: B023
            exact, exact_seconds = timed(lambda: index.license_of_text(text, is_exact=True))  # noqa: B023
            full, full_seconds = timed(lambda: answer_of_scancode(index, text))  # noqa: B023
            row = {"key": key, "place": place, "chars": len(text), "method": ours["method"]}
            row |= {"ours": ours["expression"], "full": full["expression"]}
            row |= {"exact": exact["expression"], "num_left": exact["num_left"]}
            row |= {"exact_seconds": exact_seconds}
            row |= {"our_seconds": our_seconds, "full_seconds": full_seconds}
            rows[key] = row
            answers.write(json.dumps(row) + "\n")
            answers.flush()
    report_texts(list(rows.values()))


def answer_of_scancode(index: LicenseIndex, text: str) -> dict[str, Any]:
    """What ScanCode itself makes of a text, all of it, with its full matcher."""
    from licensedcode.detection import detect_licenses  # noqa: PLC0415 - takes seconds

    detections = detect_licenses(index=index._index, query_string=text)
    stated = [each.license_expression for each in detections if each.license_expression]
    return {"expression": index._spdx(stated)}


def timed(ask: Any) -> tuple[dict[str, Any], float]:
    """An answer and its CPU seconds."""
    started = time.process_time()
    answer = ask()
    return answer, time.process_time() - started


def ids(expression: str | None) -> frozenset[str]:
    """Licences of an expression."""
    return frozenset(evaluate(expression).license_ids) if expression else frozenset()


def report_texts(rows: Sequence[dict[str, Any]]) -> None:
    """Agreement, speed and every disagreement."""
    total = len(rows)
    same = [row for row in rows if ids(row["ours"]) == ids(row["full"])]
    classes = [row for row in rows if kind(row["ours"]) == kind(row["full"])]
    ours, full = (sum(row[f"{name}_seconds"] for row in rows) for name in ("our", "full"))
    methods = Counter(row["method"] for row in rows)
    print(f"{scancode_version()}: {total:,} licence files, {dict(methods)}")
    print(f"same licences: {len(same):,} = {len(same) / total:.2%}; "
          f"same class: {len(classes):,} = {len(classes) / total:.2%}")  # fmt: skip
    exact = [row for row in rows if ids(row["exact"]) == ids(row["full"])]
    exact_seconds = sum(row["exact_seconds"] for row in rows)
    print(f"exact rules alone: same licences {len(exact) / total:.2%}, "
          f"{exact_seconds / total * 1000:.1f} ms a file")  # fmt: skip
    print(f"CPU seconds: {ours:.1f} ours, {full:.1f} full matcher: {full / ours:.1f} times as fast")
    print(
        "\n| place | files | same licences | ms ours | ms full | times |\n|---|---|---|---|---|---|"
    )
    for place in dict.fromkeys(row["place"].split("!")[0] for row in rows):
        print(place_line(place, [row for row in rows if row["place"].startswith(f"{place}!")]))
    print("\n| file | ours | full matcher |\n|---|---|---|")
    for row in rows:
        if row not in same:
            short = "/".join(row["place"].split("/")[-3:])
            print(f"| `{short}` | {row['ours']} ({row['method']}) | {row['full']} |")


def place_line(place: str, rows: Sequence[dict[str, Any]]) -> str:
    """Agreement and speed on the files of one place."""
    same = sum(ids(row["ours"]) == ids(row["full"]) for row in rows) / len(rows)
    ours, full = (sum(row[f"{name}_seconds"] for row in rows) for name in ("our", "full"))
    each = 1000 / len(rows)
    cells = (f"{len(rows):,}", f"{same:.2%}", f"{ours * each:.1f}", f"{full * each:.1f}")
    return f"| {Path(place).name} | {' | '.join(cells)} | {full / ours:.1f} |"


def kind(expression: str | None) -> str:
    """Class of an expression."""
    return evaluate(expression).license_class if expression else "none"


def packages(places: Sequence[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Folder, declared expression and licence texts of each package that has both."""
    for place in places:
        declared: dict[str, str] = {}
        texts: dict[str, list[str]] = defaultdict(list)
        for path, raw in files_of(Path(place), lambda n: n in METADATA_READERS or may_declare(n)):
            folder, _, name = path.rpartition("/")
            if name in METADATA_READERS:
                expression = declared_license(name, raw.decode("utf-8", "replace"))
                if expression:
                    declared.setdefault(folder, expression)
            elif raw.strip() and b"\0" not in raw:
                owner = next((folder[: -len(e)] for e in INSIDE if f"{folder}/".endswith(f"/{e}")),
                             folder)  # fmt: skip
                texts[owner].append(raw.decode("utf-8", "replace"))
        for folder in sorted(declared.keys() & texts.keys()):
            yield f"{place}!{folder}", declared[folder], texts[folder]


def compare_packages(places: Sequence[str], path: Path, seconds: float) -> None:
    """Ask about the texts of packages until the time is over, then print the comparison."""
    started, rows = time.monotonic(), kept_answers(path)
    index, known = LicenseIndex(), {}
    with path.open("a") as answers:
        for place, declared, texts in packages(places):
            if place in rows or time.monotonic() - started > seconds:
                continue
            for text in texts:
                key = hashlib.sha1(text.encode()).hexdigest()
                known[key] = known.get(key) or index.license_of_text(text)["expression"] or ""
            keys = [hashlib.sha1(text.encode()).hexdigest() for text in texts]
            stated = sorted({known[key] for key in keys if known[key]})
            rows[place] = {"key": place, "declared": declared, "stated": stated}
            answers.write(json.dumps(rows[place]) + "\n")
            answers.flush()
    report_packages(list(rows.values()))


def report_packages(rows: Sequence[dict[str, Any]]) -> None:
    """A confusion table of the most frequent answers, and the disagreements."""
    table: Counter[tuple[str, str]] = Counter()
    classes: Counter[tuple[str, str]] = Counter()
    differ = []
    for row in rows:
        declared = evaluate(row["declared"])
        together = " AND ".join(f"({text})" for text in row["stated"])
        stated = evaluate(together) if together else None
        both = (declared.expression, stated.expression if stated else "nothing found")
        table[both] += 1
        classes[declared.license_class, stated.license_class if stated else "nothing"] += 1
        if stated is None or set(declared.license_ids) != set(stated.license_ids):
            differ.append((row["key"], *both))
    same = len(rows) - len(differ)
    print(f"{scancode_version()}: {len(rows):,} packages, the same licences in {same:,}, "
          f"{same / len(rows):.1%}")  # fmt: skip
    print("\n| declared class | class of the texts | packages |\n|---|---|---|")
    for pair, count in sorted(classes.items(), key=lambda item: (-item[1], item[0])):
        print(f"| {pair[0]} | {pair[1]} | {count} |")
    print("\n| declared | stated | packages |\n|---|---|---|")
    for pair, count in sorted(table.items(), key=lambda item: (-item[1], item[0]))[:40]:
        print(f"| {pair[0][:80]} | {pair[1][:120]} | {count} |")
    print("\n| package | declared | stated |\n|---|---|---|")
    for place, declared, stated in differ:
        print(f"| `{'/'.join(place.split('/')[-2:])}` | {declared[:80]} | {stated[:160]} |")


if __name__ == "__main__":
    main()
