"""Something that is looked at again and again while a job runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(look: Callable[[], bool], seconds: float, name: str) -> Iterator[None]:
    """Call `look` in a thread of its own every so many seconds while the body runs, until it returns false.

    Args:
        look: Raises nothing.
        seconds: Between the end of a call and the next one.
        name: Of the thread.
    """
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(seconds) and look():
            pass

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
