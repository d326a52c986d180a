"""Items drawn in a thread of their own, a few ahead of whoever takes them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _End:
    """Nothing follows; `error` is what the items ended with."""

    error: BaseException | None = None


@contextmanager
def drawn_ahead(items: Generator[T, None, None], most: int) -> Iterator[Iterator[T]]:
    """Give the items of a generator, which runs in a thread; on the way out it is closed and the thread has ended.

    Args:
        items: Used by that thread alone. What it raises is raised to whoever takes.
        most: How many items may wait.
    """
    waiting: Queue[T | _End] = Queue(most)
    stopped = Event()

    def draw() -> None:
        end = _End()
        try:
            for item in items:
                waiting.put(item)
                if stopped.is_set():
                    break
            items.close()
        except BaseException as error:  # raised again on the thread that takes
            end = _End(error)
        waiting.put(end)

    thread = Thread(target=draw, name="ahead", daemon=True)
    thread.start()
    try:
        yield _taken(waiting)
    finally:
        stopped.set()
        while thread.is_alive():  # it may wait for room
            _drop(waiting)


def _taken(waiting: Queue[T | _End]) -> Iterator[T]:
    while not isinstance(item := waiting.get(), _End):
        yield item
    if item.error is not None:
        raise item.error


def _drop(waiting: Queue[T | _End]) -> None:
    try:
        waiting.get(timeout=0.01)
    except Empty:
        return
