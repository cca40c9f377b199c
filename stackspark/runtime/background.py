"""Work that goes on beside the steps of a run: short jobs of Spark that nothing waits for yet."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")

NUM_THREADS = 4
"""Jobs handed to Spark at once; its cores are shared among their tasks."""


class Background:
    """A few threads, and one more in which work is done in the order that it was handed in.

    As a context it waits for all of it; an error of work in order is raised by `wait`, or at the
    end if nothing else went wrong. Other work hands its error to whoever asks for its result.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="background")
        self._in_order = ThreadPoolExecutor(1, thread_name_prefix="in-order")
        self._last: Future[None] | None = None

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Begin work; the result is asked for later."""
        return self._threads.submit(work)

    def submit_in_order(self, work: Callable[[], None]) -> None:
        """Do work once all that came before it is done; none if that failed."""
        before = self._last

        def after() -> None:
            if before is not None:
                before.result()
            work()

        self._last = self._in_order.submit(after)

    def wait(self) -> None:
        """Wait for the work in order; raises its first error."""
        if self._last is not None:
            self._last.result()

    def __enter__(self) -> "Background":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._in_order.shutdown()
        if error is None:
            self.wait()
