"""Rules that neither a linter nor an import rule can see, checked on the syntax trees."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from places import REPOSITORY

from stackspark.lake.lake import GROWING

PACKAGE = REPOSITORY / "stackspark"
DATA = PACKAGE / "recipes"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if DATA not in path.parents)
JOBS = sorted((REPOSITORY / "jobs").glob("*.py"))
CODE_FOLDERS = ("stackspark", "jobs", "tests", "benchmarks", "infra")
TEXT_SUFFIXES = {".py", ".md", ".yaml", ".toml", ".txt", ".sh", ".tf", ".json", ".html", ".j2", ""}
CACHES = {".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "lake"}
MAX_JOB_LINES = 40

MAY_ACT = (
    "cli",
    "commands",
    "contracts/gate",
    "contracts/tables",
    "duplicates/near/rounds",
    "duplicates/near/search",
    "duplicates/near/similarities",
    "duplicates/near/spark",
    "duplicates/near/stack_v2/components",
    "duplicates/near/tables/spool",
    "duplicates/near/tasks",
    "duplicates/near/texts",
    "explain/lookups",
    "export/manifest",
    "export/shard_files",
    "export/shards",
    "lake",
    "licenses/detector",
    "opt_outs/requests",
    "recipe/load",
    "run",
    "runtime",
    "sources/archives",
    "sources/base/local_files",
    "sources/base/specs",
    "sources/fetching",
    "sources/folders",
    "sources/git",
    "sources/listing/assemble",
    "sources/origins",
    "sources/published_index",
    "sources/swh_graph/branches",
    "sources/swh_graph/tables",
    "sources/swh_graph/walk",
)
"""Rooms and modules where Spark's jobs are started, files read and written, and clocks read."""

ACTIONS = {
    "cache",
    "checkpoint",
    "collect",
    "createDataFrame",
    "foreach",
    "foreachPartition",
    "getOrCreate",
    "isEmpty",
    "localCheckpoint",
    "persist",
    "show",
    "toArrow",
    "toLocalIterator",
    "toPandas",
    "unpersist",
}
READS_AND_WRITES = {"read", "readStream", "sparkSession", "write", "writeStream", "writeTo"}
SESSIONS = {"SparkSession", "SparkContext", "SparkConf"}
BANNED_EVERYWHERE = {
    "_jdf",
    "_jsc",
    "_jvm",
    "monotonically_increasing_id",
    "pandas_udf",
    "rand",
    "randn",
    "rdd",
    "udf",
}
CLOCKS = {
    "current_date",
    "current_timestamp",
    "now",
    "today",
    "utcnow",
    "perf_counter",
    "monotonic",
}


def test_spark_acts_and_storage_and_clocks_are_only_where_they_may() -> None:
    breaches = [breach for path in MODULES if not may_act(path) for breach in acts(path)]
    assert not breaches, "\n".join(breaches)


def test_what_may_act_does() -> None:
    """A place that needs no leave any more loses it."""
    idle = [
        place
        for place in MAY_ACT
        if not any(list(acts(path)) for path in MODULES if is_below(path, place))
    ]
    assert not idle


def test_no_attribute_writes_or_starts_a_job() -> None:
    """What a property does is read as a value: work that takes time is a call."""
    breaches = [
        f"{place(path, node)} {node.name} calls {call.func.attr}"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and {"property", "cached_property"} & decorators(node)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if call.func.attr in {"write", "collect", "toArrow", "toPandas", "once"}
    ]
    assert not breaches, "\n".join(breaches)


def test_parameters_are_frozen_and_by_keyword() -> None:
    breaches = [
        f"{place(path, node)} {node.name} must be @dataclass(frozen=True, kw_only=True)"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        and node.name.endswith("Params")
        and not {"frozen", "kw_only"} <= decorator_switches(node)
    ]
    assert not breaches, "\n".join(breaches)


def test_nothing_runs_row_by_row_or_by_chance() -> None:
    breaches = [
        f"{place(path, node)} uses {name}"
        for path in MODULES
        for node, name in names(tree(path))
        if name in BANNED_EVERYWHERE
    ]
    assert not breaches, "\n".join(breaches)


def test_every_join_says_how() -> None:
    breaches = [
        f"{place(path, node)} joins without how="
        for path in MODULES + JOBS
        for node in calls(path, "join")
        if is_table_join(node) and "how" not in {keyword.arg for keyword in node.keywords}
    ]
    assert not breaches, "\n".join(breaches)


def test_functions_and_types_have_one_alias() -> None:
    breaches = [
        f"{place(path, node)} import {alias.name} as {alias.asname}"
        for path in MODULES + JOBS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pyspark.sql")
        for alias in node.names
        if (alias.name == "functions" and alias.asname != "F")
        or (alias.name == "types" and alias.asname != "T")
        or node.module == "pyspark.sql.functions"
    ]
    assert not breaches, "\n".join(breaches)


def test_imports_are_declared_dependencies() -> None:
    providers = importlib.metadata.packages_distributions()
    declared = declared_dependencies()
    undeclared = {
        f"{path.relative_to(REPOSITORY)}: {module}"
        for path in MODULES + JOBS
        for module in imported_packages(path)
        if module not in sys.stdlib_module_names
        and module != "stackspark"
        and not declared & {normal(name) for name in providers.get(module, [module])}
    }
    assert not undeclared, f"imported but not in pyproject.toml: {sorted(undeclared)}"


def test_great_expectations_stays_in_contracts() -> None:
    """Not a contract of the import linter, which does not see `import_module`."""
    strangers = [
        str(path.relative_to(REPOSITORY))
        for path in MODULES + JOBS
        if "great_expectations" in imported_packages(path) and path.parent.name != "contracts"
    ]
    assert not strangers


def test_jobs_are_thin() -> None:
    long = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in JOBS
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_JOB_LINES
    }
    assert not long, f"jobs hold arguments, session and one call, at most {MAX_JOB_LINES} lines"


def test_importing_a_module_does_nothing() -> None:
    dotted = [
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path.stem != "__main__"
    ]
    program = f"""
import importlib, os, socket, sys, threading
def refuse(*arguments, **options):
    raise AssertionError("an import opened a connection")
socket.socket.connect = refuse
before = dict(os.environ)
for name in {dotted!r}:
    threads = threading.active_count()
    importlib.import_module(name)
    assert dict(os.environ) == before, name + " changed the environment"
    assert threading.active_count() == threads, name + " started a thread"
context = sys.modules.get("pyspark.core.context") or sys.modules.get("pyspark.context")
assert context is None or context.SparkContext._active_spark_context is None, "a session runs"
"""
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=300
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_imports_no_spark(arguments: list[str]) -> None:
    program = "import sys; from stackspark.cli import main; main()"
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert "Usage" in answer.stdout
    heavy = re.findall(
        r"\| +(pyspark|great_expectations|pandas|numba|matplotlib|boto3)$",
        answer.stderr,
        flags=re.M,
    )
    assert not heavy, f"--help imports {heavy}"


def test_repository_stands_alone() -> None:
    """No path of the machine that the code was written on."""
    forbidden = ["../" + "shared", *("/work/" + name for name in ("main", "shared", "corpus"))]
    breaches = [
        f"{path.relative_to(REPOSITORY)}: {word}"
        for path in repository_texts()
        for word in forbidden
        if word in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize(
    ("source", "breach"),
    [
        ("rows = blobs.collect()", "collect"),
        ("num = blobs.count()", "count"),
        ("num = blobs.where('a').count()", "count"),
        ("one = blobs.first()", "first"),
        ("some = blobs.take(5)", "take"),
        ("blobs.write.format('delta')", "write"),
        ("session = SparkSession.active()", "SparkSession"),
        ("session = blobs.sparkSession", "sparkSession"),
        ("blobs.cache()", "cache"),
        ("text = open('a')", "open"),
        ("text = Path('a').read_text()", "read_text"),
    ],
)
def test_storage_rule_sees(source: str, breach: str) -> None:
    found = [name for _, name in storage_uses(ast.parse(source))]
    assert breach in found


@pytest.mark.parametrize(
    "source",
    [
        "blobs.groupBy('a').count()",
        "blobs.agg(F.count('a'), F.first('a'))",
        "'abc'.count('a')",
        "column.take(positions)",
    ],
)
def test_storage_rule_spares(source: str) -> None:
    assert list(storage_uses(ast.parse(source))) == []


@pytest.mark.parametrize(
    ("source", "is_table"),
    [
        ("files.join(origins, 'directory_id')", True),
        ("files.join(origins, on='directory_id')", True),
        ("files.join(origins)", True),
        ("', '.join(names)", False),
        ("f'{a}'.join(names)", False),
        ("separator.join(names)", False),
        ("Markup('').join(bars)", False),
        ("os.path.join(root, prefix)", False),
    ],
)
def test_join_rule_tells_tables_from_texts(source: str, is_table: bool) -> None:
    node = ast.parse(source, mode="eval").body
    assert isinstance(node, ast.Call)
    assert is_table_join(node) is is_table


def may_act(path: Path) -> bool:
    """Whether a module may start Spark's jobs, read and write."""
    return any(is_below(path, place) for place in MAY_ACT)


def is_below(path: Path, place: str) -> bool:
    relative = path.relative_to(PACKAGE).as_posix()
    return relative == f"{place}.py" or relative.startswith(f"{place}/")


def acts(path: Path) -> Iterator[str]:
    for node, name in storage_uses(tree(path)):
        yield f"{place(path, node)} uses {name}: functions on tables hand tables on"
    for node, name in names(tree(path)):
        if name in CLOCKS:
            yield f"{place(path, node)} reads the clock: {name}"


def storage_uses(module: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    for node, name in names(module):
        if name in SESSIONS or (
            isinstance(node, ast.Attribute) and name in ACTIONS | READS_AND_WRITES
        ):
            yield node, name
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in {"open", "print", "input"}:
            yield node, node.func.id
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name in {"count", "first"} and not node.args and not is_grouped(node.func.value):
                yield node, name
            if name in {"head", "tail", "take"} and all(map(is_literal, node.args)):
                yield node, name
            if name in {"read_text", "read_bytes", "write_text", "write_bytes"}:
                yield node, name


def is_grouped(receiver: ast.expr) -> bool:
    """Whether the receiver is `df.groupBy(...)`, whose `count()` is a transformation."""
    return (
        isinstance(receiver, ast.Call)
        and isinstance(receiver.func, ast.Attribute)
        and receiver.func.attr in {"groupBy", "rollup", "cube"}
    )


def is_literal(node: ast.expr) -> bool:
    """Whether an argument is written out; an array's `take` takes an array of positions."""
    return isinstance(node, ast.Constant)


def is_table_join(node: ast.Call) -> bool:
    """Whether a call of `join` joins tables, and neither texts nor paths nor a process."""
    receiver = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    text = ast.unparse(receiver)
    if text == "os.path" or text in ("process", "self._process"):
        return False
    if len(node.args) > 1 or node.keywords:
        return True
    is_text = isinstance(receiver, ast.Constant | ast.JoinedStr) or text.startswith("Markup(")
    return not is_text and "separator" not in text


def names(module: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Every attribute and imported or used name."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            yield node, node.attr
        elif isinstance(node, ast.Name):
            yield node, node.id
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, alias.name) for alias in node.names)


def calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == name:
            yield node


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(REPOSITORY)}:{getattr(node, 'lineno', 0)}"


def is_function(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef)


def decorators(node: ast.FunctionDef) -> set[str]:
    return {ast.unparse(each) for each in node.decorator_list}


def decorator_switches(node: ast.ClassDef) -> set[str]:
    return {
        str(keyword.arg)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
        if isinstance(keyword.value, ast.Constant) and keyword.value.value is True
    }


def imported_packages(path: Path) -> set[str]:
    """Top-level packages that a module imports, by statement or by `import_module`."""
    modules = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            named = [name.value for name in node.args if isinstance(name, ast.Constant)]
            modules |= {str(name).split(".")[0] for name in named}
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module.split(".")[0])
    return modules


def declared_dependencies() -> set[str]:
    document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    project = document["project"]
    requirements = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        requirements += extra
    return {normal(re.split(r"[\s\[<>=!~;]", requirement)[0]) for requirement in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def repository_texts() -> Iterator[Path]:
    for path in sorted(REPOSITORY.rglob("*")):
        parts = path.relative_to(REPOSITORY).parts
        if CACHES & set(parts) or "__pycache__" in parts:
            continue
        if path.is_file() and path.suffix in TEXT_SUFFIXES:
            yield path


def test_tables_that_are_appended_to_are_known_to_grow() -> None:
    """Upkeep keeps the parts that a killed run goes on from; of other tables it knows none."""
    grown = r'context\.grow\(\s*"(\w+)"|table="(\w+)",(?:(?!\btable=).)*?mode="append"'
    found = {
        name
        for path in MODULES
        for call in re.findall(grown, path.read_text(encoding="utf-8"), re.DOTALL)
        for name in call
        if name
    }
    assert found == set(GROWING)
