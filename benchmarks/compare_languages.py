"""Compare the language of real files with what GitHub's Linguist (Ruby) says of them.

    python benchmarks/compare_languages.py --work DIR --files FOLDER_OR_ARCHIVES ... [--number 6000]

Takes text files out of folders and archives, at most --per-extension of each extension, in an order
that a hash of the bytes decides, so that rare extensions have their share. Needs `ruby` with
github-linguist (Debian: ruby-github-linguist). Where the two differ, the table says whether both
know the same languages for the file's name: if not, the versions differ, not the engines.
"""

import argparse
import hashlib
import json
import subprocess
import tarfile
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import enry

from stackspark.languages.linguist import LANGUAGES_VERSION, MAX_LANGUAGE_BYTES, detect_language

MAX_BYTES = 1 << 20
RUBY = """
require "json"
require "linguist"
known = Linguist::Language.all.map(&:name)
puts JSON.generate({version: Linguist::VERSION, known: known})
STDIN.each_line do |line|
  path, name = JSON.parse(line)
  blob = Linguist::Blob.new(name, File.binread(path).force_encoding("UTF-8"))
  started = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
  language = Linguist.detect(blob)
  seconds = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - started
  named = Linguist::Language.find_by_filename(name)
  named = Linguist::Language.find_by_extension(name) if named.empty?
  puts JSON.generate({language: language&.name, seconds: seconds, named: named.map(&:name)})
end
"""


def main() -> None:
    """Choose the files, ask both, print the tables."""
    given = parse()
    chosen = choose(given.files, given.number, given.per_extension)
    folder = Path(given.work) / "language-files"
    paths = stored(chosen, folder)
    names = [name for name, _ in chosen]
    ours, seconds = asked_ours(chosen)
    theirs, header = asked_theirs(paths, names, Path(given.work))
    print(f"{LANGUAGES_VERSION} against github-linguist {header['version']}: {len(names):,} files")
    report(names, ours, theirs, set(header["known"]))
    spent = sum(row["seconds"] for row in theirs)
    rates = [f"{len(names) / cpu:,.0f}" for cpu in (seconds, spent)]
    print(f"files per second of one core: {rates[0]}; Ruby {rates[1]}")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare languages with Linguist.")
    parser.add_argument("--work", required=True, help="folder for the chosen files")
    parser.add_argument("--files", nargs="+", required=True, help="folders and archives")
    parser.add_argument("--number", type=int, default=6000)
    parser.add_argument("--per-extension", type=int, default=60)
    return parser.parse_args()


Chosen = list[tuple[str, bytes]]


def choose(places: Sequence[str], number: int, per_extension: int) -> Chosen:
    """Distinct text files, (base name, bytes)."""
    found: dict[str, dict[str, tuple[str, bytes]]] = defaultdict(dict)
    for name, raw in sorted(text_files(places)):
        key = hashlib.sha1(raw).hexdigest()
        kept = found[Path(name).suffix.lower() or name]
        kept.setdefault(key, (name, raw))
        if len(kept) > 4 * per_extension:
            found[Path(name).suffix.lower() or name] = dict(sorted(kept.items())[:per_extension])
    few = [pair for kept in found.values() for pair in sorted(kept.items())[:per_extension]]
    return [file for _, file in sorted(few)[:number]]


def text_files(places: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Files that are text of at most 1 MiB, and not empty."""
    for place in places:
        for path, raw in files_of(Path(place)):
            name = path.rpartition("/")[2]
            if raw and len(raw) <= MAX_BYTES and is_text(raw) and name.isprintable():
                yield name, raw


def is_text(raw: bytes) -> bool:
    """UTF-8 without a NUL: what has a language in a lake."""
    try:
        return b"\0" not in raw and bool(raw.decode("utf-8").strip())
    except UnicodeDecodeError:
        return False


def files_of(
    place: Path, wanted: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[str, bytes]]:
    """Regular files of a folder or an archive, of base names that are wanted."""
    if place.is_dir():
        for path in sorted(place.rglob("*")):
            if not wanted(path.name):
                continue
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_BYTES:
                yield str(path), path.read_bytes()
    elif zipfile.is_zipfile(place):
        with zipfile.ZipFile(place) as archive:
            for info in archive.infolist():
                if (
                    wanted(info.filename.rpartition("/")[2])
                    and not info.is_dir()
                    and info.file_size <= MAX_BYTES
                ):
                    yield info.filename, archive.read(info)
    elif tarfile.is_tarfile(place):
        with tarfile.open(place) as archive:
            for member in archive:
                if not member.isfile() or not wanted(member.name.rpartition("/")[2]):
                    continue
                file = archive.extractfile(member)
                if file and member.size <= MAX_BYTES:
                    yield member.name, file.read()


def stored(chosen: Chosen, folder: Path) -> list[Path]:
    """The files on disk, for Ruby."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, (_, raw) in enumerate(chosen):
        paths.append(folder / f"{number:05}")
        paths[-1].write_bytes(raw)
    return paths


def asked_ours(chosen: Chosen) -> tuple[list[str | None], float]:
    """Our answers and the CPU seconds of all."""
    detect_language("warm.py", b"x")
    started = time.process_time()
    answers = [detect_language(name, raw) for name, raw in chosen]
    return answers, time.process_time() - started


def asked_theirs(
    paths: Sequence[Path], names: Sequence[str], work: Path
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Linguist's answers, and its version with the languages that it knows."""
    script = work / "linguist.rb"
    script.write_text(RUBY)
    lines = "".join(json.dumps([str(p), n]) + "\n" for p, n in zip(paths, names, strict=True))
    done = subprocess.run(
        ["ruby", str(script)], input=lines, capture_output=True, text=True, check=True
    )
    header, *rows = map(json.loads, done.stdout.splitlines())
    return rows, header


def report(
    names: Sequence[str],
    ours: Sequence[str | None],
    theirs: Sequence[dict[str, object]],
    known: set[str],
) -> None:
    """Agreement in all and by language, and every pair of answers that differs."""
    per_language: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    differences: dict[bool, Counter[tuple[str, str]]] = {True: Counter(), False: Counter()}
    examples: dict[tuple[str, str], str] = {}
    for name, mine, row in zip(names, ours, theirs, strict=True):
        reference = str(row["language"])
        per_language[reference] += 1
        agreed[reference] += mine == row["language"]
        if mine != row["language"]:
            is_version = candidates(name) & known != set(row["named"]) or (
                mine is not None and mine not in known
            )
            differences[is_version][str(mine), reference] += 1
            examples.setdefault((str(mine), reference), name)
    total, same = len(names), agreed.total()
    versions = differences[True].total()
    print(f"equal: {same:,} of {total:,} = {same / total:.2%}")
    print(f"of the {total - versions:,} whose names stand for the same languages in both versions: "
          f"{same / (total - versions):.2%}")  # fmt: skip
    for is_version, title in ((False, "same names"), (True, "other versions")):
        print(f"\n| {title}: ours | Linguist | files | example |\n|---|---|---|---|")
        for pair, count in sorted(differences[is_version].items(), key=lambda x: (-x[1], x[0])):
            print(f"| {pair[0]} | {pair[1]} | {count} | `{examples[pair]}` |")
    print("\n| Linguist's language | files | equal |\n|---|---|---|")
    for language, count in sorted(per_language.items(), key=lambda x: (-x[1], x[0])):
        print(f"| {language} | {count} | {agreed[language] / count:.1%} |")


def candidates(name: str) -> set[str]:
    """Languages that a name stands for by our version."""
    found = enry.get_languages_by_filename(name)
    if not found:
        from stackspark.languages.linguist import _languages_by_extension  # noqa: PLC0415

        found = _languages_by_extension(name)
    return set(found)


if __name__ == "__main__":
    assert MAX_LANGUAGE_BYTES
    main()
