"""Every picture once, in order and at its time, for combinations of codec, container, B-frames and reorder depth.

The films carry numbers, which are read back from the finished stream.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.identity import decode_track
from clips.numbered import encode, remux, without_composition_times
from e2e.driving import rungs

COUNT = 75
SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(144), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast"
}  # fmt: skip

X264 = {"preset": "veryfast", "bf": "2", "g": "25", "x264-params": "b-adapt=0"}
DEEP = {"preset": "veryfast", "bf": "5", "g": "40", "x264-params": "b-adapt=0:b-pyramid=normal:open-gop=1"}
PLAIN = {"preset": "veryfast", "bf": "0", "g": "25"}
X265 = {"preset": "ultrafast", "g": "25", "x265-params": "bframes=3:log-level=none:pools=none:frame-threads=1"}
MPEG2 = {"bf": "2", "g": "12", "q:v": "3", "qmax": "6"}
MPEG4 = {"bf": "2", "g": "25", "q:v": "3", "qmax": "6"}
SIMPLE = {"g": "25", "q:v": "3", "qmax": "6"}
VP9 = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "12", "auto-alt-ref": "1", "b": "1M", "g": "25"}

Through = Callable[[Path, Path], Path] | None
"""What is done to a film after it was encoded."""

FILMS: dict[str, tuple[str, str, dict[str, str], str, Through]] = {
    "h264-avi": ("libx264", "mp4", X264, "avi", remux),
    "h264-deep-avi": ("libx264", "mp4", DEEP, "avi", remux),
    "h264-plain-avi": ("libx264", "mp4", PLAIN, "avi", remux),
    "h264-mxf": ("libx264", "mxf", X264 | {"profile": "high422"}, "mxf", None),
    "h264-no-ctts-mp4": ("libx264", "mp4", X264, "mp4", without_composition_times),
    "h264-deep-no-ctts-mp4": ("libx264", "mp4", DEEP, "mp4", without_composition_times),
    "h264-flv": ("libx264", "flv", X264, "flv", None),
    "h264-deep-mkv": ("libx264", "matroska", DEEP, "mkv", None),
    "h264-deep-mov": ("libx264", "mov", DEEP, "mov", None),
    "h264-deep-ts": ("libx264", "mpegts", DEEP, "ts", None),
    "h264-ps": ("libx264", "vob", X264, "vob", None),
    "h264-3gp": ("libx264", "3gp", PLAIN, "3gp", None),
    "h264-asf": ("libx264", "mp4", X264, "asf", remux),
    "hevc-mp4": ("libx265", "mp4", X265, "mp4", None),
    "hevc-mkv": ("libx265", "matroska", X265, "mkv", None),
    "hevc-ts": ("libx265", "mpegts", X265, "ts", None),
    "hevc-no-ctts-mp4": ("libx265", "mp4", X265, "mp4", without_composition_times),
    "mpeg2-ps": ("mpeg2video", "vob", MPEG2, "mpg", None),
    "mpeg2-ts": ("mpeg2video", "mpegts", MPEG2, "ts", None),
    "mpeg2-mxf": ("mpeg2video", "mxf", MPEG2, "mxf", None),
    "mpeg2-avi": ("mpeg2video", "mpegts", MPEG2, "avi", remux),
    "mpeg2-mkv": ("mpeg2video", "matroska", MPEG2, "mkv", None),
    "mpeg1-ps": ("mpeg1video", "mpeg", MPEG2, "mpg", None),
    "mpeg4-avi": ("mpeg4", "avi", MPEG4, "avi", None),
    "mpeg4-mp4": ("mpeg4", "mp4", MPEG4, "mp4", None),
    "mpeg4-no-ctts-mp4": ("mpeg4", "mp4", MPEG4, "mp4", without_composition_times),
    "mpeg4-mkv": ("mpeg4", "matroska", MPEG4, "mkv", None),
    "wmv2-wmv": ("wmv2", "asf", SIMPLE, "wmv", None),
    "mjpeg-avi": ("mjpeg", "avi", {"q:v": "3"}, "avi", None),
    "prores-mov": ("prores_ks", "mov", {}, "mov", None),
    "vp9-webm": ("libvpx-vp9", "webm", VP9, "webm", None),
    "vp9-mp4": ("libvpx-vp9", "mp4", VP9, "mp4", None),
    "av1-mkv": ("libsvtav1", "matroska", {"preset": "12", "g": "25"}, "mkv", None),
    "av1-mp4": ("libsvtav1", "mp4", {"preset": "12", "g": "25"}, "mp4", None),
}
QUICK = ("h264-avi", "h264-deep-no-ctts-mp4", "mpeg2-ps", "mpeg4-avi", "vp9-webm")
PIXELS = {"mjpeg": "yuvj420p", "h264-mxf": "yuv422p10le", "prores_ks": "yuv422p10le"}


def check(name: str, folder: Path) -> None:
    """Publish a film, and read every number and time back."""
    encoder, muxer, options, suffix, through = FILMS[name]
    first = folder / f"first.{suffix if through is None else 'part'}"
    source = encode(first, range(COUNT), encoder, muxer, options, PIXELS.get(name, PIXELS.get(encoder, "yuv420p")))
    if through is not None:
        source = through(first, folder / f"film.{suffix}")
    report = streamify.transcode(source, folder / "dest", **SETTINGS)
    (track,) = (one for one in report.tracks if one.kind == "video")
    shown = decode_track(folder / "dest", track.folder)
    assert [number for _, number in shown] == list(range(COUNT))
    late = [abs(time - Fraction(place, 25)) for place, (time, _) in enumerate(shown)]
    assert max(late) <= Fraction(1, 1000), late
    found = report.certificate
    assert (found.coded, found.promised, found.decoded, found.lost) == (COUNT, COUNT, COUNT, ())
    assert streamify.verify(folder / "dest", source).faults == ()


@pytest.mark.parametrize("name", QUICK)
def test_every_picture_once_in_order_at_its_time(name: str, tmp_path: Path) -> None:
    check(name, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in FILMS if name not in QUICK])
def test_every_combination(name: str, tmp_path: Path) -> None:
    check(name, tmp_path)
