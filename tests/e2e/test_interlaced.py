"""Interlaced sources: 50i plays as 50p, each field at its time; seams are those of a run over the whole film."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import av
import pytest

import streamify
from clips.corpus import decode, digest
from clips.field_pictures import write_fields
from clips.fields import HEIGHT, STEP, WIDTH, bar_at, bars, close, comb, film
from clips.shots import shown_times
from e2e.driving import rungs, verify
from selection import sample
from stores import locations
from streamify.jobs.segments import SegmentList
from streamify.media.video.decode import DecodeLog, Picture
from streamify.media.video.deinterlace import deinterlaced
from streamify.media.video.picture import window_pictures
from streamify.media.video.window import WindowSource
from streamify.model.report import Report
from streamify.tasks.plan_file import read_plan

FIELDS = 80
TOP, BOTTOM = "interlace=scan=tff:lowpass=off", "interlace=scan=bff:lowpass=off"
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-bf", "2", "-g", "10")
WAYS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "mpeg2 ts": ("ts", TOP, ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "2", "-flags", "+ilme+ildct", "-top", "1")),
    "mpeg2 bottom mkv": ("mkv", BOTTOM, ("-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ilme+ildct", "-top", "0")),
    "h264 mbaff mp4": ("mp4", TOP, (*X264, "-x264-params", "tff=1")),
    "h264 mbaff ts": ("ts", BOTTOM, (*X264, "-x264-params", "bff=1")),
    "prores mov": ("mov", TOP, ("-c:v", "prores_ks", "-flags", "+ildct", "-top", "1")),
    "not flagged mp4": ("mp4", TOP, X264),
    "not flagged bottom ts": ("ts", BOTTOM, X264),
}


def made(source: Path, dest: Path, **settings: Any) -> Report:
    report = streamify.transcode(
        source, dest, engine="inline", preset="ultrafast", ladder=rungs(HEIGHT, crf=10, maxrate=4_000_000),
        segment_seconds=Fraction(1, 2), **settings,
    )  # fmt: skip
    assert verify(dest, source).faults == ()
    return report


def playlist(report: Report, dest: Path) -> Path:
    (track,) = report.tracks
    return dest / track.folder / "playlist.m3u8"


CODED_BY_FIELD = [*product(("ts", "mkv", "mp4", "mpg", "vob"), (False, True))]


@pytest.mark.parametrize(("suffix", "apart"), sample(CODED_BY_FIELD, ("mkv", True)))
def test_mpeg2_that_is_coded_field_by_field(suffix: str, apart: bool, tmp_path: Path) -> None:
    source = write_fields(tmp_path / f"a.{suffix}", FIELDS // 2, apart=apart)
    report = made(source, tmp_path / "dest")
    (track,) = report.tracks
    assert (track.frames, track.duration) == (FIELDS, Fraction(FIELDS, 50))
    found = bars(playlist(report, tmp_path / "dest"), (WIDTH, HEIGHT))
    assert close(found, [float(bar_at(field)) for field in range(FIELDS)], 2.5), found


@pytest.mark.parametrize(("suffix", "apart"), sample(CODED_BY_FIELD, ("ts", False)))
def test_the_last_picture_is_a_single_field(suffix: str, apart: bool, tmp_path: Path) -> None:
    """FFmpeg's decoder drops the picture before it, and leaves the lines of its other field black."""
    source = write_fields(tmp_path / f"a.{suffix}", FIELDS // 2, apart=apart, single=True)
    report = made(source, tmp_path / "dest")
    (track,) = report.tracks
    assert (track.frames, report.certificate.lost) == (FIELDS, ())
    found = bars(playlist(report, tmp_path / "dest"), (WIDTH, HEIGHT))
    assert close(found, [float(bar_at(min(field, FIELDS - 2))) for field in range(FIELDS)], 2.5), found


@pytest.mark.parametrize("way", sample(WAYS, "mpeg2 ts"))
def test_each_field_becomes_a_picture_at_its_time(way: str, tmp_path: Path) -> None:
    suffix, weave, options = WAYS[way]
    source = film(tmp_path / f"a.{suffix}", FIELDS, weave, *options)
    report = made(source, tmp_path / "dest")
    (track,) = report.tracks
    assert (track.frames, track.duration) == (FIELDS, Fraction(FIELDS, 50))
    found = bars(playlist(report, tmp_path / "dest"), (WIDTH, HEIGHT))
    wanted = [float(bar_at(field)) for field in range(FIELDS)]
    still = 2 if "not flagged" in way else 0  # the last picture has none after it to tell by
    assert close(found[: FIELDS - still], wanted[: FIELDS - still], 2.5), found
    assert comb(playlist(report, tmp_path / "dest"), (WIDTH, HEIGHT)) < 6
    assert (report.certificate.promised, report.certificate.encoded) == (FIELDS // 2, FIELDS)
    (note,) = (note for note in report.notes if "interlaced pictures" in note.what)
    assert "each field becomes a picture, 50 a second" in note.why
    assert ("not flagged as such" in note.what) == ("not flagged" in way)


@pytest.mark.parametrize("rate", sample(["50", "60000/1001"], "50"))
def test_pictures_stand_where_there_is_only_sound(rate: str, tmp_path: Path) -> None:
    """Before the first picture, and after the last."""
    suffix, weave, options = WAYS["h264 mbaff mp4"]
    silent = film(tmp_path / f"silent.{suffix}", FIELDS, weave, *options, rate=rate)
    source, dest = tmp_path / f"a.{suffix}", tmp_path / "dest"
    sound = ["-f", "lavfi", "-i", "sine=duration=3.2"]
    both = ["-itsoffset", "0.8", "-i", str(silent), *sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *both, str(source)], check=True, timeout=60)
    report = made(source, dest)
    video = next(track for track in report.tracks if track.kind == "video")
    before, after = (round(seconds * Fraction(rate) / 2) for seconds in (0.8, 2.4 - FIELDS / Fraction(rate)))
    assert report.certificate.duplicated == pytest.approx(before + after, abs=2)
    assert video.frames == FIELDS + report.certificate.duplicated
    found = bars(dest / video.folder / "playlist.m3u8", (WIDTH, HEIGHT))
    start = next(number for number, place in enumerate(found) if place > 1.5 * STEP) - 2
    assert start == pytest.approx(before, abs=1)
    assert close(found[:start], [0.0] * start, STEP + 1.5), found  # fields of the first picture
    assert close(found[start : start + FIELDS], [float(bar_at(field)) for field in range(FIELDS)], 2.5), found
    rest = found[start + FIELDS :]
    assert close(rest, [float(bar_at(FIELDS - 1))] * len(rest), STEP + 1.5), found  # and of the last
    shown = shown_times(dest / video.folder / "playlist.m3u8")
    assert shown[start] == pytest.approx(0.8, abs=0.05)


def test_one_picture_for_each_or_none_at_all(tmp_path: Path) -> None:
    suffix, weave, options = WAYS["mpeg2 ts"]
    source = film(tmp_path / f"a.{suffix}", FIELDS, weave, *options)
    one = made(source, tmp_path / "frame", deinterlace="frame")
    assert one.tracks[0].frames == FIELDS // 2
    found = bars(playlist(one, tmp_path / "frame"), (WIDTH, HEIGHT))
    assert close(found, [float(bar_at(2 * number)) for number in range(FIELDS // 2)], 2.5), found
    left = made(source, tmp_path / "off", deinterlace="off")
    assert left.tracks[0].frames == FIELDS // 2
    assert comb(playlist(left, tmp_path / "off"), (WIDTH, HEIGHT)) > 6
    assert len({report.tracks[0].folder for report in (one, left)}) == 2
    assert any("left as they are" in note.why for note in left.notes)


@pytest.mark.long
def test_progressive_pictures_of_a_mixed_film_stand_for_both_fields(tmp_path: Path) -> None:
    even = "select='not(mod(n,2))',setpts=N/25/TB"
    plain = film(tmp_path / "a.ts", 30, even, "-r", "25", *X264, "-output_ts_offset", "10")
    woven = film(tmp_path / "b.ts", FIELDS, TOP, *X264, "-x264-params", "tff=1", "-output_ts_offset", "10.6")
    source = tmp_path / "mixed.ts"
    source.write_bytes(plain.read_bytes() + woven.read_bytes())
    report = made(source, tmp_path / "dest")
    found = bars(playlist(report, tmp_path / "dest"), (WIDTH, HEIGHT))
    wanted = [float(bar_at(number // 2 * 2)) for number in range(30)]
    assert close(found, wanted + [float(bar_at(field)) for field in range(FIELDS)], 2.5), found
    assert comb(playlist(report, tmp_path / "dest"), (WIDTH, HEIGHT)) < 6


@pytest.mark.parametrize("way", sample(["mpeg2 ts", "h264 mbaff mp4", "not flagged mp4"], "h264 mbaff mp4"))
def test_segments_equal_the_whole_film(way: str, tmp_path: Path) -> None:
    suffix, weave, options = WAYS[way]
    source = film(tmp_path / f"a.{suffix}", FIELDS, weave, *options)
    stores = locations(tmp_path, tmp_path / "dest").open()
    made(source, tmp_path / "dest", deinterlace="field")
    plan = read_plan(stores.media)
    assert plan is not None
    video = plan.source.video
    assert video is not None
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        whole = [Picture(number, frame) for number, frame in enumerate(decode(stream, container.demux(stream)))]
    run = deinterlaced(whole, fields=True, combed=video.combed)
    expected = [(digest(one.frame), digest(one.second)) for one in run if one.second]
    found = []
    opened = WindowSource(lambda: source.open("rb"), video.stream, plan.source.access, video.end)
    segments = SegmentList(plan, stores.media)
    for segment in segments:
        for one in window_pictures(opened, video, segment, DecodeLog(), "field"):
            if segment.source_start <= one.pts and (segment.source_end is None or one.pts < segment.source_end):
                assert one.second is not None
                found.append((digest(one.frame), digest(one.second)))
    segments.close()
    assert found == expected


STILL = "color=gray:s=320x192:r=50:d=1,format=yuv420p,geq=lum='if(mod(Y,2),40,210)':cb=128:cr=128"
FADING = "smptebars=s=320x192:r=50:d=3,fade=out:0:300:color=gray"
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "3", "-bf", "2", "-flags", "+ilme+ildct")


@pytest.mark.parametrize(
    ("picture", "weave", "suffix", "options"),
    [
        (STILL, TOP, "mp4", (*X264, "-x264-params", "tff=1")),
        pytest.param(STILL, BOTTOM, "ts", (*MPEG2, "-top", "0"), marks=pytest.mark.long),
        pytest.param(FADING, TOP, "ts", (*MPEG2, "-top", "1"), marks=pytest.mark.long),
        (FADING, BOTTOM, "mp4", (*X264, "-x264-params", "bff=1")),
    ],
    ids=["still tff", "still bff", "fade tff", "fade bff"],
)
def test_what_stands_still_and_what_fades_is_no_fault(
    picture: str, weave: str, suffix: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    """Rows that only one field has are in each picture where nothing moves; a coarse encoder leaves steps of a fade."""
    source, dest = tmp_path / f"a.{suffix}", tmp_path / "dest"
    inputs = ["-f", "lavfi", "-i", picture, "-vf", weave]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *inputs, *options, str(source)], check=True, timeout=60)
    ladder = rungs(96, crf=38)
    report = streamify.transcode(source, dest, engine="inline", preset="ultrafast", ladder=ladder)
    assert report.tracks[0].frames == 2 * report.certificate.promised
    assert verify(dest, source).faults == ()


@pytest.mark.cases
@pytest.mark.long
def test_the_interlaced_rest_of_a_film_is_deinterlaced(cases: Path, tmp_path: Path) -> None:
    source, dest = cases / "prog_then_interlaced.ts", tmp_path / "dest"
    report = streamify.transcode(source, dest, engine="inline", preset="ultrafast", ladder=rungs(288))
    (track,) = report.tracks
    assert track.frames == 2 * report.certificate.decoded
    assert comb(dest / track.folder / "playlist.m3u8", (track.width or 0, track.height or 0)) < 10
    assert any("each field becomes a picture" in note.why for note in report.notes)
    assert verify(dest, source).faults == ()
