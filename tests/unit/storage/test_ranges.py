"""How many requests reading an object takes, and how many bytes are read in vain."""

from __future__ import annotations

import io
import os
import random

from streamify.storage.ranges import LONGEST, READ_AHEAD, RangeFile

DATA = random.Random(1).randbytes(1 << 20) * 64


class Store:
    """Counts."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def read(self, start: int, end: int) -> bytes:
        self.asked.append((start, end))
        return DATA[start:end]

    def open(self) -> io.BufferedReader:
        return io.BufferedReader(RangeFile(self.read, len(DATA)), READ_AHEAD)


def test_a_whole_object_is_read_in_few_large_requests() -> None:
    store = Store()
    with store.open() as file:
        while file.read(32 * 1024):
            pass
    assert sum(end - start for start, end in store.asked) == len(DATA)  # every byte once
    assert len(store.asked) < 60  # 256 at 256 KiB each
    assert max(end - start for start, end in store.asked) <= LONGEST


def test_a_few_megabytes_in_the_middle_cost_hardly_more() -> None:
    for length in (1000, 300_000, 2 << 20, 6 << 20):
        store = Store()
        with store.open() as file:
            file.seek(10 << 20)
            left = length
            while left:
                left -= len(file.read(min(left, 32 * 1024)))
        assert sum(end - start for start, end in store.asked) <= length * 9 / 8 + READ_AHEAD


def test_reads_here_and_there_give_the_same_bytes_as_the_object() -> None:
    dice, store = random.Random(2), Store()
    with store.open() as file:
        for _ in range(300):
            at, length = dice.randrange(len(DATA) + 1000), dice.choice((1, 100, 70_000, 600_000))
            if dice.random() < 0.7:
                file.seek(at)
            at = file.tell()
            assert file.read(length) == DATA[at : at + length]
        assert file.seek(-5, os.SEEK_END) == len(DATA) - 5
        assert file.read() == DATA[-5:]
