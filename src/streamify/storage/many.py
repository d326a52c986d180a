"""Many small objects at the same moment: each of them is a wait of some 20 ms and hardly any work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from streamify.errors import StreamifyError

AT_ONCE = 48
"""Objects that are read or written at the same moment."""

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(call: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield what a call returns for each item, in their order; at most twice `AT_ONCE` items are held.

    Raises:
        StreamifyError: The first call that failed; those that have not begun by then are not made.
    """
    failed: list[StreamifyError] = []

    def guarded(item: T) -> R:
        if failed:  # a store that is away is waited for once, not once an item
            raise failed[0]
        try:
            return call(item)
        except StreamifyError as error:
            failed.append(error)
            raise

    ahead: deque[Future[R]] = deque()
    with ThreadPoolExecutor(AT_ONCE, "streamify-many") as pool:
        try:
            for item in items:
                ahead.append(pool.submit(guarded, item))
                if len(ahead) == 2 * AT_ONCE:  # so that no thread waits for the slowest of them
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for one in ahead:
                one.cancel()
