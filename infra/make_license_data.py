"""Write stackspark/data/licenses.json: the class of every licence identifier that is known.

Runs offline, from the licence index that the installed `license-expression` carries. Run it again
after a new version of that package, read the difference, and commit both:

    python infra/make_license_data.py

Sources: ScanCode LicenseDB, (c) nexB Inc. and others, CC-BY-4.0; Blue Oak Council's licence list
15.0.0, CC0-1.0 (only the identifiers that ScanCode does not call permissive are listed below).
"""

import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "stackspark" / "data" / "licenses.json"
PERMISSIVE_CATEGORIES = {"Permissive", "Public Domain"}
RESTRICTIVE_CATEGORIES = {
    "Commercial",
    "Free Restricted",
    "Proprietary Free",
    "Source-available",
}

BLUE_OAK_VERSION = "15.0.0"
BLUE_OAK_ONLY = (
    *("Artistic-1.0", "Artistic-1.0-cl8", "Artistic-1.0-Perl", "Artistic-2.0", "ClArtistic"),
    *("BSD-3-Clause-No-Nuclear-License-2014", "BSD-3-Clause-No-Nuclear-Warranty"),
    *("HPND-export-US", "LPL-1.0", "LPL-1.02", "LPPL-1.3c", "NASA-1.3", "NBPL-1.0", "OGTSL"),
    *("OLDAP-1.1", "OLDAP-1.2", "OLDAP-1.3", "OLDAP-1.4", "Qhull", "Ruby", "Vim"),
)
"""Approved by the Blue Oak Council, of another category for ScanCode."""

NOT_LICENSES = tuple(
    f"LicenseRef-scancode-{name}"
    for name in (
        *("dco-1.1", "generic-cla", "google-cla", "jetty-ccla-1.1", "newton-king-cla"),
        *("generic-exception", "generic-export-compliance", "generic-tos", "generic-trademark"),
        "warranty-disclaimer",
    )
)
"""Texts found beside licences that license nothing; The Stack v2 sets them aside."""

REFERENCES = (
    "LicenseRef-scancode-unknown-license-reference",
    *("NOASSERTION", "NONE", "UNKNOWN"),
)
"""Words that point at a licence without naming it."""

PROPRIETARY_NAMES = (
    *("all rights reserved", "commercial", "closed source", "confidential", "internal"),
    *("other/proprietary license", "private", "proprietary", "proprietary license"),
    *("propietary", "unlicensed", "closed"),
)
"""What people write for code that is not free; npm defines UNLICENSED so."""

NAMES = {
    "0BSD": ("bsd zero clause license",),
    "AFL-3.0": ("academic free license (afl)",),
    "AGPL-3.0-only": ("agpl", "agplv3", "agpl v3", "gnu affero general public license v3"),
    "AGPL-3.0-or-later": (
        "agplv3+",
        "gnu affero general public license v3 or later (agplv3+)",
    ),
    "Apache-2.0": (
        *("apache", "apache 2", "apache 2.0", "apache license", "apache license 2.0"),
        *("apache license v2.0", "apache license, version 2.0", "apache software license"),
        *("apache software license 2.0", "apache-2", "apache license version 2.0", "asl 2.0"),
        *("apache v2", "apache2", "apache2.0", "the apache license, version 2.0", "apache v2.0"),
    ),
    "Artistic-2.0": ("artistic license",),
    "BSD-2-Clause": (
        *("2-clause bsd", "bsd 2-clause", "simplified bsd", "freebsd", "bsd-2"),
        "bsd 2-clause license",
    ),
    "BSD-3-Clause": (
        *("3-clause bsd", "bsd", "bsd 3-clause", "bsd 3-clause license", "bsd license", "bsd-3"),
        *("bsd-like", "bsd-style", "modified bsd", "modified bsd license", "new bsd", "bsd3"),
        *("new bsd license", "3-clause bsd license", "the bsd 3-clause license", "bsd 3 clause"),
    ),
    "BSL-1.0": ("boost", "boost software license", "boost software license 1.0 (bsl-1.0)"),
    "CC0-1.0": ("cc0", "cc0 1.0", "cc0 1.0 universal (cc0 1.0) public domain dedication"),
    "EPL-2.0": ("eclipse public license 2.0 (epl-2.0)",),
    "GPL-2.0-only": ("gnu gpl v2", "gpl 2", "gpl v2", "gpl2", "gpl-2", "gplv2"),
    "GPL-2.0-or-later": ("gpl v2+", "gpl2+", "gplv2+", "gpl (>= 2)"),
    "GPL-3.0-only": ("gnu gpl v3", "gnu gplv3", "gpl 3", "gpl v3", "gpl3", "gpl-3", "gplv3"),
    "GPL-3.0-or-later": ("gpl v3+", "gpl3+", "gplv3+", "gpl (>= 3)"),
    "GPL-1.0-or-later": (
        "gnu gpl",
        "gnu general public license",
        "gnu general public license (gpl)",
    ),
    "ISC": ("isc license", "isc license (iscl)"),
    "LGPL-2.1-only": ("lgpl 2.1", "lgplv2.1"),
    "LGPL-2.1-or-later": ("lgplv2+", "lgplv2.1+"),
    "LGPL-2.0-or-later": ("gnu lgpl", "gnu lesser general public license", "lgpl"),
    "LGPL-3.0-only": ("lgpl v3", "lgpl3", "lgplv3"),
    "LGPL-3.0-or-later": ("lgpl3+", "lgplv3+"),
    "MIT": (
        *("expat", "expat license", "mit license", "mit licence", "the mit license", "mit-license"),
        *("mit license (mit)", "the mit license (mit)", "mit-style", "mit/x11", "mit/expat"),
        *("http://opensource.org/licenses/mit", "https://opensource.org/licenses/mit"),
    ),
    "MPL-2.0": (
        *("mozilla public license 2.0", "mozilla public license 2.0 (mpl 2.0)", "mpl", "mpl 2.0"),
        "mpl2",
    ),
    "MulanPSL-2.0": ("mulan permissive software license v2",),
    "PSF-2.0": ("psf", "psf license", "python software foundation license", "psfl"),
    "Python-2.0": ("python", "python license"),
    "Unlicense": ("the unlicense", "the unlicense (unlicense)"),
    "WTFPL": ("wtfpl license",),
    "ZPL-2.1": ("zope public license", "zpl", "zpl 2.1"),
    "Zlib": ("zlib license", "zlib/libpng", "zlib/libpng license"),
    "LicenseRef-scancode-public-domain": ("public domain", "publicdomain"),
}
"""Licences as package metadata spells them, in lower case; every text called BSD is permissive."""


def main() -> None:
    """Write the table, sorted, one identifier a line."""
    index = json.loads(
        files("license_expression").joinpath("data", "scancode-licensedb-index.json").read_text()
    )
    table = license_table(index)
    TARGET.write_text(json.dumps(table, indent=1, sort_keys=True, ensure_ascii=True) + "\n")
    print(f"{TARGET}: " + ", ".join(f"{len(table[k])} {k}" for k in ("permissive", "other")))


def license_table(index: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Identifiers by class, each with its aliases, and where the classes come from."""
    table: dict[str, Any] = {"permissive": {}, "other": {}, "exceptions": [], "restrictions": []}
    special = {*NOT_LICENSES, *REFERENCES}
    for row in index:
        key, category = row["spdx_license_key"], row["category"]
        if not key or key in special:
            continue
        is_permissive = category in PERMISSIVE_CATEGORIES or key in BLUE_OAK_ONLY
        table["permissive" if is_permissive else "other"][key] = sorted(
            row["other_spdx_license_keys"]
        )
        if row["is_exception"]:
            kind = "restrictions" if category in RESTRICTIVE_CATEGORIES else "exceptions"
            table[kind].append(key)
    return table | {
        "names": {name: key for key, names in NAMES.items() for name in names},
        "not_licenses": sorted(NOT_LICENSES),
        "proprietary_names": sorted(PROPRIETARY_NAMES),
        "references": sorted(REFERENCES),
        "sources": sources(),
    }


def sources() -> dict[str, str]:
    """Where the classes come from, with versions and licences."""
    version = importlib.metadata.version("license-expression")
    return {
        "ScanCode LicenseDB": f"index of license-expression {version}; (c) nexB Inc. and others, "
        "CC-BY-4.0; permissive = categories Permissive and Public Domain",
        "Blue Oak Council": f"licence list {BLUE_OAK_VERSION}, tiers Model to Lead; CC0-1.0",
        "The Stack v2": "texts that are no licence (not_licenses)",
    }


if __name__ == "__main__":
    main()
