"""Write stackspark/data/languages.json: Linguist's languages with their ids, types and groups.

Reads the npm package linguist-languages, whose version is that of Linguist, and keeps the languages
that the installed enry-python knows. Its data lies between two versions, so both are given, the
newer one first:

    npm pack linguist-languages@9.4.0 linguist-languages@9.2.0     # unpack each into a folder
    python infra/make_language_data.py 9.4.0/package 9.2.0/package

Source: github-linguist, (c) GitHub, Inc., MIT.
"""

import json
import subprocess
import sys
from pathlib import Path

import enry

TARGET = Path(__file__).parents[1] / "stackspark" / "data" / "languages.json"
PROGRAM = """
const languages = await import(process.argv[1] + "/index.js");
const rows = Object.values(languages).flatMap(x => x.name ? [x] : Object.values(x));
console.log(JSON.stringify(rows.map(x => [x.name, x.languageId, x.type, x.group ?? null])));
"""


def main() -> None:
    """Write the table, one language a line, sorted by name."""
    packages = [Path(folder).resolve() for folder in sys.argv[1:]]
    rows = {name: row for package in reversed(packages) for name, row in languages(package)}
    known = sorted(name for name in rows if enry.get_language_type(name) != "unknown")
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(rows[name])}" for name in known)
    versions = ", ".join(map(version, packages))
    source = json.dumps(f"github-linguist {versions}, (c) GitHub, Inc., MIT")
    TARGET.write_text(f'{{\n "source": {source},\n "languages": {{\n{lines}\n }}\n}}\n')
    print(f"{TARGET}: {len(known)} languages of Linguist {versions}")


def languages(package: Path) -> list[tuple[str, dict[str, object]]]:
    """Name and row of each language of a package."""
    command = ["node", "--input-type=module", "-e", PROGRAM, str(package)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [
        (name, {"id": number, "type": kind, "group": group})
        for name, number, kind, group in json.loads(done.stdout)
    ]


def version(package: Path) -> str:
    """Version of a package, which is Linguist's."""
    return str(json.loads((package / "package.json").read_text())["version"])


if __name__ == "__main__":
    main()
