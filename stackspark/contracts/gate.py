"""The gate: does a version of a table keep its contract? Nothing is published that does not.

One query finds whether any row breaks a rule or repeats a key; only what is broken is counted
again, exactly. A Great Expectations suite is evaluated on that one-row summary: run at the table
itself it would start 9 to 17 Spark jobs.
"""

import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from stackspark.contracts.constraints import WIDE_COLUMNS, delta_constraints
from stackspark.contracts.tables import TableContract

KEY_RULE = "key_unique"
NUM_EXAMPLES = 5
EXAMPLE_CHARS = 200


@dataclass(frozen=True)
class TableRule:
    """A rule across tables, such as conservation; the caller has computed whether it holds.

    `lines` tell a person more than `detail`, where the rule is broken.
    """

    name: str
    ok: bool
    detail: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """How one rule fared; `example_rows` are at most five of the `num_bad` rows, cut short.

    `checked_by` is `scan`, `constraint` (Delta refused bad rows at the write) or `caller`.
    """

    rule: str
    ok: bool
    num_bad: int
    detail: str
    checked_by: str
    example_rows: tuple[Mapping[str, Any], ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ContractResult:
    """How one version of a table fared; `version` is that of the contract."""

    table: str
    version: str
    num_rows: int
    rules: tuple[RuleResult, ...]

    @property
    def ok(self) -> bool:
        """Whether every rule holds."""
        return all(rule.ok for rule in self.rules)

    def to_json(self) -> str:
        """Return the result as one JSON object."""
        return json.dumps(asdict(self) | {"ok": self.ok}, sort_keys=True, default=str)


def preload() -> threading.Thread:
    """Import Great Expectations in the background, for it takes seconds, and return the thread."""
    thread = threading.Thread(target=great_expectations, name="preload", daemon=True)
    thread.start()
    return thread


def check_table(
    df: DataFrame,
    contract: TableContract,
    extra: Sequence[TableRule] = (),
    *,
    constrained: bool = False,
) -> ContractResult:
    """Check one version of a table against its contract.

    Args:
        df: the rows, with the contract's columns.
        contract: what they must keep.
        extra: rules that need more than this table; they get into the same result.
        constrained: the rows come from a table with the contract's Delta constraints, so rules
            over wide columns have been kept at the write, and those columns are not read again.

    Returns:
        One result per rule: required columns, rules of columns, the key's uniqueness, `extra`.
    Shuffles: one, 16 bytes a row; a second one only if two rows share the hash of their keys.
    """
    rules = delta_constraints(contract)
    enforced = {name for name, sql in rules.items() if constrained and _is_wide(sql)}
    scanned = {name: sql for name, sql in rules.items() if name not in enforced}
    num_rows, num_bad = _count_bad(df, scanned, contract.key)
    num_bad |= dict.fromkeys(enforced, 0)
    held = _evaluate(num_bad | {rule.name: int(not rule.ok) for rule in extra})
    results = [
        RuleResult(
            rule=name,
            ok=held[name],
            num_bad=bad,
            detail=rules.get(name, f"({', '.join(contract.key)}) is unique"),
            checked_by="constraint" if name in enforced else "scan",
            example_rows=() if held[name] else _examples(df, contract, name),
        )
        for name, bad in num_bad.items()
    ]
    results += [_result_of(rule, ok=held[rule.name]) for rule in extra]
    return ContractResult(
        table=contract.name, version=contract.version, num_rows=num_rows, rules=tuple(results)
    )


def check_rules(
    contract: TableContract, num_rows: int, rules: Sequence[TableRule]
) -> ContractResult:
    """Check rules across tables on a version that `check_table` has passed; reads nothing.

    Args:
        contract: of the table.
        num_rows: rows of the version.
        rules: what the caller found.

    Returns:
        One result per rule.
    """
    held = _evaluate({rule.name: int(not rule.ok) for rule in rules})
    results = tuple(_result_of(rule, ok=held[rule.name]) for rule in rules)
    return ContractResult(
        table=contract.name, version=contract.version, num_rows=num_rows, rules=results
    )


def failed_message(result: ContractResult) -> str:
    """Return one line per failed rule: what was needed, what was found, an example."""
    failed = (rule for rule in result.rules if not rule.ok)
    return "\n".join(_failed_line(result, rule) for rule in failed)


def _failed_line(result: ContractResult, rule: RuleResult) -> str:
    if rule.checked_by == "caller":
        return f"table {result.table} breaks rule {rule.rule}: {rule.detail}"
    example = json.dumps(rule.example_rows[0], default=str)[:400] if rule.example_rows else "none"
    return (
        f"table {result.table} breaks rule {rule.rule}: {rule.num_bad:,} of {result.num_rows:,} "
        f"rows are not as {rule.detail} says, such as {example}"
    )


def _result_of(rule: TableRule, *, ok: bool) -> RuleResult:
    return RuleResult(
        rule=rule.name,
        ok=ok,
        num_bad=int(not ok),
        detail=rule.detail,
        checked_by="caller",
        lines=() if ok else rule.lines,
    )


def _is_wide(sql: str) -> bool:
    return not WIDE_COLUMNS.isdisjoint(re.findall(r"\w+", sql))


def _count_bad(
    df: DataFrame, rules: Mapping[str, str], key: Sequence[str]
) -> tuple[int, dict[str, int]]:
    """Count the rows, the rows that break each rule, and the rows beyond the first of each key.

    One query carries 16 bytes a row, the hash of its key and a bit per rule, and says which rules
    are broken at all; only these are counted. Keys themselves move only where two share a hash.
    """
    bits = {name: 1 << place for place, name in enumerate(rules)}
    terms = [f"if({sql}, 0L, {bits[name]}L)" for name, sql in rules.items()]
    broken = F.expr(" | ".join(terms) or "0L").alias("broken")
    rows = df.select(F.xxhash64(*key).alias("key_hash"), broken)
    by_hash = rows.groupBy("key_hash").agg(
        F.count("*").alias("num_rows"), F.bit_or("broken").alias("broken")
    )
    total = by_hash.agg(
        F.coalesce(F.sum("num_rows"), F.lit(0)).alias("num_rows"),
        F.coalesce(F.bit_or("broken"), F.lit(0)).alias("broken"),
        F.count_if(F.col("num_rows") > 1).alias("num_shared"),
    ).collect()[0]
    num_bad = dict.fromkeys(rules, 0)
    faulty = [name for name, bit in bits.items() if total["broken"] & bit]
    if faulty:
        counts = [F.count_if(~F.expr(rules[name])).alias(name) for name in faulty]
        num_bad |= df.agg(*counts).collect()[0].asDict()
    num_bad[KEY_RULE] = _count_repeated(df, key) if total["num_shared"] else 0
    return total["num_rows"], num_bad


def _count_repeated(df: DataFrame, key: Sequence[str]) -> int:
    repeated = _repeated_keys(df, key).agg(F.sum(F.col("num_rows") - 1).alias("num_bad"))
    return int(repeated.collect()[0]["num_bad"] or 0)


def _repeated_hashes(df: DataFrame, key: Sequence[str]) -> DataFrame:
    hashes = df.select(F.xxhash64(*key).alias("key_hash"))
    return hashes.groupBy("key_hash").count().where("count > 1").select("key_hash")


def _repeated_keys(df: DataFrame, key: Sequence[str]) -> DataFrame:
    keys = df.select(*key, F.xxhash64(*key).alias("key_hash"))
    candidates = keys.join(_repeated_hashes(df, key), on="key_hash", how="left_semi")
    return candidates.groupBy(*key).agg(F.count(F.lit(1)).alias("num_rows")).where("num_rows > 1")


def _examples(df: DataFrame, contract: TableContract, rule: str) -> tuple[Mapping[str, Any], ...]:
    if rule == KEY_RULE:
        bad = _repeated_keys(df, contract.key)
    else:
        bad = df.where(~F.expr(delta_constraints(contract)[rule]))
    shown = bad.select([_shortened(field).alias(field.name) for field in bad.schema.fields])
    rows = shown.orderBy(*contract.key).limit(NUM_EXAMPLES).collect()
    return tuple(row.asDict() for row in rows)


def _shortened(field: T.StructField) -> Column:
    column = F.col(field.name)
    if isinstance(field.dataType, T.NumericType | T.BooleanType):
        return column
    text = F.hex(column) if isinstance(field.dataType, T.BinaryType) else column.cast("string")
    return F.substring(text, 1, EXAMPLE_CHARS)


def great_expectations() -> Any:
    """The library, with its analytics off; importing it takes seconds."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    return import_module("great_expectations")


def _evaluate(num_bad: Mapping[str, int]) -> dict[str, bool]:
    """Evaluate one expectation per rule, that it counts no bad row, on the summary."""
    gx = great_expectations()
    pandas = import_module("pandas")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("summary").add_dataframe_asset("summary")
    summary = pandas.DataFrame({name: [count] for name, count in num_bad.items()})
    batch = asset.add_batch_definition_whole_dataframe("summary").get_batch({"dataframe": summary})
    no_bad_row = partial(gx.expectations.ExpectColumnMaxToBeBetween, min_value=0, max_value=0)
    suite = gx.ExpectationSuite("contract", [no_bad_row(column=name) for name in num_bad])
    results = batch.validate(suite, result_format="BOOLEAN_ONLY").results
    return {item.expectation_config.kwargs["column"]: bool(item.success) for item in results}
