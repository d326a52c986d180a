"""Where sound lies in time: jitter is no hole, drift is taken up slowly, a real gap stays one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from streamify.bitstream.packets import NONE
from streamify.bitstream.soundline import SECOND, Coded, Line, lay

MS = SECOND // 1000
PACKET = 20 * MS


def coded(count: int, rate: int = 48000, samples: int = 960) -> Coded:
    found = Coded()
    for _ in range(count):
        found.add(rate, 2, samples)
    return found


def laid(late: Callable[[int], float], count: int = 3000, *, clockless: bool = False) -> Line:
    """Lay out packets of 20 ms, of which number n is `late(n)` milliseconds late."""
    return lay(
        coded(count), [number * PACKET + round(late(number) * MS) for number in range(count)], clockless=clockless
    )


def test_exact_times_are_taken_as_they_are() -> None:
    line = laid(lambda _: 7)
    assert [(run.first, run.at, run.played) for run in line.runs] == [(0, 7 * MS, 48000)]
    assert (line.holes, line.drift, line.end) == ((), 0, 7 * MS + 3000 * PACKET)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["late", "both", "two", "bursts"])
def test_jitter_is_no_hole(kind: str, seed: int) -> None:
    dice = random.Random(seed)
    late = {
        "late": lambda _: dice.choice((0, 0, 7, 26, 45)),
        "both": lambda _: dice.uniform(-60, 60),
        "two": lambda _: dice.choice((0, 60)),
        "bursts": lambda number: 20 * (9 - number % 10),
    }[kind]
    line = laid(late)
    assert line.holes == ()
    assert all(run.played == run.rate for run in line.runs), line.runs
    assert abs(line.runs[0].at) <= 110 * MS


@pytest.mark.parametrize("jitter", [0, 20])
@pytest.mark.parametrize("length", [60, 500, 4000])
def test_a_real_gap_is_one(length: int, jitter: int) -> None:
    dice = random.Random(5)
    line = laid(lambda number: (length if number >= 1234 else 0) + dice.uniform(0, jitter))
    assert [run.first for run in line.runs] == [0, 1234]
    (hole,) = line.holes
    assert hole.at == pytest.approx(1234 * PACKET, abs=(jitter + 1) * MS)
    assert hole.length == pytest.approx(length * MS, abs=(jitter / 2 + 1) * MS)


@pytest.mark.parametrize("first", range(1, 9))
def test_a_gap_behind_the_first_packets(first: int) -> None:
    """Fewer than five packets do not say when they are heard: they go with those behind them, which stay in place."""
    line = laid(lambda number: 400 if number >= first else 0)
    assert line.end == 3000 * PACKET + 400 * MS
    if first < 5:
        assert [(run.first, run.at) for run in line.runs] == [(0, 400 * MS)]
    else:
        assert [(run.first, run.at) for run in line.runs] == [(0, 0), (first, first * PACKET + 400 * MS)]


def test_an_overlap_is_one() -> None:
    (hole,) = laid(lambda number: -300 if number >= 1000 else 0).holes
    assert (hole.at, hole.length) == (1000 * PACKET, -300 * MS)


@pytest.mark.parametrize("parts", [0.0005, -0.0005, 0.003])
def test_drift_is_taken_up(parts: float) -> None:
    dice = random.Random(1)
    line = laid(lambda number: number * 20 * parts + dice.uniform(-8, 8), count=30_000)
    assert line.holes == ()
    assert line.end == pytest.approx(30_000 * PACKET * (1 + parts), abs=40 * MS)
    assert all(abs(run.played - 48000) <= 480 for run in line.runs)


def test_single_wild_times_move_nothing() -> None:
    line = laid(lambda number: 3_600_000 if number in (500, 501, 1700) else 0)
    assert (line.holes, len(line.runs)) == ((), 1)


@pytest.mark.parametrize("count", [1, 6])
def test_first_times_far_ahead_are_wild(count: int) -> None:
    """All behind them counted as sound that had been heard before, up to their end."""
    line = laid(lambda number: 500_000 if number < count else 0)
    assert (line.holes, line.runs[0].at, line.end, line.jitter) == ((), 0, 3000 * PACKET, 0)


def test_changes_of_rate_follow_each_other() -> None:
    packets = coded(50)
    for _ in range(50):
        packets.add(44100, 1, 1024)
    line = lay(packets, [0, *[NONE] * 99])
    assert [(run.first, run.at, run.rate) for run in line.runs] == [(0, 0, 48000), (50, SECOND, 44100)]
    assert line.end == SECOND + 50 * 1024 * SECOND // 44100


def test_counts_of_ffmpeg_are_no_clock() -> None:
    times: Sequence[int] = [number * PACKET * 2 for number in range(100)]
    assert lay(coded(100), times, clockless=True).end == 100 * PACKET


def test_recordings_that_were_joined_begin_where_their_times_say() -> None:
    """Each holds 25 ms more sound than pictures, less than what is a gap elsewhere."""
    joins = range(100, 1000, 100)
    times = [number * PACKET - number // 100 * 25 * MS for number in range(1000)]
    line = lay(coded(1000), times, joins=joins)
    assert [(run.first, run.at) for run in line.runs] == [(first, times[first]) for first in (0, *joins)]
    assert [(hole.packet, hole.length) for hole in line.holes] == [(first, -25 * MS) for first in joins]


def test_small_steps_where_recordings_were_joined_add_up() -> None:
    times = [number * PACKET - number // 100 * 2 * MS for number in range(1000)]
    line = lay(coded(1000), times, joins=range(100, 1000, 100))
    assert max(abs(_at(line, number) - times[number]) for number in range(1000)) <= 3 * MS


@pytest.mark.parametrize("seed", range(8))
def test_a_clock_that_goes_on_behind_a_break_is_no_step(seed: int) -> None:
    dice = random.Random(seed)
    times = [number * PACKET + round(dice.uniform(0, 60) * MS) for number in range(3000)]
    assert lay(coded(3000), times, joins=(700, 1500)) == lay(coded(3000), times)


def _at(line: Line, number: int) -> int:
    run = next(one for one in reversed(line.runs) if one.first <= number)
    return run.at + (number - run.first) * PACKET * run.rate // run.played
