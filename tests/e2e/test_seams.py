"""Every picture of the source comes out once, in order and at its time, whatever the source and the grid are.

Judged by FFmpeg 8 (PyAV) and by the system's FFmpeg, which read the number that each picture carries.
``STREAMIFY_SEAM_LAYOUTS=500`` tries more layouts than the default.
"""

from __future__ import annotations

import itertools
import os
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.identity import decode_track, decode_track_ffmpeg
from clips.make import RATES, Clip, ClipSpec, make_clip
from e2e.driving import rungs
from selection import sample
from streamify.model.report import Report

LAYOUTS = int(os.environ.get("STREAMIFY_SEAM_LAYOUTS", "24"))
STRUCTURES: tuple[dict[str, Any], ...] = (
    {"gop": 24, "bframes": 0},
    {"gop": 50, "bframes": 2},
    {"gop": 48, "bframes": 3, "pyramid": True},
    {"gop": 30, "bframes": 2, "open_gop": True},
    {"gop": 600, "bframes": 3, "pyramid": True},  # 10 s and more: no keyframe but the first
    {"gop": 36, "bframes": 3, "open_gop": True, "codec": "libx265"},
)
CONTAINERS = ("mp4", "fmp4", "mkv", "ts", "mov")


def layout(case: int) -> tuple[ClipSpec, dict[str, Any]]:
    """Return a source and a grid; the first cases pair every rate with every structure and container in turn."""
    dice = random.Random(case)
    changes: dict[str, Any] = STRUCTURES[case % len(STRUCTURES)] | {"container": CONTAINERS[case % len(CONTAINERS)]}
    count = dice.randint(40, 160)
    if case % 4 == 3:
        changes["time_base"] = dice.choice((Fraction(1, 90000), Fraction(1, 1000), Fraction(1, 600)))
        changes["pts"] = _variable(dice, count, changes["time_base"])
    else:
        changes["rate"] = RATES[case * 3 // 4 % len(RATES)]
        changes["seconds"] = Fraction(count) / changes["rate"]
    if dice.random() < 0.3:
        changes["start"] = Fraction(dice.randint(1, 40), 10)
    settings = {
        "segment_seconds": Fraction(dice.choice((dice.randint(50, 200), dice.randint(200, 1000))), 100),
        "keyframe_seconds": Fraction(dice.randint(10, 300), 100),
        "preset": dice.choice(("ultrafast", "veryfast")),
    }
    return ClipSpec(size=(256, 144), audio=None, crf=28, **changes), settings


def _variable(dice: random.Random, count: int, time_base: Fraction) -> tuple[int, ...]:
    """Return times as a phone or a screen recorder makes them: jitter, bursts, and pictures that stand for a second."""
    gaps = [Fraction(dice.choice((17, 33, 33, 33, 34, 40, 50, 67, 100, 400)), 1000) for _ in range(count)]
    gaps[dice.randrange(count)] = Fraction(13, 10)
    return tuple(int(time / time_base) for time in itertools.accumulate(gaps, initial=Fraction(0)))


@pytest.mark.parametrize("case", sample(range(LAYOUTS), *range(0, LAYOUTS, 8)))
def test_every_picture_once_in_order_at_its_time(case: int, tmp_path: Path) -> None:
    spec, settings = layout(case)
    clip = make_clip(spec, tmp_path)
    report = streamify.transcode(clip.path, tmp_path / "dest", engine="inline", ladder=rungs(144, 108), **settings)
    assert report.certificate.encoded == clip.frames
    assert (report.certificate.dropped, report.certificate.lost) == (0, ())
    for track in report.tracks:
        assert_identical(clip, decode_track(tmp_path / "dest", track.folder))
    folder = report.tracks[case % 2].folder
    assert_identical(clip, decode_track_ffmpeg(tmp_path / "dest", folder), exact=False)


def assert_identical(clip: Clip, shown: list[tuple[Fraction, int | None]], *, exact: bool = True) -> None:
    """Compare numbers and times: n x D/N at a constant rate, else the source's own ticks."""
    assert [number for _, number in shown] == list(range(clip.frames))
    slack = Fraction(0)
    if clip.spec.pts is not None and clip.spec.container == "mkv":
        slack = Fraction(1, 1000)  # Matroska's clock
    elif clip.spec.pts is not None:
        slack = Fraction(1, 16000)  # FFmpeg's MP4 muxer and TS may have a clock of their own
    elif not exact:
        slack = Fraction(1, 90000)
    late = [time - wanted for (time, _), wanted in zip(shown, clip.times, strict=True)]
    assert max(map(abs, late)) <= slack, late


@pytest.mark.parametrize(
    "rate", sample([Fraction(120), Fraction(120000, 1001), Fraction(100)], Fraction(120000, 1001)), ids=str
)
def test_above_60_every_nth_picture_is_kept(rate: Fraction, tmp_path: Path) -> None:
    clip = make_clip(ClipSpec(seconds=Fraction(200) / rate, rate=rate, gop=70, bframes=2, audio=None), tmp_path)
    report = _tiny(clip, tmp_path / "dest", Fraction(1, 2))
    shown = decode_track(tmp_path / "dest", report.tracks[0].folder)
    assert shown == [(2 * number / rate, 2 * number) for number in range(100)]
    assert report.certificate.dropped == 100
    assert any("frames per second" in note.what for note in report.notes)


def test_bursts_above_60_at_a_variable_rate_are_thinned_and_stay_in_order(tmp_path: Path) -> None:
    dice = random.Random(1)
    gaps = [dice.choice((4, 5, 30)) if number < 120 else 33 for number in range(160)]
    spec = ClipSpec(pts=tuple(itertools.accumulate(gaps, initial=0)), time_base=Fraction(1, 1000), audio=None)
    clip = make_clip(spec, tmp_path)
    report = _tiny(clip, tmp_path / "dest", Fraction(1, 2))
    shown = decode_track(tmp_path / "dest", report.tracks[0].folder)
    numbers = [number for _, number in shown]
    assert None not in numbers
    assert numbers == sorted(set(numbers), key=lambda number: number or 0)
    for (time, number), (after, _) in itertools.pairwise(shown):
        assert number is not None
        assert abs(time - clip.times[number]) <= Fraction(1, 16000) or number == 0
        assert after - time >= Fraction(1, 66)
    assert report.certificate.dropped == clip.frames - len(shown) > 40


@pytest.mark.parametrize("frames", sample([1, 2, 3, 26], 1))
def test_the_shortest_clips(frames: int, tmp_path: Path) -> None:
    clip = make_clip(ClipSpec(seconds=Fraction(frames, 25), bframes=2, audio=None), tmp_path)
    report = _tiny(clip, tmp_path / "dest", Fraction(1))
    shown = decode_track(tmp_path / "dest", report.tracks[0].folder)
    assert shown == [(Fraction(number, 25), number) for number in range(frames)]


def test_interlaced_pictures_keep_their_number_and_time(tmp_path: Path) -> None:
    clip = make_clip(ClipSpec(seconds=Fraction(3), interlaced=True, codec="mpeg2video", audio=None, gop=12), tmp_path)
    report = _tiny(clip, tmp_path / "dest", Fraction(1))
    shown = decode_track(tmp_path / "dest", report.tracks[0].folder)
    assert shown == [(Fraction(field, 50), field // 2) for field in range(150)]


@pytest.mark.parametrize("rotation", sample([90, 180, 270], 90))
def test_turned_pictures_come_out_upright(rotation: Any, tmp_path: Path) -> None:
    clip = make_clip(ClipSpec(seconds=Fraction(2), rotation=rotation, audio=None), tmp_path)
    report = _tiny(clip, tmp_path / "dest", Fraction(1))
    assert (report.tracks[0].width, report.tracks[0].height) == (256, 144)
    assert_identical(clip, decode_track(tmp_path / "dest", report.tracks[0].folder))


def _tiny(clip: Clip, dest: Path, segment_seconds: Fraction) -> Report:
    return streamify.transcode(
        clip.path, dest, engine="inline", ladder=rungs(144), segment_seconds=segment_seconds, preset="veryfast"
    )
