"""Names of files that hold a licence: which ones declare, and which ones only speak of licences.

A README, a notice or an about page that mentions a licence declares nothing, nor does a program
that happens to be called `license.js` or a picture called `license.png`. The expressions read the
same in Python and in Spark's SQL.

Source: appendix A.3 of the StarCoder2 paper.
"""

NAMING = (
    *(
        r"li[cs]en[cs]e(s?)",
        "legal",
        "copy(left|right|ing)",
        "unlicense",
        r"[al]?gpl([-_ v]?)(\d\.?\d?)?",
    ),
    *(
        "bsd(l?)",
        "mit(x?)",
        "apache",
        "artistic",
        r"copying(v?)(\d?)",
        "disclaimer",
        "eupl",
        "gfdl",
    ),
    *("[cm]pl", "cc0", r"al([-_ v]?)(\d\.?\d)?"),
)
"""Names of files that hold licences."""

HOLDING = r"(?i)^((un)?li[cs]en[cs]es?|copying)([-_. ].*)?$"
"""Names that nothing but a licence has: what nobody understands there still is one."""

SOURCE_EXTENSIONS = frozenset(
    (
        *("asm", "bash", "bat", "c", "cc", "clj", "cmake", "coffee", "cpp", "cs", "css"),
        *("csv", "cxx", "dart", "el", "elm", "erl", "ex", "exs", "f90", "fs", "go"),
        *("gradle", "groovy", "h", "hh", "hpp", "hs", "hxx", "inc", "ini", "ipynb"),
        *("java", "jl", "js", "json", "json5", "jsx", "kt", "kts", "less", "lisp", "lua"),
        *("m", "mjs", "ml", "mm", "nim", "php", "pl", "pm", "po", "pot", "properties"),
        *("proto", "ps1", "py", "pyi", "pyx", "r", "rb", "rs", "sass", "scala", "scm"),
        *("scss", "sh", "sol", "sql", "svelte", "svg", "swift", "tcl", "toml", "ts"),
        *("tsx", "v", "vb", "vhd", "vue", "wasm", "xml", "xsl", "yaml", "yml", "zig"),
        *("zsh", "bin", "bmp", "class", "dll", "exe", "gif", "icns", "ico", "jar", "jpeg"),
        *("jpg", "o", "png", "psd", "pyc", "so", "tif", "tiff", "ttf", "webp", "woff"),
    )
)
"""Extensions of programs, data and pictures that are named after a licence, but are none."""


DECLARING = rf"(?i)^(|.*[-_. ])({'|'.join(NAMING)})(|[-_. ].*)$"
OTHER_EXTENSION = rf"(?i)\.({'|'.join(sorted(SOURCE_EXTENSIONS))})$"
