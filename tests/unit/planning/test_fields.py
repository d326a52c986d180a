"""Interlaced sources in plans: when each field is shown, and what a look at some places proves."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import pytest

from streamify.model.source import FieldsSeen, VideoFacts
from streamify.planning.fields import applied, fields_shown, seen_fields
from streamify.planning.grid import constant_timeline, constant_windows
from streamify.planning.rate import fit_rate, soft_telecine
from streamify.planning.variable import variable_timeline


def facts(**changes: object) -> VideoFacts:
    values = {
        "stream": 0, "codec": "mpeg2video", "width": 720, "height": 576, "sample_aspect": 1, "pixel_format": "yuv420p",
        "time_base": "1/90000", "frames": 100, "first": 0, "end": 360_000, "rate": 25, "average_rate": 25,
    }  # fmt: skip
    return VideoFacts.model_validate(values | changes)


@pytest.mark.parametrize(
    ("rate", "shown"), [(Fraction(25), Fraction(50)), (Fraction(30000, 1001), Fraction(60000, 1001))]
)
def test_borders_lie_between_source_pictures(rate: Fraction, shown: Fraction) -> None:
    times = [round(number / rate * 90_000) for number in range(200)]
    timeline, frames = constant_timeline(
        rate=rate, time_base=Fraction(1, 90_000), origin=0, frames=200, segment_seconds=Fraction(1, 2),
        keyframe_seconds=Fraction(2), fields=2,
    )  # fmt: skip
    assert timeline.frame_duration is not None
    assert Fraction(timeline.timescale, timeline.frame_duration) == shown
    assert timeline.end == 400 * timeline.frame_duration
    windows = list(constant_windows(times, timeline, frames, 200 * 3600))
    assert sum(window.frames for window in windows) == 200
    for window in windows:
        assert window.start % (2 * timeline.frame_duration) == 0
        assert window.end - window.start == 2 * window.frames * timeline.frame_duration
    first = timeline.ticks_of(times[7])
    assert first == 14 * timeline.frame_duration
    assert timeline.second(first, first + 2 * timeline.frame_duration) == 15 * timeline.frame_duration


def test_a_gap_does_not_stretch_the_first_field() -> None:
    times = [*range(0, 100_000, 3600), *range(200_000, 300_000, 3600)]
    timeline = variable_timeline(pts=times, end=303_600, time_base=Fraction(1, 90_000), fields=2, longest=Fraction(10))
    assert (timeline.fields, timeline.field) == (2, 1800)
    assert timeline.second(97_200, 200_000) == 99_000


def test_ticks_as_long_as_a_picture_are_made_finer() -> None:
    times = [*range(50), *range(52, 100)]  # AVI: a tick is a picture
    timeline = variable_timeline(pts=times, end=100, time_base=Fraction(1, 25), fields=2, longest=Fraction(10))
    assert (timeline.timescale, timeline.field) == (90_000, 1800)
    assert timeline.ticks_of(52) == 52 * 3600


def test_sixty_pictures_are_the_most() -> None:
    fast = facts(interlaced=True, mostly_interlaced=True, rate=50, average_rate=50)
    assert fields_shown(fast, "field") == 1
    assert fields_shown(fast.model_copy(update={"rate": Fraction(30)}), "field") == 2
    timeline = variable_timeline(pts=[0, 3600], end=7200, time_base=Fraction(1, 90_000), longest=Fraction(10))
    assert applied(fast, timeline, "field") == "frame"
    assert applied(facts(), timeline, "off") == "frame"  # no interlaced picture: nothing changes, nor does the URL


def seen(**counts: int) -> FieldsSeen:
    return FieldsSeen(pictures=6, **{"flagged": 0, **counts})  # type: ignore[arg-type]


def test_flags_are_doubted_where_pictures_prove_them_wrong() -> None:
    woven = [seen(top=6)] * 3
    assert seen_fields(facts(), woven).combed == "top"
    assert seen_fields(facts(), [seen(bottom=4), seen(bottom=5, top=1)]).combed == "bottom"
    assert seen_fields(facts(), [seen(top=1, progressive=5)] * 3) == facts()
    assert seen_fields(facts(), [seen(top=3, bottom=3)] * 3) == facts()  # noise, or stripes that move
    mixed = seen_fields(facts(), [seen(progressive=6), *woven])
    assert (mixed.combed, mixed.mostly_interlaced) == ("top", True)
    flagged = seen_fields(facts(), [seen(flagged=6), seen(progressive=6), seen(progressive=6)])
    assert (flagged.interlaced, flagged.mostly_interlaced, flagged.combed) == (True, False, None)


@pytest.mark.parametrize(("time_base", "start"), [(Fraction(1, 90_000), 0), (Fraction(1, 1000), 5)])
def test_soft_telecine_plays_at_the_rate_of_film(time_base: Fraction, start: int) -> None:
    fields = list(accumulate([(2, 3)[number % 2] for number in range(99)], initial=0))
    times = [start + round(field * Fraction(1001, 60_000) / time_base) for field in fields]
    assert fit_rate(times, time_base) is None
    video = facts(time_base=time_base, rate=None, average_rate=24)
    found = soft_telecine(video, times)
    assert (found.rate, found.telecine) == (Fraction(24_000, 1001), True)
    times[50] += round(Fraction(1, 60) / time_base)
    assert soft_telecine(video, times) == video


def test_hard_telecine_repeats_the_same_two_of_five() -> None:
    places = [
        FieldsSeen(pictures=10, flagged=10, repeated=(1, 3, 6, 8)),
        FieldsSeen(pictures=6, flagged=6, repeated=(0, 2, 5)),
    ]
    assert seen_fields(facts(), places).telecine
    odd = [FieldsSeen(pictures=10, flagged=10, repeated=(1, 2, 4, 8))]
    assert not seen_fields(facts(), odd).telecine


def test_a_later_field_has_a_tick_of_its_own_where_two_pictures_are_a_tick_apart() -> None:
    """So ends an AVI by FFmpeg, whose last packet lasts a tick."""
    times = [24 * number for number in range(39)] + [24 * 38 + 1]
    timeline = variable_timeline(pts=times, end=914, time_base=Fraction(1, 600), fields=2, longest=Fraction(10))
    (last, end) = (timeline.variable_ticks(time) for time in times[-2:])
    assert last < timeline.second(last, end) < end
    assert timeline.end - end == timeline.timescale // 600
