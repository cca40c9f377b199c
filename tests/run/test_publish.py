from dataclasses import replace

import pytest
from sample_summary import summary

from stackspark.errors import ContractError
from stackspark.report.summary import ConservationRow
from stackspark.run.publish import check_conservation


def _row(num_in: int, num_kept: int, num_removed: int, num_quarantined: int) -> ConservationRow:
    return ConservationRow(
        step="verdicts",
        num_in=num_in,
        num_kept=num_kept,
        num_removed=num_removed,
        num_quarantined=num_quarantined,
    )


def test_steps_that_keep_their_books_are_published() -> None:
    rows = (_row(0, 0, 0, 0), _row(9, 4, 3, 2))
    check_conservation(replace(summary(), conservation=rows))


@pytest.mark.parametrize("row", [_row(9, 4, 3, 1), _row(9, 4, 3, 3)])  # one lost, one made up
def test_step_whose_rows_do_not_add_up_is_refused(row: ConservationRow) -> None:
    run = replace(summary(), conservation=(_row(9, 4, 3, 2), row))
    with pytest.raises(ContractError, match=r"verdicts does not conserve .*: 9 in, 4 kept, 3 rem"):
        check_conservation(run)
