"""Delta constraints of a table: its contract, kept by Delta itself at every write."""

from stackspark.contracts.tables import TableContract

WIDE_COLUMNS = frozenset({"content"})
"""Columns with the bytes of the corpus: reading them again costs as much as the scan itself."""

KEPT = "interval 1000 weeks"
"""How long Delta keeps by itself what only `stackspark maintain` may remove."""


def delta_constraints(contract: TableContract) -> dict[str, str]:
    """Return the constraints of a table, by name, as SQL that is never null.

    A required column gives `<column>_required`, every rule one of its own name. Delta refuses a
    row whose constraint is null, a contract accepts it: hence `is not false`.
    """
    required = {
        f"{column.name}_required": f"`{column.name}` is not null"
        for column in contract.columns
        if column.required
    }
    rules = {
        rule.name: f"({rule.expression}) is not false"
        for column in contract.columns
        for rule in column.rules
    }
    return required | rules


def table_properties(contract: TableContract) -> dict[str, str]:
    """Return the Delta table properties that a table is made with.

    Statistics are kept for the key columns only: those of long texts cost time at every write and
    no query skips files by them. Deletion vectors make Delta number the rows of a file, by which
    the few texts that a stage needs again are found; without wide columns nothing needs that.
    """
    constraints = delta_constraints(contract)
    is_wide = not WIDE_COLUMNS.isdisjoint(contract.column_names)
    return {
        **{f"delta.constraints.{name}": sql for name, sql in constraints.items()},
        # What publications name is read by version, which Delta would forget after a month.
        "delta.logRetentionDuration": KEPT,
        "delta.deletedFileRetentionDuration": KEPT,
        "delta.dataSkippingStatsColumns": ",".join(contract.key),
        "delta.enableDeletionVectors": str(is_wide).lower(),
        "stackspark.contract_version": contract.version,
    }
