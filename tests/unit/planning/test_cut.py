"""Which pictures and which sound are in a part of a film: worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

from plan_samples import AUDIO, PTS, VIDEO, facts
from streamify.errors import UsageError
from streamify.model.settings import MediaSettings
from streamify.model.source import ClockBreak, Gap, Note, SourceFacts
from streamify.planning.build import build_plan
from streamify.planning.cut import Span, cut_pictures, cut_sound, is_cut, picture_span
from streamify.planning.grid import Window
from streamify.planning.moved import moved_notes

S = Fraction
MILLISECONDS = {"time_base": "1/1000", "rate": None, "average_rate": "25", "first": 0}


def settings(start: object = None, end: object = None, **others: Any) -> MediaSettings:
    return MediaSettings.model_validate({"from": start, "to": end} | others)


def span(start: object, end: object, source: SourceFacts | None = None, pts: Sequence[int] = PTS) -> Span:
    return picture_span(source or facts(), pts, settings(start, end))


def uneven(pts: Sequence[int], end: int, **audio: Any) -> SourceFacts:
    sound = (AUDIO | {"start": 0, "stop": 48 * end} | audio,)
    return facts(VIDEO | MILLISECONDS | {"first": pts[0], "frames": len(pts), "end": end}, sound)


@pytest.mark.parametrize(
    ("start", "end", "first", "stop"),
    [
        (None, 1, 0, 30),  # picture 30 is shown at 1.001 s, picture 29 at 0.9676 s
        (1, None, 30, 420),
        (1, "1.001", 30, 30 + 0),
        ("1.001", "1.002", 30, 31),
        ("1.0010001", 2, 31, 60),
        (1, 2, 30, 60),
        (2, 3, 60, 90),
        (13, 10_000, 390, 420),
    ],
)
def test_pictures_at_a_constant_rate(start: object, end: object, first: int, stop: int) -> None:
    """At 30000/1001 pictures a second the n-th is shown at n x 1001/30000 s."""
    if first == stop:  # no picture begins in it: the one that is shown then stands
        found = span(start, end)
        assert (found.first, found.stop, found.constant) == (29, 30, False)
        return
    found = span(start, end)
    assert (found.first, found.stop, found.constant, found.cut.origin) == (first, stop, True, None)
    assert found.cut.start == S(first * 1001, 30000)
    assert found.cut.end == S(stop * 1001, 30000)
    assert found.cut.whole == S(420 * 1001, 30000)


def test_parts_that_meet_have_every_picture_once() -> None:
    times = ["0.1", "2.2", "3.1415", "7", "7.5", "13.9"]
    found = [span(*one) for one in zip([None, *times], [*times, None], strict=True)]
    assert [number for one in found for number in range(one.first, one.stop)] == list(range(420))


def test_times_that_a_container_rounds() -> None:
    """Picture 100 of 30 a second is at 10/3 s; Matroska says 3.333 s."""
    pts = [round(S(n * 1000, 30)) for n in range(300)]
    source = facts(VIDEO | {"time_base": "1/1000", "rate": "30", "average_rate": "30", "first": 0, "end": 10_000})
    found = picture_span(source, pts, settings("10/3", 5))
    assert (found.first, found.stop) == (100, 150)
    part = cut_pictures(source, pts, found, (50, 0))
    assert part.video is not None
    assert part.video.first * part.video.time_base + part.video.late == S(10, 3)


def test_a_pause_begins_with_the_picture_that_stands() -> None:
    pts = [0, 40, 80, 5000, 5040, 5080]
    source = uneven(pts, 5120)
    found = span(2, None, source, pts)
    assert (found.first, found.stop, found.cut.origin) == (2, 6, 2000)
    assert (found.cut.start, found.cut.end) == (S(2), S("5.12"))
    plan, windows = planned(source, pts, settings(2, None))
    assert plan.timeline.end == 3120
    assert (windows[0].first, windows[0].start, windows[-1].next) == (80, 0, None)
    assert sum(window.frames for window in windows) == 4
    assert plan.audio[0].recipe.origin == 2
    assert plan.source.video is not None
    assert plan.source.video.first == 80


def planned(source: SourceFacts, pts: Sequence[int], wanted: MediaSettings) -> tuple[Any, list[Window]]:
    found = picture_span(source, pts, wanted)
    part = cut_pictures(source, pts, found, (found.stop - found.first, 0))
    plan, windows = build_plan(part, list(pts[found.first : found.stop]), wanted, "av 1")
    return plan, list(windows)


def test_a_picture_shortly_after_the_start_is_the_first() -> None:
    pts = [0, 1000, 2090, 3000]
    assert span(2, None, uneven(pts, 4000), pts).first == 2
    assert span("1.98", None, uneven(pts, 4000), pts).cut.origin == 1980


def test_a_variable_rate_ends_where_it_is_asked_to() -> None:
    pts = [0, 1000, 2000, 3000]
    plan, windows = planned(uneven(pts, 4000), pts, settings(1, "2.5"))
    assert (plan.timeline.end, sum(window.frames for window in windows)) == (1500, 2)


def test_a_part_without_a_picture_of_its_own() -> None:
    pts = [0, 9000]
    plan, windows = planned(uneven(pts, 10_000), pts, settings(3, 5))
    assert (plan.timeline.end, [window.frames for window in windows]) == (2000, [1])


def test_sound_before_the_first_picture_and_after_the_last() -> None:
    """Sound from 0 to 20 s, pictures from 5 to 10 s."""
    pts = list(range(5000, 10_000, 50))
    source = uneven(pts, 10_000, stop=20 * 48_000)
    plan, _ = planned(source, pts, settings(2, 7))
    assert (plan.timeline.lead, plan.timeline.end, plan.audio[0].recipe.origin) == (3000, 5000, 2)
    plan, _ = planned(source, pts, settings(8, 15))
    assert (plan.timeline.lead, plan.timeline.end, plan.audio[0].recipe.origin) == (0, 7000, 8)
    plan, windows = planned(source, pts, settings(12, 15))
    assert (plan.timeline.end, plan.audio[0].recipe.origin, windows[0].first) == (3000, 12, 9950)
    with pytest.raises(UsageError, match="first picture at 5 s"):
        span(2, 4, source, pts)


def test_sound_before_the_first_picture_at_a_constant_rate() -> None:
    """It begins 3 s before the first picture, which stands for 90 frames; the part begins a second later."""
    source = facts(audio=(AUDIO | {"start": 4805 - 3 * 48_000, "stop": 48_000 * 14},))
    found = span(1, 4, source)
    assert (found.first, found.constant) == (0, True)
    assert found.cut.lead == S(60 * 1001, 30000) - S(0)
    plan, _ = planned(source, PTS, settings(1, 4))
    assert plan.timeline.lead == 60 * 1001


@pytest.mark.parametrize(("start", "end"), [(20, None), ("14.014", None)])
def test_nothing_follows(start: object, end: object) -> None:
    with pytest.raises(UsageError, match="nothing follows") as found:
        span(start, end)
    assert found.value.code == "cut-outside"


def test_sound_alone_is_cut_at_samples() -> None:
    source = facts(None)
    part = cut_sound(source, settings("1.00001", "2.5"))
    assert part.cut is not None
    assert (part.cut.start * 48_000, part.duration * 48_000) == (S(48_000), S(72_000))
    plan, windows = build_plan(part, (), settings("1.00001", "2.5"), "av 1")
    assert plan.audio[0].recipe.origin == S(4805 + 48_000, 48_000)
    assert list(windows)[-1].end == 72_000


def test_gaps_breaks_and_notes_are_those_of_the_part() -> None:
    told = [
        Note(kind="info", what="no pictures for 1.000 s at 2.000 s", why="a pause"),
        Note(kind="damaged", what="pictures from 7.500 s to 9.000 s may look wrong", why="bytes are missing"),
        Note(kind="info", what="2 joins, at 8.000 s, 12.000 s", why="counters"),
        Note(kind="dropped", what="transparency", why="H.264 has none"),
    ]
    gaps = [Gap(start=S(2), seconds=S(1), why="a"), Gap(start=S(7), seconds=S(2), why="b")]
    source = facts().model_copy(
        update={"gaps": tuple(gaps), "notes": tuple(told), "breaks": (ClockBreak(at=S(9), position=1, shift=S(1)),)}
    )
    found = span(8, 10, source)
    by = found.cut.begin
    part = cut_pictures(source, PTS, found, (60, 0))
    assert [(gap.start, gap.seconds) for gap in part.gaps] == [(S(0), 9 - by)]
    assert [one.at for one in part.breaks] == [9 - by]
    assert [note.what for note in part.notes] == [
        f"pictures from 0.000 s to {float(9 - by):.3f} s may look wrong",
        f"2 joins, at 0.000 s, {float(12 - by):.3f} s",
        "transparency",
    ]
    assert (part.coded, part.duration) == (60, (found.stop - found.first) * S(1001, 30000))


def test_what_is_missing_behind_the_film_is_missing_behind_its_last_part() -> None:
    note = Note(kind="damaged", what="no pictures for 3.000 s at 14.000 s", why="the file is cut off")
    assert moved_notes([note], S(10), S(4), last=True)[0].what == "no pictures for 3.000 s at 4.000 s"
    assert moved_notes([note], S(2), S(4), last=False) == ()


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("12", 12), (12.5, S("12.5")), ("1:02:03.25", S("3723.25")), ("2:03", 123), ("25/2", S(25, 2)), ("90:00", 5400)],
)
def test_forms_of_a_time(given: object, seconds: Fraction) -> None:
    assert settings(given).from_ == seconds
    assert MediaSettings.model_validate_json(settings(given).to_json()).from_ == seconds


@pytest.mark.parametrize("given", ["1:60", "1:60:00", "1:2:3:4", "-1", "soon", "", "1:", True, "nan"])
def test_what_is_no_time(given: object) -> None:
    with pytest.raises(ValueError, match="from"):
        settings(given)


@pytest.mark.parametrize(("start", "end"), [(5, 5), (5, 4), (0, 0)])
def test_times_that_leave_nothing(start: object, end: object) -> None:
    with pytest.raises(ValueError, match="to"):
        settings(start, end)


def test_from_zero_is_no_cut() -> None:
    assert not is_cut(settings(0))
    assert is_cut(settings(0, 5))
    assert is_cut(settings("0.001"))
