"""Every picture once, in order and at its time, for combinations of codec, container, B-frames and reorder depth.

The films carry numbers, which are read back from the finished stream.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.containers import Chunk, chunks, packed, write_avi, write_vfw
from clips.identity import decode_track, pictures, read_id
from clips.numbered import SIZE, encode, remux, without_composition_times
from e2e.driving import rungs, verify

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

DIVX = MPEG4 | {"bf": "1"}
VP8 = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "12", "auto-alt-ref": "1", "b": "1M", "g": "25"}

_X265 = "bframes=4:b-adapt=0:b-pyramid=1:ref=4:open-gop=1:log-level=none:pools=none:frame-threads=1"
PYRAMID = {"preset": "ultrafast", "g": "50", "x265-params": _X265}

FIELDS = {"preset": "ultrafast", "g": "25"}
FIELDS["x265-params"] = "interlace=tff:bframes=2:log-level=none:pools=none:frame-threads=1"
"""Each picture is a field (pic_struct), and decoders give it out as one."""

Through = Callable[[Path, Path], Path] | None
"""What is done to a film after it was encoded."""


def packed_avi(film: Path, out: Path) -> Path:
    return write_avi(out, packed(chunks(film)), b"DIVX", SIZE)


def packed_ts(film: Path, out: Path) -> Path:
    """Give each packet the time of its place, as libxvid does; FFmpeg parses the pictures in them apart."""
    return remux(packed_avi(film, out.with_suffix(".avi")), out, "-bsf:v", "setts=pts=N*3600:dts=N*3600")


def packed_reckoned_ts(film: Path, out: Path) -> Path:
    """Let FFmpeg reckon times: two B pictures have the same one, and the anchor behind them is a picture early."""
    avi = packed_avi(film, out.with_suffix(".avi"))
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-fflags", "+genpts", "-i", str(avi), "-c", "copy"]
    subprocess.run([*command, str(out)], check=True, timeout=60)
    return out


def packed_vfw(film: Path, out: Path) -> Path:
    return write_vfw(out, packed(chunks(film)), b"DX50", SIZE)


def vfw(film: Path, out: Path) -> Path:
    """Write times of decoding into Matroska, as from AVI."""
    return write_vfw(out, chunks(film), b"DIVX", SIZE)


def h264_vfw(film: Path, out: Path) -> Path:
    plain = remux(film, out.with_suffix(".avi"), "-bsf:v", "h264_mp4toannexb")
    return write_vfw(out, chunks(plain), b"H264", SIZE)


def split_frames(film: Path, out: Path) -> Path:
    """Make packets of their own of the pictures that VP9 refers to and does not show."""
    return remux(film, out, "-bsf:v", "vp9_superframe_split")


def encoded(encoder: str, size: str = "320x240") -> Callable[[Path, Path], Path]:
    """Return what has the system's FFmpeg encode a film for containers that PyAV's does not write."""
    options = ("-q:v", "3", "-g", "25", "-strict", "-1", "-s", size)
    return lambda film, out: remux(film, out, "-c:v", encoder, *options)


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
    "mpeg4-packed-avi": ("mpeg4", "avi", DIVX, "avi", packed_avi),
    "mpeg4-packed-two-avi": ("mpeg4", "avi", MPEG4, "avi", packed_avi),
    "mpeg4-packed-ts": ("mpeg4", "avi", DIVX, "ts", packed_ts),
    "mpeg4-packed-two-ts": ("mpeg4", "avi", MPEG4, "ts", packed_ts),
    "mpeg4-packed-two-reckoned-ts": ("mpeg4", "avi", MPEG4, "ts", packed_reckoned_ts),
    "mpeg4-packed-vfw-mkv": ("mpeg4", "avi", DIVX, "mkv", packed_vfw),
    "mpeg4-vfw-mkv": ("mpeg4", "avi", MPEG4, "mkv", vfw),
    "h264-vfw-mkv": ("libx264", "mp4", X264, "mkv", h264_vfw),
    "h264-deep-vfw-mkv": ("libx264", "mp4", DEEP, "mkv", h264_vfw),
    "mpeg4-ts": ("mpeg4", "mpegts", MPEG4, "ts", None),
    "mpeg4-3gp": ("mpeg4", "3gp", SIMPLE, "3gp", None),
    "msmpeg4-avi": ("msmpeg4", "avi", SIMPLE, "avi", None),
    "wmv2-avi": ("wmv2", "avi", SIMPLE, "avi", None),
    "wmv1-wmv": ("wmv1", "asf", SIMPLE, "wmv", None),
    "flv1-flv": ("flv", "flv", SIMPLE, "flv", None),
    "mpeg2-mov": ("mpeg2video", "mov", MPEG2, "mov", None),
    "mpeg2-mp4": ("mpeg2video", "mp4", MPEG2, "mp4", None),
    "hevc-mov": ("libx265", "mov", X265, "mov", None),
    "hevc-pyramid-mkv": ("libx265", "matroska", PYRAMID, "mkv", None),
    "hevc-pyramid-ts": ("libx265", "mpegts", PYRAMID, "ts", None),
    "hevc-fields-ts": ("libx265", "mpegts", FIELDS, "ts", None),
    "hevc-fields-mp4": ("libx265", "mp4", FIELDS, "mp4", None),
    "hevc-flv": ("libx265", "flv", X265, "flv", None),
    "mjpeg-mov": ("mjpeg", "mov", {"q:v": "3"}, "mov", None),
    "mjpeg-mkv": ("mjpeg", "matroska", {"q:v": "3"}, "mkv", None),
    "prores-mkv": ("prores_ks", "matroska", {}, "mkv", None),
    "ffv1-mkv": ("ffv1", "matroska", {}, "mkv", None),
    "vp8-webm": ("libvpx", "webm", VP8, "webm", None),
    "vp9-split-webm": ("libvpx-vp9", "webm", VP9, "webm", split_frames),
    "av1-webm": ("libsvtav1", "webm", {"preset": "12", "g": "25"}, "webm", None),
    "rv10-rm": ("ffv1", "matroska", {}, "rm", encoded("rv10")),
    "rv20-rm": ("ffv1", "matroska", {}, "rm", encoded("rv20")),
    "vc2-ts": ("ffv1", "matroska", {}, "ts", encoded("vc2")),
    "mpeg2-gxf": ("ffv1", "matroska", {}, "gxf", encoded("mpeg2video", "720x576")),
    "mpeg2-wtv": ("mpeg2video", "mpegts", MPEG2, "wtv", remux),
    "av1-mp4": ("libsvtav1", "mp4", {"preset": "12", "g": "25"}, "mp4", None),
}
QUICK = ("h264-avi", "h264-deep-no-ctts-mp4", "mpeg2-ps", "mpeg4-packed-avi", "h264-vfw-mkv", "vp9-split-webm")
PIXELS = {"mjpeg": "yuvj420p", "h264-mxf": "yuv422p10le", "prores_ks": "yuv422p10le"}


def check(name: str, folder: Path, count: int = COUNT) -> None:
    """Publish a film, and read every number and time back."""
    encoder, muxer, options, suffix, through = FILMS[name]
    first = folder / f"first.{suffix if through is None else 'part'}"
    source = encode(first, range(count), encoder, muxer, options, PIXELS.get(name, PIXELS.get(encoder, "yuv420p")))
    if through is not None:
        source = through(first, folder / f"film.{suffix}")
    report = streamify.transcode(source, folder / "dest", **SETTINGS)
    (track,) = (one for one in report.tracks if one.kind == "video")
    shown = decode_track(folder / "dest", track.folder)
    fields = 2 if options is FIELDS else 1  # of a picture, each of which is shown
    assert [number for _, number in shown] == [number for number in range(count) for _ in range(fields)]
    late = [abs(time - Fraction(place, 25 * fields)) for place, (time, _) in enumerate(shown)]
    assert max(late) <= Fraction(1, 1000), late
    found = report.certificate
    assert (found.coded, found.promised, found.decoded, found.lost) == (count, count, count, ())
    assert verify(folder / "dest", source).faults == ()


@pytest.mark.parametrize("name", QUICK)
def test_every_picture_once_in_order_at_its_time(name: str, tmp_path: Path) -> None:
    check(name, tmp_path)


@pytest.mark.parametrize("count", [COUNT, COUNT + 1])
def test_the_last_picture_may_be_half_a_picture_early(count: int, tmp_path: Path) -> None:
    """FFmpeg gives it that time where a tick of the file is a field."""
    check("mpeg2-avi", tmp_path, count)


def test_empty_chunks_of_an_avi_are_no_pictures(tmp_path: Path) -> None:
    given = chunks(encode(tmp_path / "film.part", range(COUNT), "mjpeg", "avi", {"q:v": "3"}, "yuvj420p"))
    empty = {10, 11, 40, 73}
    source = write_avi(
        tmp_path / "film.avi", [Chunk(b"") if at in empty else one for at, one in enumerate(given)], b"MJPG", SIZE
    )
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    (track,) = report.tracks
    shown = decode_track(tmp_path / "dest", track.folder)
    assert [number for _, number in shown] == [at for at in range(COUNT) if at not in empty]
    assert all(abs(time - Fraction(number or 0, 25)) <= Fraction(1, 1000) for time, number in shown)
    assert (track.duration, report.certificate.lost) == (Fraction(COUNT, 25), ())
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.long
def test_packed_pictures_that_decoders_do_not_show_are_named(tmp_path: Path) -> None:
    """Three pictures in a chunk; an empty one missing before an anchor, and before a sequence header."""
    options = {"bf": "2", "b_strategy": "0", "g": "12", "sc_threshold": "1000000000", "q:v": "3"}
    given = packed(chunks(encode(tmp_path / "film.part", range(50), "mpeg4", "avi", options)))
    three = Chunk(given[4].data + given[5].data)
    source = write_avi(
        tmp_path / "film.avi", [*given[:4], three, given[6], *given[6:15], *given[16:21], *given[22:]], b"DIVX", SIZE
    )
    raw = remux(source, tmp_path / "film.nut", "-c:v", "rawvideo", "-fps_mode", "passthrough", "-enc_time_base", "1/25")
    expected = [(time, read_id(picture)) for time, picture in pictures(raw)]
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    (track,) = report.tracks
    shown = decode_track(tmp_path / "dest", track.folder)
    assert [number for _, number in shown] == [number for _, number in expected]
    late = [one[0] - other[0] + expected[0][0] for one, other in zip(shown, expected, strict=True)]
    assert max(map(abs, late)) <= Fraction(1, 1000)
    found = report.certificate
    assert (found.coded, found.left_out, found.decoded, len(found.lost)) == (50, 4, len(expected), 46 - len(expected))
    assert any("4 pictures of packed MPEG-4, at " in note.what for note in report.notes if note.kind == "damaged")
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in FILMS if name not in QUICK])
def test_every_combination(name: str, tmp_path: Path) -> None:
    check(name, tmp_path)
