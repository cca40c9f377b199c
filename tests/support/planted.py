"""Small sources whose files have a fate that is known, for whole runs."""

import random
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import stackspark

DEMO = Path(stackspark.__file__).parent / "recipes" / "demo"

SHIP = '''"""Ships and where they are bound."""


def heading(ship, port):
    """Degrees from north, clockwise, from the ship to its port."""
    east, north = port.east - ship.east, port.north - ship.north
    return math.degrees(math.atan2(east, north)) % 360


def hours(ship, port, knots):
    """Hours that the passage takes at a speed, without wind or tide."""
    miles = math.hypot(port.east - ship.east, port.north - ship.north)
    return miles / knots
'''
CREW = '''"""The watch list: who is on deck at which hour of the day."""

WATCHES = ("first", "middle", "morning", "forenoon", "afternoon", "dog")


def on_deck(crew, hour):
    """Every third sailor stands the watch that the hour belongs to."""
    watch = hour // 4 % len(WATCHES)
    return [sailor for place, sailor in enumerate(crew) if place % 3 == watch % 3]
'''
CARGO = '''"""Cargo and how it is stowed, heavy pieces low and amidships."""


def stow(pieces, holds):
    """Fill the holds from the lowest, each with the heaviest piece that still fits."""
    for piece in sorted(pieces, key=lambda piece: -piece.tonnes):
        hold = next(hold for hold in holds if hold.free_tonnes >= piece.tonnes)
        hold.load(piece)
    return holds
'''

CAUSES = {
    "ada/ships": {
        "/LICENSE": "text_file_name",
        "/src/ship.py": None,
        "/src/crew.py": None,
        "/latest.py": "not_a_file",
    },
    "bob/planted": {
        "/LICENSE": "text_file_name",
        "/copyleft/rigging.c": "license",
        "/data/anchor.bin": "binary",
        "/data/chart_bundle.js": "avg_line_length",
        "/data/flag.py": "encoded_fraction",
        "/generated/tides_table.py": "generated_marker",
        "/private/diary.md": "opt_out",
        "/src/harbour.py": None,
        "/src/harbour_again.py": "exact_duplicate",
        "/src/harbour_copy.py": "near_duplicate",
        "/src/leaked_solution.py": "contamination",
    },
    "reef@1.0": {
        "/reef-1.0/LICENSE": "text_file_name",
        "/reef-1.0/crew.py": "exact_duplicate",
        "/reef-1.0/empty.py": "empty",
    },
}
"""Repository, path and cause of each planted file; None: kept."""


@dataclass(frozen=True)
class Fixture:
    """A recipe over small sources, and a second list of sources with one more."""

    recipe: str
    grown: Path


def plant(root: Path) -> Fixture:
    """Write the sources and the recipe below a folder."""
    licence = (DEMO / "planted" / "LICENSE").read_text(encoding="utf-8")
    _repository(root / "ships", {"LICENSE": licence, "src/ship.py": SHIP, "src/crew.py": CREW})
    _archive(root / "archives", {"LICENSE": licence, "crew.py": CREW, "empty.py": ""})
    write_files(root / "gone", {"secret.py": CARGO})
    write_files(root / "more", {"cargo.py": CARGO, "ship.py": SHIP})
    sources: list[Any] = [
        {"source": f"git:{root}/ships", "origin": "https://example.org/ada/ships"},
        {"source": f"dir:{DEMO}/planted", "origin": "https://example.org/bob/planted"},
        f"archive:{root}/archives/*.tar.gz",
        {"source": f"dir:{root}/gone", "origin": "https://example.org/eve/gone"},
    ]
    requests = [
        {"id": "request-1", "kind": "repository", "value": "eve/gone"},
        {"id": "request-2", "kind": "path", "repository": "bob/planted", "value": "/private/*"},
    ]
    more = [{"source": f"dir:{root}/more", "origin": "https://example.org/cat/more"}]
    recipe = {
        "extends": "default",
        "name": "planted",
        "license_texts": {"detector": "built_in"},
        "sources": sources,
        "opt_outs": str(root / "requests.yaml"),
        "benchmarks": {"path": str(DEMO / "benchmarks.jsonl")},
    }
    documents = {"recipe": recipe, "requests": requests, "grown": [*sources, *more]}
    write_files(root, {f"{name}.yaml": yaml.safe_dump(value) for name, value in documents.items()})
    return Fixture(recipe=str(root / "recipe.yaml"), grown=root / "grown.yaml")


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def _repository(folder: Path, files: Mapping[str, str]) -> None:
    write_files(folder, files)
    (folder / "latest.py").symlink_to("src/ship.py")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "Sail"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def _archive(folder: Path, files: Mapping[str, str]) -> None:
    write_files(folder / "reef-1.0", files)
    with tarfile.open(folder / "reef-1.0.tar.gz", "w:gz") as archive:
        archive.add(folder / "reef-1.0", "reef-1.0")
    whole = (folder / "reef-1.0.tar.gz").read_bytes()
    (folder / "torn-1.0.tar.gz").write_bytes(whole[: len(whole) // 2])


def slow_license_text() -> str:
    """A text that ScanCode's full matcher takes some twenty CPU seconds for.

    Words of two licences in no order, in pieces between blank lines: each piece is compared with
    all rules, and aligned with seventy.
    """
    texts = (DEMO / "planted" / "LICENSE", Path(stackspark.__file__).parents[1] / "LICENSE")
    words = [word for path in texts for word in path.read_text(encoding="utf-8").split()]
    chance = random.Random(1)
    piece = ("\n".join(" ".join(chance.choices(words, k=12)) for _ in range(4)) for _ in range(600))
    return ("\n" * 16).join(piece)[:199_000]
