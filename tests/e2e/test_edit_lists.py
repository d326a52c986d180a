"""Edit lists as the standard has them (ISO/IEC 14496-12, 8.6.6): every picture and every sound at its time.

Each expected time is computed from the list: what an edit shows of a track begins where the edits before it end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest

import streamify
from clips.edits import EMPTY, Edit, delay, with_edits
from clips.identity import decode_track
from clips.make import Clip, ClipSpec, make_clip
from clips.numbered import encode, remux
from clips.sound import beep_times, decode_audio
from e2e.driving import rungs, verify
from selection import sample
from streamify.errors import SourceError
from streamify.model.report import Report, TrackReport

RATE = 25
SPEC = ClipSpec(seconds=Fraction(6), gop=40, bframes=2, open_gop=True, size=(214, 120))
SYNC = 0.005
"""Seconds that sound may be off its picture."""
AAC = Fraction(1024, 48000)
"""Seconds of a frame."""


def part(length: str, begin: str) -> tuple[Fraction, Fraction]:
    return Fraction(length), Fraction(begin)


PAUSE = EMPTY


@dataclass(frozen=True)
class Case:
    """Edits of pictures and sound alike: length and beginning on the clip's time, seconds."""

    edits: Sequence[tuple[Fraction, Fraction]]
    hidden: int
    parts: bool = False
    """Whether there are several, which FFmpeg cuts to frames of sound."""
    wide: bool = False


CASES = {
    "between two pictures": Case([part("4.5", "1.31")], 37),
    "between two pictures, behind a pause": Case([part("0.75", "-1"), part("4.5", "1.31")], 37),
    "with a pause at its end": Case([part("3", "0.5"), part("1", "-1")], 75),
    "with pauses in front and at its end": Case(
        [part("0.5", "-1"), part("2", "2.52"), part("1", "-1"), part("0.5", "-1")], 100, wide=True
    ),
    "without length": Case([part("0", "0")], 0),
    "without length, from a second on": Case([part("0", "1")], 25, wide=True),
    "forward": Case([part("2", "0"), part("2", "3")], 50, parts=True),
    "joined again": Case([part("2", "0"), part("4", "2")], 0, parts=True, wide=True),
    "with a pause": Case([part("1.6", "0"), part("0.5", "-1"), part("2", "2.52")], 60, parts=True),
    "back, and twice": Case([part("1.4", "3.8"), part("2", "0.52"), part("1.4", "3.8")], 65, parts=True),
}


def shown(
    edits: Sequence[tuple[Fraction, Fraction]], times: Sequence[Fraction], end: Fraction
) -> list[tuple[Fraction, int]]:
    """Return when things that happen at `times` of the clip are shown, and which they are."""
    found, at = [], Fraction(0)
    for length, begin in edits:
        stop = begin + length if length else end
        if begin != PAUSE:
            found += [(at + time - begin, number) for number, time in enumerate(times) if begin <= time < stop]
        at += length
    return found


def run(source: Path, dest: Path) -> Report:
    return streamify.transcode(
        source, dest, engine="inline", ladder=rungs(120), segment_seconds=1, keyframe_seconds=1, preset="ultrafast"
    )


def track(report: Report, kind: str) -> TrackReport:
    return next(one for one in report.tracks if one.kind == kind)


def check(clip: Clip, source: Path, dest: Path, edits: Sequence[tuple[Fraction, Fraction]], off: float) -> Report:
    """Assert that the stream shows what the edits say, with the sound beside it."""
    report = run(source, dest)
    expected = shown(edits, clip.times, clip.end)
    start = expected[0][0]
    seen = decode_track(dest, track(report, "video").folder)
    assert [number for _, number in seen] == [number for _, number in expected]
    assert [float(time) for time, _ in seen] == pytest.approx([float(time - start) for time, _ in expected], abs=0.001)
    beeps = beep_times(decode_audio(dest, track(report, "audio").folder))
    heard = [float(time - start) for time, _ in shown(edits, clip.beeps, clip.end) if time - start > 0.01]
    for time in heard:
        assert min(abs(time - beep) for beep in beeps) < off, (time, beeps)
    assert verify(dest, source).faults == ()
    return report


@pytest.mark.parametrize("name", sample(CASES, "between two pictures, behind a pause"))
def test_pictures_and_sound_at_their_times(name: str, tmp_path: Path) -> None:
    case, clip = CASES[name], make_clip(SPEC, tmp_path)
    lists = {
        number: [
            Edit(length, begin if begin == PAUSE else begin + delay(clip.path, number)) for length, begin in case.edits
        ]
        for number in (0, 1)
    }
    source = with_edits(clip.path, tmp_path / "edited.mp4", lists, wide=case.wide)
    report = check(clip, source, tmp_path / "dest", case.edits, SYNC + float(AAC if case.parts else 0))
    hidden = [note.what for note in report.notes if "edit list hides" in note.what]
    assert [what.split()[0] for what in hidden] == ([str(case.hidden)] if case.hidden else [])
    assert report.source.access == "sliced"


@pytest.mark.long
@pytest.mark.parametrize("codec", sample(["mpeg4", "libx265"], "libx265"))
def test_parts_of_other_codecs(codec: str, tmp_path: Path) -> None:
    clip = make_clip(ClipSpec(seconds=Fraction(6), gop=40, bframes=2, codec=codec, size=(214, 120)), tmp_path)
    edits = CASES["back, and twice"].edits
    lists = {n: [Edit(length, begin + delay(clip.path, n)) for length, begin in edits] for n in (0, 1)}
    check(clip, with_edits(clip.path, tmp_path / "edited.mp4", lists), tmp_path / "dest", edits, SYNC + float(AAC))


@pytest.mark.long
@pytest.mark.parametrize("name", ["between two pictures, behind a pause", "with a pause", "with a pause at its end"])
def test_quicktime_with_a_movie_clock_that_is_coarse(name: str, tmp_path: Path) -> None:
    """Lengths count in 600ths of a second and beginnings in 90,000ths."""
    clip, case = make_clip(SPEC, tmp_path), CASES[name]
    plain = remux(clip.path, tmp_path / "plain.mov", "-movie_timescale", "600", "-video_track_timescale", "90000")
    lists = {
        number: [
            Edit(length, begin if begin == PAUSE else begin + delay(plain, number)) for length, begin in case.edits
        ]
        for number in (0, 1)
    }
    source = with_edits(plain, tmp_path / "edited.mov", lists)
    check(clip, source, tmp_path / "dest", case.edits, SYNC + float(AAC if case.parts else 0))


@pytest.mark.long
@pytest.mark.parametrize(
    ("rate", "edits", "numbers"),
    [
        (60, [part("15/30", "0"), part("15/30", "1/2")], [*range(60)]),  # two pictures in each tick
        (50, [part("17/30", "0"), part("16/30", "0.6")], [*range(28), *range(30, 57)]),  # a third, and two thirds
        (25, [part("15/30", "0"), part("15/30", "1/2")], [*range(25)]),  # half of a picture
    ],
)
def test_parts_counted_in_ticks_as_long_as_pictures(
    rate: int, edits: Sequence[tuple[Fraction, Fraction]], numbers: list[int], tmp_path: Path
) -> None:
    """What is shown of a last picture is rounding where it is less than a tick and less than half of the picture."""
    options = {"preset": "ultrafast", "bf": "0", "g": "100"}
    film = encode(tmp_path / "film.mp4", range(2 * rate), "libx264", "mp4", options, rate=Fraction(rate))
    coarse = remux(film, tmp_path / "coarse.mov", "-movie_timescale", "30", "-video_track_timescale", str(512 * rate))
    source = with_edits(coarse, tmp_path / "source.mov", {0: [Edit(*one) for one in edits]})
    report = run(source, tmp_path / "dest")
    assert [number for _, number in decode_track(tmp_path / "dest", track(report, "video").folder)] == numbers
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.long
def test_reordered_pictures_and_an_edit_from_0_on(tmp_path: Path) -> None:
    """The first picture is composed after 0, and FFmpeg moves it there, away from its sound."""
    clip = make_clip(replace(SPEC, pyramid=True), tmp_path)
    late = delay(clip.path, 0)
    assert late > 0
    source = with_edits(clip.path, tmp_path / "edited.mp4", {0: [Edit(Fraction(7), Fraction(0))]})
    report = run(source, tmp_path / "dest")
    seen = decode_track(tmp_path / "dest", track(report, "video").folder)
    assert [number for _, number in seen] == list(range(clip.frames))
    beeps = beep_times(decode_audio(tmp_path / "dest", track(report, "audio").folder))
    heard = [beep for beep in beeps if beep > 0.5]
    assert heard == pytest.approx([float(beep - late) for beep in clip.beeps[1:]], abs=SYNC)
    assert verify(tmp_path / "dest", source).faults == ()


def test_an_edit_list_that_shows_nothing_is_named(tmp_path: Path) -> None:
    clip = make_clip(SPEC, tmp_path)
    for edits in (
        [Edit(Fraction(2), Fraction(90))],
        [Edit(Fraction(2), Fraction(90)), Edit(Fraction(1), Fraction(70))],
    ):
        source = with_edits(clip.path, tmp_path / "edited.mp4", {0: edits})
        with pytest.raises(SourceError, match=r"edit list begins at [79]0\.000 s") as caught:
            streamify.plan(source, engine="inline")
        assert caught.value.code == "no-pictures"
        assert "-ignore_editlist 1" in caught.value.hint


def test_a_part_past_the_end_shows_nothing(tmp_path: Path) -> None:
    clip = make_clip(SPEC, tmp_path)
    edits = [Edit(Fraction(length), begin + delay(clip.path, 0)) for length, begin in ((2, 1), (1, 50), (2, 5))]
    plan = streamify.plan(with_edits(clip.path, tmp_path / "edited.mp4", {0: edits}), engine="inline")
    video = plan.source.video
    assert video is not None
    assert (video.frames, video.first) == (75, 0)
    assert video.end * video.time_base == 4


def test_sound_keeps_its_priming_in_an_edit_without_length(tmp_path: Path) -> None:
    """Sample by sample what it is with the length that the list had."""
    clip = make_clip(SPEC, tmp_path)
    endless = {number: [Edit(Fraction(0), delay(clip.path, number))] for number in (0, 1)}
    heard = []
    for name, source in (("own", clip.path), ("endless", with_edits(clip.path, tmp_path / "edited.mp4", endless))):
        report = run(source, tmp_path / name)
        heard.append(decode_audio(tmp_path / name, track(report, "audio").folder))
    assert [one.start for one in heard] == [0, 0]
    assert abs(heard[0].samples - heard[1].at(0, len(heard[0].samples))).max() < 1e-4
