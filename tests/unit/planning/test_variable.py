"""The grid at a variable rate: the source's own times, and pictures that stand through pauses."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import overload

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.planning.grid import Window
from streamify.planning.variable import longest_stand, variable_opening, variable_timeline, variable_windows

MS = Fraction(1, 1000)
times = st.lists(st.integers(1, 4000), min_size=1, max_size=300).map(lambda gaps: list(itertools.accumulate(gaps)))


def planned(
    pts: list[int],
    end: int,
    segment: Fraction,
    keyframe: Fraction,
    *,
    lead: Fraction = Fraction(0),
    tail: Fraction = Fraction(0),
    time_base: Fraction = MS,
    opening: tuple[int, ...] = (),
) -> tuple[list[Window], int, int]:
    """Return the windows, the end of the stream and its ticks per second."""
    timeline = variable_timeline(
        pts=pts, end=end, time_base=time_base, longest=longest_stand(segment, keyframe), lead=lead, tail=tail,
        opening=opening,
    )  # fmt: skip
    return list(variable_windows(pts, timeline, segment, keyframe)), timeline.end, timeline.timescale


@given(
    pts=times,
    last=st.integers(1, 5000),
    lead=st.integers(0, 9000),
    tail=st.integers(0, 9000),
    segment=st.fractions(Fraction(1, 2), 10, max_denominator=100),
    keyframe=st.fractions(Fraction(1, 10), 10, max_denominator=100),
    short=st.booleans(),
)
def test_segments_tile_the_timeline(
    pts: list[int], last: int, lead: int, tail: int, segment: Fraction, keyframe: Fraction, short: bool
) -> None:
    opening = variable_opening(segment, keyframe) if short else ()
    step = segment / -(-segment // keyframe) * 1000
    starts = [steps * step for steps in itertools.accumulate(opening)]  # nominal, of the second segment and so on
    windows, end, _ = planned(pts, pts[-1] + last, segment, keyframe, lead=lead * MS, tail=tail * MS, opening=opening)
    assert windows[0].start == 0
    assert windows[-1].end == end == lead + pts[-1] + last - pts[0] + tail
    assert windows[-1].source_end is None
    assert sum(window.frames for window in windows) == len(pts)
    shown = [lead + time - pts[0] for time in pts]
    every = sorted(shown + [one.start for window in windows for one in window.repeats])
    assert len(set(every)) == len(every)
    for before, after in itertools.pairwise(windows):
        assert before.end == after.start
        assert before.source_end == after.source_start
        opened = starts[-1] if starts else Fraction(0)
        whole = opened + (after.start - opened) // (segment * 1000) * segment * 1000
        border = whole if after.start >= opened else max(start for start in starts if start <= after.start)
        assert before.start < border <= after.start
        assert not any(border <= time < after.start for time in shown)
    for window in windows:
        inside = [(time, tick) for time, tick in zip(pts, shown, strict=True) if window.start <= tick < window.end]
        repeats = [one.start for one in window.repeats]
        assert all(one.count == 1 for one in window.repeats)
        assert window.frames == len(inside)
        assert window.first == (inside[0][0] if inside else None)
        assert window.next == next((time for time, tick in zip(pts, shown, strict=True) if tick >= window.end), None)
        ticks = sorted([tick for _, tick in inside] + repeats)
        assert ticks[0] == window.start
        assert set(window.keyframes) <= set(ticks[1:])
        assert set(repeats) <= {window.start, *window.keyframes}
        assert list(window.keyframes) == sorted(window.keyframes)
        assert (window.held is not None) == (window.start in repeats)
        if window.held is not None:
            assert window.held == max((time for time, tick in zip(pts, shown, strict=True) if tick < window.start),
                                      default=pts[0])  # fmt: skip
    bound = longest_stand(segment, keyframe) * 1000
    assert all(after - before <= bound for before, after in itertools.pairwise([*every, end]))
    assert all(window.end - window.start <= bound + 1 for window in windows)


def test_the_first_segment_of_a_long_film_is_known_without_the_others() -> None:
    """It is made while the film is still being planned."""
    pts = _Counted(range(0, 3_600_000, 40))
    timeline = variable_timeline(pts=pts, end=3_600_000, time_base=MS, longest=Fraction(3))
    pts.reads = 0
    first = next(variable_windows(pts, timeline, Fraction(6), Fraction(2)))
    assert (first.start, first.end, first.frames, first.keyframes) == (0, 6000, 150, (2000, 4000))
    assert pts.reads < 1000, "of 90,000 pictures"


class _Counted(Sequence[int]):
    """Counts how often it is asked for an item."""

    def __init__(self, items: Sequence[int]) -> None:
        self._items, self.reads = items, 0

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        self.reads += 1
        return self._items[index]


def test_by_hand() -> None:
    pts = [100, 600, 1090, 1140, 2800, 3100, 5000]  # ms; nominal borders at 100, 1100, 2100, 3100, ...
    timeline = variable_timeline(pts=pts, end=5500, time_base=MS, longest=Fraction(3))
    assert (timeline.origin, timeline.timescale, timeline.end, timeline.frame_duration) == (100, 1000, 5400, None)
    assert (timeline.min_gap, timeline.lead) == (0, 0)
    windows = list(variable_windows(pts, timeline, Fraction(1), Fraction(1, 2)))
    assert [(w.start, w.end, w.frames, w.keyframes, w.held, [one.start for one in w.repeats]) for w in windows] == [
        (0, 1040, 3, (500,), None, []),
        (1040, 2700, 1, (), None, []),
        (2700, 3000, 1, (), None, []),
        (3000, 4900, 1, (), None, []),
        (4900, 5400, 1, (), None, []),
    ]


def test_a_segment_without_a_picture_in_its_first_step_starts_with_the_one_that_stands() -> None:
    windows, _, _ = planned([0, 1900, 5500, 5600], 5700, Fraction(2), Fraction(1))
    assert [(w.start, w.frames, w.held, [one.start for one in w.repeats]) for w in windows] == [
        (0, 2, None, []),
        (2000, 0, 1900, [2000, 3000]),  # the pause is longer than a segment
        (4000, 2, 1900, [4000]),
    ]


def test_a_short_start_by_hand() -> None:
    """Borders at 0, 2, 6 and 12 s: no picture comes from 4 to 8 s, so the one that stands is shown at 6."""
    pts = [*range(0, 4000, 500), *range(8000, 15_000, 500)]
    windows, _, _ = planned(pts, 15_000, Fraction(6), Fraction(2), opening=(1, 2))
    assert [(w.start, w.end, w.frames, w.keyframes, [one.start for one in w.repeats]) for w in windows] == [
        (0, 2000, 4, (), []),
        (2000, 6000, 4, (), []),
        (6000, 12_000, 8, (8000, 10_000), [6000]),
        (12_000, 15_000, 6, (14_000,), []),
    ]


def test_a_pause_of_20_minutes_is_segments_of_the_grid() -> None:
    """A picture, 20 minutes, a picture: nothing but the first one is there, and every IDR step shows it again."""
    windows, end, _ = planned([0, 40, 1_200_040], 1_200_080, Fraction(6), Fraction(2))
    assert [window.start for window in windows] == [*range(0, 1_200_000, 6000), 1_200_040]
    assert (windows[-1].end, end) == (1_200_080, 1_200_080)
    assert [window.frames for window in windows] == [2] + [0] * 199 + [1]
    assert sum(len(window.repeats) for window in windows) == 599
    middle = windows[100]
    assert (middle.held, middle.first, middle.next, middle.keyframes) == (40, None, 1_200_040, (602_000, 604_000))
    assert [one.start for one in middle.repeats] == [600_000, 602_000, 604_000]
    assert (windows[-1].held, windows[-1].first) == (None, 1_200_040)


@pytest.mark.parametrize(("pause", "repeats"), [(2280, []), (5900, []), (6100, [4000])])
def test_inside_a_segment_only_longer_pauses_show_a_picture_again(pause: int, repeats: list[int]) -> None:
    pts = [0, 40, 2000, 2000 + pause]
    windows, _, _ = planned(pts, pts[-1] + 40, Fraction(6), Fraction(2))
    assert [one.start for one in windows[0].repeats] == repeats


def test_a_picture_stands_before_its_time_and_after_the_last_one() -> None:
    windows, end, _ = planned([5000], 5040, Fraction(6), Fraction(2), lead=Fraction(7), tail=Fraction("9.5"))
    assert end == 7000 + 40 + 9500
    assert [(w.start, w.frames, w.held, [one.start for one in w.repeats], w.keyframes) for w in windows] == [
        (0, 0, 5000, [0, 2000, 4000], (2000, 4000)),
        (7000, 1, None, [8000, 10000], (8000, 10000)),
        (12000, 0, 5000, [12000, 14000], (14000,)),
    ]


@pytest.mark.parametrize("seconds", ["2.3", "3", "30", "1200"])
def test_nanoseconds_are_made_coarser_where_a_picture_stands_too_long_for_them(seconds: str) -> None:
    """A sample lasts at most 2 ** 31 - 1 ticks in the files that FFmpeg writes."""
    pause = int(Fraction(seconds) * 10**9)
    pts = [0, 40_000_000, 40_000_000 + pause, 80_000_000 + pause]
    windows, end, timescale = planned(pts, pts[-1] + 40_000_000, Fraction(6), Fraction(2), time_base=Fraction(1, 10**9))
    assert timescale == 90_000
    assert end == round((pts[-1] + 40_000_000) * Fraction(90_000, 10**9))
    assert sum(window.frames for window in windows) == 4


def test_an_hour_long_pause_on_a_fine_clock_keeps_it() -> None:
    """No picture stands that long: it is shown again."""
    windows, _, timescale = planned([0, 9000, 9000 + 8 * 3600 * 90000], 9000 + 8 * 3600 * 90000 + 3600, Fraction(6),
                                    Fraction(2), time_base=Fraction(1, 90000))  # fmt: skip
    assert timescale == 90000
    assert len(windows) == 4801


def _gap(pts: list[int], end: int, time_base: Fraction = MS) -> int:
    return variable_timeline(pts=pts, end=end, time_base=time_base, longest=Fraction(9)).min_gap


def test_bursts_above_60_set_a_least_distance() -> None:
    assert _gap([*(n * 4 for n in range(100)), 1000], 1500) == 1000 // 65


@pytest.mark.parametrize("count", [2, 3, 30, 60, 61, 62, 100])
def test_a_short_clip_above_60_is_capped_whatever_its_number_of_pictures(count: int) -> None:
    """612 pictures a second, unevenly."""
    pts = [n * 147 + n % 2 for n in range(count)]  # 90 kHz
    assert _gap(pts, pts[-1] + 147, Fraction(1, 90_000)) == 90_000 // 65


@pytest.mark.parametrize("count", [2, 30, 61, 62, 100])
def test_a_clip_of_60_or_less_is_not_capped(count: int) -> None:
    pts = [n * 1500 + n % 2 for n in range(count)]
    assert _gap(pts, pts[-1] + 1500, Fraction(1, 90_000)) == 0
