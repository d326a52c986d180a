"""Pictures that change size, aspect, rotation or format midway: each part at its own aspect, named, and judged."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

import streamify
from clips.parts import Stretch, box_of, corner_of, grey_pictures, join, mux, turned
from e2e.driving import rungs, verify
from selection import sample
from streamify.model.report import Report

WIDE, TALL = Stretch(320, 180), Stretch(180, 320)
H264 = {"preset": "ultrafast", "crf": "12"}
H265 = {"preset": "ultrafast", "x265-params": "log-level=none"}
X264 = ("-preset", "ultrafast", "-crf", "12", "-bf", "2")
MPEG2 = ("-q:v", "2", "-bf", "2")

Box = tuple[int, int, int, int]
FULL: Box = (0, 0, 320, 180)
PILLAR: Box = (108, 0, 102, 180)
"""180 x 320 in 320 x 180: 180 * 180 / 320 = 101.25, even: 102; (320 - 102) / 2 = 109, even: 108."""

WAYS: dict[str, Callable[[Path], Path]] = {
    "vp8 webm": lambda to: mux(to / "a.webm", [WIDE, TALL], "libvpx", "webm", {"deadline": "realtime", "b:v": "2M"}),
    "vp9 webm": lambda to: mux(
        to / "a.webm", [WIDE, TALL], "libvpx-vp9", "webm", {"deadline": "realtime", "cpu-used": "8", "b:v": "2M"}
    ),
    "mjpeg mkv": lambda to: mux(to / "a.mkv", [WIDE, TALL], "mjpeg", "matroska", {"strict": "-1"}),
    "h264 mp4": lambda to: mux(to / "a.mp4", [WIDE, TALL], "libx264", "mp4", H264),
    "h264 mkv": lambda to: mux(to / "a.mkv", [WIDE, TALL], "libx264", "matroska", H264),
    "h264 ts": lambda to: join(to / "a.ts", [WIDE, TALL], "libx264", "ts", *X264),
    "h264 flv": lambda to: join(to / "a.flv", [WIDE, TALL], "libx264", "flv", *X264),
    "mpeg2 ts": lambda to: join(to / "a.ts", [WIDE, TALL], "mpeg2video", "ts", *MPEG2),
    "hevc ts": lambda to: mux(to / "a.ts", [WIDE, TALL], "libx265", "mpegts", H265),
}  # fmt: skip


def made(source: Path, dest: Path) -> tuple[Report, list[Box], list[str]]:
    """Return the report, the box of what is not black and the bright corner of every picture."""
    report = streamify.transcode(
        source, dest, engine="inline", preset="ultrafast", ladder=rungs(180, crf=16, maxrate=3_000_000),
        segment_seconds=Fraction(3, 5),
    )  # fmt: skip
    (track,) = report.tracks
    pictures = grey_pictures(dest / track.folder / "playlist.m3u8")
    assert verify(dest, source).faults == ()
    return report, [box_of(one) for one in pictures], [corner_of(one) for one in pictures]


def near(found: Box, wanted: Box) -> bool:
    """Whether edges are where they are to be, but for a pixel that coding blurs."""
    return all(abs(one - two) <= 1 for one, two in zip(found, wanted, strict=True))


@pytest.mark.parametrize("way", sample(WAYS, "h264 mp4"))
def test_a_phone_that_is_turned_midway(way: str, tmp_path: Path) -> None:
    report, boxes, corners = made(WAYS[way](tmp_path), tmp_path / "dest")
    assert len(boxes) == 50
    assert all(near(box, FULL) for box in boxes[:25]), boxes
    assert all(near(box, PILLAR) for box in boxes[25:]), boxes
    assert set(corners) == {"top left"}
    assert [note.what for note in report.notes if "no longer" in note.what] == [
        "pictures of 180x320 from 1.000 s on, no longer 320x180"
    ]


def test_aspect_alone_changes(tmp_path: Path) -> None:
    # 4:3 in square pixels, then 16:9, at one size
    old = Stretch(240, 180, Fraction(1), count=15)
    new = Stretch(240, 180, Fraction(4, 3), count=35)
    report, boxes, _ = made(join(tmp_path / "a.ts", [old, new], "mpeg2video", "ts", *MPEG2), tmp_path / "dest")
    (track,) = report.tracks
    assert (track.width, track.height) == (320, 180)  # of the part that lasts longest
    assert all(near(box, (40, 0, 240, 180)) for box in boxes[:15]), boxes
    assert all(near(box, FULL) for box in boxes[15:]), boxes
    (note,) = (note for note in report.notes if "no longer" in note.what)
    assert note.what == "pictures of 240x180 with sample aspect 4/3 from 0.600 s on, no longer 240x180"


@pytest.mark.long
def test_a_message_in_the_bitstream_turns_the_picture(tmp_path: Path) -> None:
    parts = [WIDE, Stretch(320, 180, rotate=90), WIDE]
    report, boxes, corners = made(turned(tmp_path / "a.mkv", parts), tmp_path / "dest")
    assert all(near(box, FULL) for box in boxes[:25] + boxes[50:]), boxes
    assert all(near(box, PILLAR) for box in boxes[25:50]), boxes
    assert corners == ["top left"] * 25 + ["top right"] * 25 + ["top left"] * 25
    assert sum("no longer" in note.what for note in report.notes) == 2


@pytest.mark.long
def test_a_recording_that_adapts_its_size_gets_a_ladder_for_the_largest(tmp_path: Path) -> None:
    parts = [Stretch(160, 90, count=30), Stretch(320, 180, count=20), Stretch(240, 136, count=10)]
    report, boxes, _ = made(
        mux(tmp_path / "a.webm", parts, "libvpx", "webm", {"deadline": "realtime", "b:v": "2M"}), tmp_path / "dest"
    )
    (track,) = report.tracks
    assert (track.width, track.height) == (320, 180)
    assert all(near(box, FULL) for box in boxes), boxes
    assert next(note.why for note in report.notes if "no longer" in note.what) == "scaled to the size of the renditions"


@pytest.mark.long
def test_pixel_format_and_depth_may_change(tmp_path: Path) -> None:
    parts = [WIDE, Stretch(320, 180, pixels="yuv422p10le"), Stretch(320, 180, pixels="yuv444p"), WIDE]
    report, boxes, corners = made(join(tmp_path / "a.ts", parts, "libx264", "ts", *X264), tmp_path / "dest")
    assert (len(boxes), set(corners)) == (100, {"top left"})
    assert [note.what for note in report.notes if "no longer" in note.what] == [
        "yuv422p10le pictures from 1.000 s on, no longer yuv420p",
        "yuv444p pictures from 2.000 s on, no longer yuv422p10le",
        "yuv420p pictures from 3.000 s on, no longer yuv444p",
    ]


def test_a_change_that_split_did_not_see_is_named_by_the_tasks(tmp_path: Path) -> None:
    # Ten pictures of another aspect in the middle of nowhere: none of the places that split looks at.
    parts = [Stretch(320, 180, count=74), Stretch(180, 320, count=10), Stretch(320, 180, count=116)]
    source = join(tmp_path / "a.ts", parts, "libx264", "ts", *X264)
    assert not any("no longer" in note.what for note in streamify.plan(source, engine="inline").notes)
    report, boxes, _ = made(source, tmp_path / "dest")
    assert [near(box, PILLAR) for box in boxes] == [False] * 74 + [True] * 10 + [False] * 116
    assert [note.what for note in report.notes if "no longer" in note.what] == [
        "pictures of 180x320 from 2.960 s on, no longer 320x180",
        "pictures of 320x180 from 3.360 s on, no longer 180x320",
    ]


@pytest.mark.cases
def test_the_case_of_a_phone_that_is_turned_midway(cases: Path, tmp_path: Path) -> None:
    source, dest = cases / "vp8_res_to_portrait.webm", tmp_path / "dest"
    report = streamify.transcode(source, dest, engine="inline", preset="ultrafast", ladder=rungs(180))
    (track,) = report.tracks
    assert (track.width, track.height, track.frames) == (320, 180, 200)
    pictures = grey_pictures(dest / track.folder / "playlist.m3u8")
    assert min(float(picture[:, :100].max()) for picture in pictures[:100]) > 40
    assert max(float(picture[:, :100].max()) for picture in pictures[100:]) < 24  # 360x640 is 102 of 320 pixels wide
    assert any("360x640 from 4.000 s on" in note.what for note in report.notes)
