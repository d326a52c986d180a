"""Writing from a thread, to real pipes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from streamify.cli import writer as module
from streamify.cli.writer import BackgroundWriter
from waiting import wait_until

PIPE = 1 << 16
"""Bytes that a pipe of Linux holds."""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        os.close(descriptor)


def test_it_writes_in_order_and_flush_waits_for_it(pipe: tuple[int, int]) -> None:
    writer = BackgroundWriter(pipe[1])
    for number in range(100):
        writer.put(b"%d\n" % number)
    assert writer.flush(60)
    assert os.read(pipe[0], PIPE).split() == [b"%d" % number for number in range(100)]


def test_put_never_waits_and_what_is_kept_comes_when_somebody_reads() -> None:
    read, write = os.pipe()
    writer = BackgroundWriter(write, limit=4 * PIPE)
    for number in range(40):
        writer.put(b"%07d\n" % number * 1024)  # 8 KiB; it would wait for ever
    assert writer.dropped == pytest.approx(40 - 32, abs=9)  # the pipe and the piece at hand count, too
    assert not writer.flush(0.1)
    taken: list[bytes] = []
    reader = threading.Thread(target=lambda: taken.extend(iter(lambda: os.read(read, PIPE), b"")))
    reader.start()
    assert writer.flush(60)
    os.close(write)
    reader.join()
    os.close(read)
    lines = b"".join(taken).split()
    assert lines == sorted(lines)
    assert len(lines) == (40 - writer.dropped) * 1024


def test_what_can_be_left_out_goes_first(pipe: tuple[int, int]) -> None:
    writer = BackgroundWriter(pipe[1])
    os.write(pipe[1], bytes(PIPE))
    for _ in range(100):
        writer.put(bytes(1024), droppable=True)
    writer.put(b"important")
    assert writer.dropped == 0  # it counts what was not to be dropped
    taken = b""
    while not taken.endswith(b"important"):
        taken += os.read(pipe[0], PIPE)
    assert PIPE + (16 << 10) <= len(taken) <= PIPE + (18 << 10)


def test_a_flush_goes_on_while_the_reader_takes_something_however_slow(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is patient for 30 s; by its clock the reader takes something every 20 s, and all in several minutes."""
    ahead = 0.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + ahead))
    writer, flushed = BackgroundWriter(pipe[1]), list[bool]()
    writer.put(bytes(3 * PIPE))
    wait_until(lambda: writer._taken == PIPE)
    flushing = threading.Thread(target=lambda: flushed.append(writer.flush(30)))
    flushing.start()
    for quarter in range(5, 13):
        os.read(pipe[0], PIPE // 4)
        wait_until(lambda quarter=quarter: writer._taken == quarter * PIPE // 4)  # type: ignore[misc]
        ahead += 20
    flushing.join()
    assert flushed == [True]


def test_a_reader_that_went_away_is_told_once() -> None:
    read, write = os.pipe()
    os.close(read)
    errors: list[OSError] = []
    writer = BackgroundWriter(write, on_error=errors.append)
    for _ in range(3):
        writer.put(b"x")
        assert writer.flush(30)
    time.sleep(0.1)
    assert [type(error) for error in errors] == [BrokenPipeError]
    os.close(write)


def test_a_descriptor_that_somebody_made_non_blocking(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    writer = BackgroundWriter(pipe[1])
    writer.put(bytes(2 * PIPE))
    assert not writer.flush(0.1)
    left = 2 * PIPE
    while left:
        left -= len(os.read(pipe[0], PIPE))
    assert writer.flush(30)
