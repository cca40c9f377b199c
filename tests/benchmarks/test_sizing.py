"""The page on sizes shows what its formula gives."""

import sizing
from places import REPOSITORY

PAGE = REPOSITORY / "docs" / "sizing.md"


def test_page_has_the_table_that_the_script_prints() -> None:
    assert sizing.table() in PAGE.read_text(encoding="utf-8")


def test_cost_grows_with_the_text_and_shrinks_with_no_core() -> None:
    small = sizing.Size("10 MB", 1e7, 1e3, 1)
    large = sizing.Size("10 GB", 1e10, 1e6, 1)
    assert float(sizing.needs(large)["hours"]) > 5 * float(sizing.needs(small)["hours"])
    more = sizing.Size("10 GB", 1e10, 1e6, 100)
    assert sizing.needs(more)["CPU hours"] == sizing.needs(large)["CPU hours"]
