"""Work beside a run's steps: order, errors, and that the end waits for all of it."""

import threading
import time

import pytest

from stackspark.runtime.background import Background


def test_work_in_order_waits_for_what_came_before() -> None:
    done: list[int] = []
    go_on = threading.Event()

    def first() -> None:
        go_on.wait(10)
        done.append(1)

    with Background() as background:
        background.submit_in_order(first)
        background.submit_in_order(lambda: done.append(2))
        assert done == []
        go_on.set()
        background.wait()
        assert done == [1, 2]


def test_nothing_is_done_behind_failed_work_and_its_error_is_raised() -> None:
    done: list[int] = []

    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Background() as background:  # noqa: PT012
        background.submit_in_order(fail)
        background.submit_in_order(lambda: done.append(2))
    assert done == []


def test_another_error_is_not_hidden_by_that_of_the_background() -> None:
    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(ValueError, match="first"), Background() as background:  # noqa: PT012
        background.submit_in_order(fail)
        raise ValueError("first")


def test_results_are_handed_to_who_asks_and_the_end_waits_for_begun_work() -> None:
    begun, done = threading.Event(), []

    def slow() -> None:
        begun.set()
        time.sleep(0.2)
        done.append(1)

    with Background() as background:
        assert background.submit(lambda: 7).result() == 7
        background.submit(slow)
        assert begun.wait(10)
    assert done == [1]
