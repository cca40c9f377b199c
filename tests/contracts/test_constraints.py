"""Delta constraints of the contracts: complete, and true for null as the contract says."""

import pytest

from stackspark.contracts.constraints import delta_constraints, table_properties
from stackspark.contracts.tables import table_contract, table_names


def test_delta_constraints_hold_required_columns_and_rules() -> None:
    constraints = delta_constraints(table_contract("contents"))
    assert constraints["blob_id_required"] == "`blob_id` is not null"
    assert constraints["length_bytes_valid"] == "(length_bytes >= 0) is not false"
    assert "content_required" not in constraints


@pytest.mark.parametrize("name", table_names())
def test_delta_constraints_have_one_entry_per_rule(name: str) -> None:
    contract = table_contract(name)
    wanted = sum(column.required + len(column.rules) for column in contract.columns)
    assert len(delta_constraints(contract)) == wanted


@pytest.mark.parametrize("name", table_names())
def test_table_properties_keep_statistics_of_the_key(name: str) -> None:
    contract = table_contract(name)
    properties = table_properties(contract)
    assert properties["delta.dataSkippingStatsColumns"].split(",") == list(contract.key)
    assert properties["delta.enableDeletionVectors"] == str(name == "contents").lower()
