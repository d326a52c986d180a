"""Items that a thread draws ahead of whoever takes them."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from streamify.media.video.ahead import drawn_ahead

pytestmark = pytest.mark.timeout(60)


class Source:
    """Numbers, and who drew how many."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count, self.error = count, error
        self.drawn = 0
        self.threads = set[str]()
        self.closed = False

    def items(self) -> Generator[int, None, None]:
        try:
            for number in range(self.count):
                self.drawn += 1
                self.threads.add(threading.current_thread().name)
                yield number
            if self.error is not None:
                raise self.error
        finally:
            self.threads.add(threading.current_thread().name)
            self.closed = True


def test_all_come_in_order_from_one_other_thread() -> None:
    source = Source(500)
    with drawn_ahead(source.items(), 2) as items:
        assert list(items) == list(range(500))
    assert source.closed
    assert source.threads == {"ahead"}
    assert "ahead" not in {thread.name for thread in threading.enumerate()}


def take(source: Source, taken: list[int], most: int) -> None:
    """Take numbers; fail with the one after `most`."""
    with drawn_ahead(source.items(), 3) as items:
        for item in items:
            if len(taken) == most:
                raise RuntimeError("the encoder failed")
            taken.append(item)


def test_an_error_comes_after_what_was_drawn_before_it() -> None:
    source, taken = Source(5, ValueError("damaged")), list[int]()
    with pytest.raises(ValueError, match="damaged"):
        take(source, taken, 100)
    assert taken == [0, 1, 2, 3, 4]


def test_who_leaves_early_waits_for_no_more_than_there_is_room_for() -> None:
    source, taken = Source(1_000_000), list[int]()
    with pytest.raises(RuntimeError, match="the encoder failed"):
        take(source, taken, 1)
    assert taken == [0]
    assert source.closed
    assert source.drawn < 100
    assert source.threads == {"ahead"}
