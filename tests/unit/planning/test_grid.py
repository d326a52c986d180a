"""The grid: whole frames, exact ticks, no gap and no overlap."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.model.plan import Timeline
from streamify.planning.grid import (
    Window,
    constant_timeline,
    constant_windows,
    idr_steps,
    keyframe_ticks,
    opening_steps,
    place_of_step,
)

NTSC = Fraction(30000, 1001)
RATES = ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")


@pytest.mark.parametrize(
    ("rate", "segment", "keyframe", "steps", "frames"),
    [
        ("30000/1001", 6, 2, 3, 60),  # 180 frames, 6.006 s
        ("24000/1001", 6, 2, 3, 48),
        ("25", 6, 2, 3, 50),
        ("60", 6, 2, 3, 120),
        ("60000/1001", 4, 2, 2, 120),
        ("25", 6, "2.5", 3, 50),  # never further apart than asked: three steps of 2 s, not two of 3
        ("25", 1, 2, 1, 25),  # a segment shorter than the distance has one IDR
        ("25", "0.5", "0.1", 5, 2),  # 12.5 frames in 5 steps: 2.5, rounded to even
        ("1", "0.5", "0.1", 1, 1),  # slower than the steps: one frame each
        ("10", 10, "0.1", 100, 1),
    ],
)
def test_a_segment_is_whole_steps_of_whole_frames(
    rate: str, segment: object, keyframe: object, steps: int, frames: int
) -> None:
    assert idr_steps(Fraction(rate), Fraction(str(segment)), Fraction(str(keyframe))) == (steps, frames)


def _constant(
    rate: Fraction, frames: int, segment: Fraction = Fraction(6), keyframe: Fraction = Fraction(2)
) -> tuple[list[Window], int, int]:
    timeline, size = constant_timeline(
        rate=rate, time_base=Fraction(1, 90000), origin=1000, frames=frames, segment_seconds=segment,
        keyframe_seconds=keyframe,
    )  # fmt: skip
    pts = [1000 + round(number * 90000 / rate) for number in range(frames)]
    assert timeline.frame_duration is not None
    return (
        list(constant_windows(pts, timeline, size, pts[-1] + round(90000 / rate))),
        timeline.end,
        timeline.frame_duration,
    )


def test_14_s_at_29_97() -> None:
    timeline, size = constant_timeline(
        rate=NTSC, time_base=Fraction(1, 30000), origin=0, frames=420, segment_seconds=Fraction(6),
        keyframe_seconds=Fraction(2),
    )  # fmt: skip
    assert (timeline.timescale, timeline.frame_duration, timeline.keyframe_frames, size) == (30000, 1001, 60, 180)
    assert (timeline.reorder, timeline.end, timeline.keep_every) == (2002, 420 * 1001, 1)
    windows = list(constant_windows([n * 1001 for n in range(420)], timeline, size, 420420))
    assert [(w.start, w.end, w.frames, w.first, w.next) for w in windows] == [
        (0, 180180, 180, 0, 180180),
        (180180, 360360, 180, 180180, 360360),
        (360360, 420420, 60, 360360, None),
    ]
    assert [w.source_end for w in windows] == [180180, 360360, None]


@pytest.mark.parametrize(
    ("rate", "every", "kept"),
    [("60", 1, "60"), ("60000/1001", 1, "60000/1001"), ("100", 2, "50"), ("120", 2, "60"), ("120000/1001", 2,
     "60000/1001"), ("240", 4, "60"), ("90", 2, "45"), ("61", 2, "61/2"), ("1000", 17, "1000/17")],
)  # fmt: skip
def test_at_most_60_a_second(rate: str, every: int, kept: str) -> None:
    timeline, _ = constant_timeline(
        rate=Fraction(rate), time_base=Fraction(1, 90000), origin=0, frames=101, segment_seconds=Fraction(1),
        keyframe_seconds=Fraction(1),
    )  # fmt: skip
    assert timeline.keep_every == every
    assert timeline.frame_duration is not None
    assert Fraction(timeline.timescale, timeline.frame_duration) == Fraction(kept)
    assert timeline.end == -(-101 // every) * timeline.frame_duration


@given(
    rate=st.sampled_from([*RATES, "120", "120000/1001", "12.5", "7"]).map(Fraction),
    frames=st.integers(1, 2000),
    segment=st.fractions(Fraction(1, 2), 10, max_denominator=100),
    keyframe=st.fractions(Fraction(1, 10), 10, max_denominator=100),
)
def test_constant_segments_tile_the_timeline(
    rate: Fraction, frames: int, segment: Fraction, keyframe: Fraction
) -> None:
    windows, end, step = _constant(rate, frames, segment, keyframe)
    assert windows[0].start == 0
    assert windows[-1].end == end
    assert windows[-1].next is windows[-1].source_end is None
    assert sum(window.frames for window in windows) == frames
    for before, after in itertools.pairwise(windows):
        assert before.end == after.start
        assert before.next == before.source_end == after.first == after.source_start
        assert before.end - before.start == windows[0].end
    assert all((window.end - window.start) % step == 0 and window.end > window.start for window in windows)
    assert [window.index for window in windows] == list(range(len(windows)))
    kept = rate / -(-rate // Fraction(601, 10))
    steps, size = idr_steps(kept, segment, keyframe)
    assert abs(steps * size - segment * kept) <= max(1, steps)  # never further off than half a frame a step
    assert size <= max(Fraction(1), keyframe * kept + Fraction(1, 2))


@given(
    rate=st.sampled_from([*RATES, "120", "7", "1"]).map(Fraction),
    frames=st.integers(1, 500),
    lead=st.fractions(0, 20, max_denominator=1000),
    tail=st.fractions(0, 20, max_denominator=1000),
    segment=st.fractions(Fraction(1, 2), 10, max_denominator=10),
)
def test_first_and_last_picture_stand_at_the_rate(
    rate: Fraction, frames: int, lead: Fraction, tail: Fraction, segment: Fraction
) -> None:
    timeline, size = constant_timeline(
        rate=rate, time_base=Fraction(1, 90000), origin=1000, frames=frames, segment_seconds=segment,
        keyframe_seconds=Fraction(2), lead=lead, tail=tail,
    )  # fmt: skip
    pts = [1000 + round(number * 90000 / rate) for number in range(frames)]
    end = pts[-1] + round(90000 / rate)
    windows = list(constant_windows(pts, timeline, size, end))
    frame = timeline.frame_duration
    assert frame is not None
    shown = [timeline.ticks_of(time) for time in pts]
    kept = [tick for tick in shown if tick is not None]
    repeats = [tick for window in windows for one in window.repeats for tick in one.ticks]
    assert sorted(kept + repeats) == list(range(0, timeline.end, frame))  # each frame once, none twice
    assert sum(window.frames for window in windows) == frames
    seconds = Fraction(timeline.end, timeline.timescale)
    kept_seconds = Fraction(len(kept) * frame, timeline.timescale)
    length = Fraction(frame, timeline.timescale)
    slack = 2 * min(length / 2, Fraction(1, 5))
    assert lead + tail - slack <= seconds - kept_seconds < lead + tail + 2 * length
    for before, after in itertools.pairwise(windows):
        assert before.end == after.start
        assert before.source_end == after.source_start
        assert before.end - before.start == windows[0].end
    for window in windows:
        inside = [time for time in pts if window.source_start <= time and time < (window.source_end or end)]
        assert len(inside) == window.frames
        assert window.first == (inside[0] if inside else None)
        assert window.next == next((time for time in pts if time >= (window.source_end or end)), None)
        stands = window.start in repeats
        assert (window.held is not None) == stands
        if stands:
            assert window.held == (pts[0] if window.start < timeline.lead else pts[shown.index(kept[-1])])


def _timeline(**changes: Any) -> Timeline:
    known: dict[str, Any] = {"time_base": Fraction(1, 1000), "origin": 0, "timescale": 30000, "end": 360360}
    return Timeline.model_validate(known | changes)


def test_keyframes_at_a_constant_rate() -> None:
    timeline = _timeline(frame_duration=1001, keyframe_frames=60)
    assert keyframe_ticks(timeline, 180180, 360360, ()) == {180180, 240240, 300300}
    assert keyframe_ticks(timeline, 180180, 240240, ()) == {180180}


def test_keyframes_at_a_variable_rate() -> None:
    timeline = _timeline(frame_duration=None)
    assert keyframe_ticks(timeline, 500, 9000, (2100, 4400)) == {500, 2100, 4400}


@pytest.mark.parametrize(
    ("steps", "step", "opening"),
    [
        (3, 2, (1, 2)),  # 2, 4, then 6 s
        (2, 2, (1,)),
        (1, 6, ()),
        (6, 1, (1, 2, 4)),
        (12, "1/2", (2, 4, 8)),  # never below a second
        (100, "1/10", (10, 20, 40, 80)),
        (2, "1/4", ()),  # half a second is all there is
        (3, "1001/500", (1, 2)),
    ],
)
def test_a_stream_opens_with_few_steps_and_doubles_them(steps: int, step: object, opening: tuple[int, ...]) -> None:
    assert opening_steps(steps, Fraction(str(step))) == opening
    places = [place_of_step(number, opening, steps) for number in range(sum(opening) + 2 * steps)]
    lengths = [*opening, steps, steps]
    assert places == [(place, length) for length in lengths for place in range(length)]


@pytest.mark.parametrize("fields", [1, 2])
def test_a_short_start_at_29_97(fields: int) -> None:
    """2.002 s, 4.004 s, then 6.006 s: by hand, 60, 120 and 180 frames of 1001 ticks."""
    timeline, size = constant_timeline(
        rate=NTSC, time_base=Fraction(1, 30000), origin=0, frames=420, segment_seconds=Fraction(6),
        keyframe_seconds=Fraction(2), fields=fields, short_start=True,
    )  # fmt: skip
    windows = list(constant_windows([n * 1001 for n in range(420)], timeline, size, 420420))
    assert [(w.frames, w.first, w.next) for w in windows] == [
        (60, 0, 60060), (120, 60060, 180180), (180, 180180, 360360), (60, 360360, None)
    ]  # fmt: skip
    seconds = [Fraction(w.start, timeline.timescale) for w in windows]
    assert seconds == [0, Fraction(2002, 1000), Fraction(6006, 1000), Fraction(12012, 1000)]


@given(
    rate=st.sampled_from([*RATES, "120", "7", "1"]).map(Fraction),
    frames=st.integers(1, 2000),
    segment=st.fractions(Fraction(1, 2), 10, max_denominator=10),
    keyframe=st.fractions(Fraction(1, 10), 10, max_denominator=10),
    lead=st.fractions(0, 20, max_denominator=10),
)
def test_a_short_start_moves_no_keyframe(
    rate: Fraction, frames: int, segment: Fraction, keyframe: Fraction, lead: Fraction
) -> None:
    pts = [round(number * 90000 / rate) for number in range(frames)]

    def made(short: bool) -> tuple[list[Window], Timeline]:
        timeline, size = constant_timeline(
            rate=rate, time_base=Fraction(1, 90000), origin=0, frames=frames, segment_seconds=segment,
            keyframe_seconds=keyframe, lead=lead, short_start=short,
        )  # fmt: skip
        return list(constant_windows(pts, timeline, size, pts[-1] + round(90000 / rate))), timeline

    (short, timeline), (alike, before) = made(True), made(False)
    assert before.opening == ()
    assert timeline.model_copy(update={"opening": ()}) == before
    for windows in (short, alike):
        assert [one.index for one in windows] == list(range(len(windows)))
        assert sum(one.frames for one in windows) == frames
        assert windows[-1].end == timeline.end
        assert all(one.end == two.start for one, two in itertools.pairwise(windows))
    lengths = [one.end - one.start for one in short]
    assert all(length <= max(one.end - one.start for one in alike) for length in lengths)
    grid = set().union(*(keyframe_ticks(timeline, one.start, one.end, ()) for one in alike))
    assert {one.start for one in short} <= set(range(0, timeline.end, before.frame_duration or 1))
    assert set().union(*(keyframe_ticks(timeline, one.start, one.end, ()) for one in short)) == grid
    if timeline.opening and timeline.end * Fraction(1, timeline.timescale) > segment + 10:
        assert lengths[0] < lengths[-2]
