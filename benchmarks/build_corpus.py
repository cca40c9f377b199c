"""Build the corpus of the benchmarks: archives of real packages, and as many mutants as asked for.

    python benchmarks/build_corpus.py --out ~/corpus --set small
    python benchmarks/build_corpus.py --out ~/corpus --grow 1GB

The packages are those of corpus_packages.csv, fetched with the registries' own clients (pip, npm,
go, cargo): 300 MB of text, or 1 GB in full. `--grow` adds synthetic packages in which every file of
a real package is rewritten, never copied; the .csv beside each says how much. A second call adds
only what is missing.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

TABLE = Path(__file__).with_name("corpus_packages.csv")
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
MAX_MUTATED_BYTES = 1_000_000
SYNTHETIC_PACKAGE_BYTES = 20_000_000
SEED = 2
NEAR_FRACTION = 0.35
DROPPED_FRACTION = 0.10
EDITED_TOKEN_FRACTIONS = (0.002, 0.01, 0.03, 0.06, 0.12)
SHINGLE_TOKENS = 5

TOKENS = re.compile(r"\w+")
IDENTIFIERS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{3,}")


@dataclass(frozen=True, kw_only=True)
class Package:
    """One version of one package of one registry."""

    registry: str
    name: str
    version: str
    set: str

    @property
    def archive_pattern(self) -> str:
        """What the path of its archive below the registry's folder matches: the client's names."""
        name, version = re.escape(self.name), re.escape(self.version)
        if self.registry == "pypi":
            return f"{'[-_.]'.join(re.split('[-_.]', self.name))}-{version}-.*[.]whl"
        if self.registry == "npm":
            return f"{re.escape(self.name.removeprefix('@').replace('/', '-'))}-{version}[.]tgz"
        if self.registry == "go":
            return f"cache/download/{name}/@v/{version}[.]zip"
        return f"{name}-{version}[.]crate"


@dataclass(frozen=True, kw_only=True)
class Member:
    """One text file of an archive."""

    path: str
    text: str


def main() -> int:
    """Fetch, grow and count."""
    arguments = parse_arguments()
    archives: Path = arguments.out / "archives"
    packages = wanted_packages(arguments.set)
    failed = fetch_all(packages, archives)
    real = [path for package in packages for path in archive_of(package, archives)]
    if arguments.grow:
        grow(real, arguments.out / "synthetic", parse_bytes(arguments.grow), arguments.seed)
    report = {
        "real": count(real),
        "synthetic": count(sorted((arguments.out / "synthetic").glob("*.tar.gz"))),
        "not fetched": failed,
    }
    print(json.dumps(report, indent=2))
    (arguments.out / "corpus.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    return 1 if failed else 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=lambda text: Path(text).expanduser().resolve(), required=True)
    parser.add_argument("--set", choices=["small", "full"], default="full")
    parser.add_argument("--grow", metavar="BYTES", help="text of synthetic packages, such as 1GB")
    parser.add_argument("--seed", type=int, default=SEED)
    return parser.parse_args()


def parse_bytes(text: str) -> int:
    """Bytes of a text such as ``1.5GB``; units are decimal."""
    found = re.fullmatch(r"([0-9.]+)\s*([KMGT]?B)", text)
    if not found:
        sys.exit(f"--grow takes a number and a unit (B, KB, MB, GB, TB), such as 1GB; got {text!r}")
    return int(float(found[1]) * UNITS[found[2]])


# Fetching ------------------------------------------------------------------------------------


def wanted_packages(set_name: str) -> list[Package]:
    """Packages of the table; the full set holds the small one."""
    with TABLE.open(encoding="utf-8", newline="") as table:
        packages = [Package(**row) for row in csv.DictReader(table)]
    return [package for package in packages if set_name in {"full", package.set}]


def archive_of(package: Package, archives: Path) -> list[Path]:
    """The archive of a package, or nothing where it was not fetched yet."""
    folder = archives / package.registry
    return [
        path
        for path in sorted(folder.rglob("*"))
        if re.fullmatch(package.archive_pattern, path.relative_to(folder).as_posix(), re.IGNORECASE)
    ]


def fetch_all(packages: Sequence[Package], archives: Path) -> list[str]:
    """Fetch what is not there yet; the names of packages that could not be fetched."""
    failed = []
    archives.mkdir(parents=True, exist_ok=True)
    for package in packages:
        if archive_of(package, archives):
            continue
        with tempfile.TemporaryDirectory(dir=archives.parent) as work:
            try:
                found = FETCHERS[package.registry](package, Path(work))
                keep(found, archives / package.registry)
            except (subprocess.CalledProcessError, StopIteration) as error:
                failed.append(f"{package.registry} {package.name} {package.version}")
                print(f"{failed[-1]}: {getattr(error, 'stderr', error)}", file=sys.stderr)
    return failed


def keep(found: Path, folder: Path) -> None:
    """Move an archive below a folder; a module of Go is named by its place in the module cache."""
    _, cache_folder, place = found.as_posix().rpartition("/cache/download/")
    target = folder / (f"cache/download/{place}" if cache_folder else found.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(found, target)


def fetch_wheel(package: Package, work: Path) -> Path:
    """A wheel: pip would run the build of a source distribution to learn its name."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work)]
    target = ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux2014_x86_64"]
    target += ["--platform=manylinux_2_17_x86_64", f"{package.name}=={package.version}"]
    run([*command, *target], work)
    return next(work.glob("*.whl"))


def fetch_npm(package: Package, work: Path) -> Path:
    """The tarball that `npm install` would unpack."""
    run(["npm", "pack", "--silent", f"{package.name}@{package.version}"], work)
    return next(work.glob("*.tgz"))


def fetch_go(package: Package, work: Path) -> Path:
    """The zip of a module, from a module cache of its own."""
    settings = {"GOPATH": str(work / "go"), "GOMODCACHE": str(work / "mod"), "GO111MODULE": "on"}
    settings["GOFLAGS"] = "-modcacherw"
    module = f"{package.name}@{package.version}"
    answer = run(["go", "mod", "download", "-json", module], work, **settings)
    return Path(json.loads(answer)["Zip"])


def fetch_crate(package: Package, work: Path) -> Path:
    """The .crate of a package; cargo fetches its dependencies as well, which are left."""
    (work / "src").mkdir()
    (work / "src" / "lib.rs").touch()
    manifest = '[package]\nname = "corpus"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\n'
    (work / "Cargo.toml").write_text(f'{manifest}{package.name} = "={package.version}"\n')
    run(["cargo", "fetch", "--quiet"], work, CARGO_HOME=str(cargo_home(work)))
    return next((work / "cargo").glob(f"registry/cache/*/{package.name}-{package.version}.crate"))


def cargo_home(work: Path) -> Path:
    """A cargo home of its own that keeps the machine's settings."""
    home = work / "cargo"
    home.mkdir()
    machine = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    for name in ("config.toml", "config"):
        if (machine / name).is_file():
            shutil.copy(machine / name, home / name)
    return home


def run(command: Sequence[str], folder: Path, **settings: str) -> str:
    """Standard output of a package client that is run in a folder."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


FETCHERS: dict[str, Callable[[Package, Path], Path]] = {
    "pypi": fetch_wheel,
    "npm": fetch_npm,
    "go": fetch_go,
    "crates": fetch_crate,
}


# Growing -------------------------------------------------------------------------------------


def grow(real: Sequence[Path], folder: Path, wanted_bytes: int, seed: int) -> None:
    """Write synthetic packages until their text reaches the wanted size.

    Package number n comes from (seed, n) alone, so that a larger corpus starts with the smaller.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for number in range(10**6):
        if written >= wanted_bytes:
            return
        target = folder / f"synthetic-{seed}-{number:05d}.tar.gz"
        if not target.exists():
            write_package(target, Random(f"{seed}/{number}"), real)
        written += text_bytes(table_of(target))


def write_package(target: Path, random: Random, real: Sequence[Path]) -> None:
    """Write one synthetic package and the table of what was done to each of its files."""
    rows: list[dict[str, object]] = []
    size = 0
    partial = target.with_suffix(".partial")
    with (
        partial.open("wb") as file,
        tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as tar,
    ):
        for source, member in drawn_members(random, real):
            row, text = mutated(member, random)
            if text is None:
                continue
            data = text.encode()
            entry = tarfile.TarInfo(f"{source_name(source)}/{row['path']}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
            size += len(data)
            rows.append(
                {**row, "source": f"{source.parent.name}/{source.name}", "bytes": len(data)}
            )
            if size >= SYNTHETIC_PACKAGE_BYTES:
                break
    with table_of(target).open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    partial.rename(target)


def source_name(source: Path) -> str:
    """Path of a real archive below the folder `archives`."""
    parts = source.parts
    return "/".join(parts[len(parts) - parts[::-1].index("archives") :])


def drawn_members(random: Random, real: Sequence[Path]) -> Iterator[tuple[Path, Member]]:
    """Text files of packages that are drawn without return, small enough to mutate."""
    for source in random.sample(real, len(real)):
        for member in text_members(source):
            if TOKENS.search(member.text) and len(member.text) <= MAX_MUTATED_BYTES:
                yield source, member


def mutated(member: Member, random: Random) -> tuple[dict[str, object], str | None]:
    """What becomes of one file: dropped (None), a near-duplicate, or a file of its own."""
    draw = random.random()
    row: dict[str, object] = {"path": member.path, "source_path": member.path}
    if draw < DROPPED_FRACTION:
        return row, None
    if draw < DROPPED_FRACTION + NEAR_FRACTION:
        fraction = random.choice(EDITED_TOKEN_FRACTIONS)
        text, num_tokens, num_edited = edit_tokens(member.text, fraction, random)
        if random.random() < 0.2:
            row["path"] = renamed(member.path, random)
        jaccard = expected_jaccard(num_edited / num_tokens)
        return {**row, "kind": "near", "expected_jaccard": round(jaccard, 4)}, text
    text = shuffle_blocks(rename_identifiers(member.text, random.getrandbits(64)), random)
    if text == member.text:
        text, _, _ = edit_tokens(text, 0, random)
    return {
        **row,
        "path": renamed(member.path, random),
        "kind": "far",
        "expected_jaccard": "",
    }, text


def edit_tokens(text: str, fraction: float, random: Random) -> tuple[str, int, int]:
    """Replace, delete or double a fraction of the tokens, at least one; with both counts."""
    spans = [found.span() for found in TOKENS.finditer(text)]
    num_edited = max(1, round(len(spans) * fraction))
    pieces, end = [], 0
    for index in sorted(random.sample(range(len(spans)), num_edited)):
        start, stop = spans[index]
        new = (f"edit{random.getrandbits(32):08x}", "", f"{text[start:stop]} {text[start:stop]}2")
        pieces += [text[end:start], random.choice(new)]
        end = stop
    return "".join(pieces) + text[end:], len(spans), num_edited


def expected_jaccard(edited_fraction: float) -> float:
    """Jaccard of two sets of shingles when tokens were edited independently of each other."""
    shared = (1 - edited_fraction) ** SHINGLE_TOKENS
    return shared / (2 - shared)


def rename_identifiers(text: str, salt: int) -> str:
    """Give most identifiers another name, the same one throughout the file."""

    @cache
    def other(name: str) -> str:
        digest = hashlib.blake2b(f"{salt}/{name}".encode(), digest_size=4).digest()
        return name if digest[0] < 64 else f"{name[:3]}_{digest.hex()[2:]}"

    return IDENTIFIERS.sub(lambda found: other(found[0]), text)


def shuffle_blocks(text: str, random: Random) -> str:
    """The paragraphs of a text in another order."""
    blocks = text.split("\n\n")
    random.shuffle(blocks)
    return "\n\n".join(blocks)


def renamed(path: str, random: Random) -> str:
    """A path with another base name in the same folder."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}m{random.getrandbits(24):06x}_{name}"


# Reading and counting ------------------------------------------------------------------------


def text_members(archive: Path) -> Iterator[Member]:
    """Files of an archive that are UTF-8 text, in the order of the archive."""
    for path, data in members(archive):
        if b"\0" in data:
            continue
        try:
            yield Member(path=path, text=data.decode())
        except UnicodeDecodeError:
            continue


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every regular file of an archive."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for entry in file.infolist():
                if not entry.is_dir():
                    yield entry.filename, file.read(entry)
        return
    with tarfile.open(archive) as tar:
        for item in tar:
            content = tar.extractfile(item) if item.isfile() else None
            if content:
                yield item.name, content.read()


def table_of(synthetic: Path) -> Path:
    """The table that lies beside a synthetic package."""
    return synthetic.with_name(f"{synthetic.name.removesuffix('.tar.gz')}.csv")


def text_bytes(table: Path) -> int:
    """Bytes of text of a synthetic package, from its table."""
    with table.open(encoding="utf-8", newline="") as file:
        return sum(int(row["bytes"]) for row in csv.DictReader(file))


def count(archives: Sequence[Path]) -> dict[str, object]:
    """Archives, files and bytes, and how many files of each registry."""
    files = Counter[str]()
    sizes = Counter[str]()
    for archive in archives:
        for _, data in members(archive):
            kind = "other" if b"\0" in data else "text"
            files[kind] += 1
            sizes[kind] += len(data)
    return {
        "archives": len(archives),
        "archive_bytes": sum(path.stat().st_size for path in archives),
        "text_files": files["text"],
        "text_bytes": sizes["text"],
        "other_files": files["other"],
        "other_bytes": sizes["other"],
        "archives_by_suffix": dict(Counter(path.suffix for path in archives)),
    }


if __name__ == "__main__":
    sys.exit(main())
