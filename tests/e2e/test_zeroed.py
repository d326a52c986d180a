"""A stretch of the source is overwritten with zeros: the stream goes on, and what is lost is named with its time."""

from __future__ import annotations

import random
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

import streamify
from clips.identity import decode_track
from clips.numbered import encode, remux
from e2e.driving import published, rungs, verify
from stores import split
from streamify.errors import SourceError, TasksFailed
from streamify.model.source import Note

COUNT = 200
SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(144), "segment_seconds": 2, "keyframe_seconds": 1, "preset": "ultrafast"
}  # fmt: skip
X264 = {"preset": "ultrafast", "bf": "2", "g": "25", "x264-params": "b-adapt=0"}
VP9 = {"deadline": "realtime", "cpu-used": "8", "b": "300k", "g": "25"}
MPEG2 = {"bf": "2", "g": "12", "q:v": "3", "qmax": "6"}
FILMS: dict[str, tuple[str, str, dict[str, str]]] = {
    "mkv": ("libx264", "matroska", X264),
    "webm": ("libvpx-vp9", "webm", VP9),
    "mp4": ("libx264", "mp4", X264),
    "ts": ("libx264", "mpegts", X264),
    "flv": ("libx264", "flv", X264),
    "mpg": ("mpeg2video", "vob", MPEG2),
    "avi": ("libx264", "mp4", X264),
    "wmv": ("libx264", "mp4", X264),
}
LONG = ("mkv", "webm", "flv", "mpg", "avi", "wmv")


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.long] if name in LONG else []) for name in FILMS])
def film(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A film of 8 s in each container."""
    encoder, muxer, options = FILMS[request.param]
    if request.param in ("avi", "wmv"):
        first = encode(tmp_path / "first.mp4", range(COUNT), encoder, muxer, options)
        return remux(first, tmp_path / f"film.{request.param}")
    return encode(tmp_path / f"film.{request.param}", range(COUNT), encoder, muxer, options)


def zero(film: Path, share: float) -> None:
    """Overwrite a share of a file, from its middle on, with zeros."""
    data = bytearray(film.read_bytes())
    first = len(data) // 2
    length = int(len(data) * share)
    data[first : first + length] = bytes(length)
    film.write_bytes(data)


def named(notes: tuple[Note, ...]) -> list[tuple[float, float]]:
    """Return the times that notes of damage name, from and to."""
    found = []
    for note in notes:
        if note.kind == "damaged":
            if span := re.search(r"from ([\d.]+) s to ([\d.]+) s", note.what):
                found.append((float(span[1]), float(span[2])))
            elif gap := re.search(r"no pictures for ([\d.]+) s at ([\d.]+) s", note.what):
                found.append((float(gap[2]), float(gap[1]) + float(gap[2])))
            elif at := re.search(r"at ([\d.]+) s", note.what):
                found.append((float(at[1]), float(at[1])))
    return found


def at_its_time(time: Fraction, number: int, later: int) -> bool:
    return abs(time - Fraction(number - later, 25)) < Fraction(1, 500)


def test_the_stream_goes_on_and_every_wrong_picture_is_named(film: Path, tmp_path: Path) -> None:
    zero(film, 0.05)
    report = streamify.transcode(film, tmp_path / "dest", **SETTINGS)
    (track,) = (one for one in report.tracks if one.kind == "video")
    shown = decode_track(tmp_path / "dest", track.folder)
    # The times of AVI are counted by its chunks: behind some that are gone all comes earlier, sound as well.
    by_time = film.suffix != ".avi"
    assert len(shown) > COUNT * 4 / 5
    spans = named(report.notes)
    later = 0 if by_time else COUNT - len(shown)
    right = [
        number
        for time, number in shown
        if number is not None and at_its_time(time, number, later * (number > COUNT / 2))
    ]
    assert right == sorted(set(right))
    assert (right[0], right[-1]) == (0, COUNT - 1)
    for time, number in shown:
        if number not in right:
            assert any(first - 0.05 <= time <= last + 0.05 for first, last in spans), (float(time), report.notes)
    if by_time:
        gone = set(range(COUNT)).difference(right)
        assert all(any(first - 0.05 <= at / 25 <= last + 0.05 for first, last in spans) for at in gone), report.notes
    else:
        assert any(
            note.what.startswith(("pictures are missing at 3.8", "pictures are missing at 3.9"))
            for note in report.notes
        ), report.notes
    assert abs(track.duration - (8 if by_time else Fraction(len(shown), 25))) < 0.05
    assert verify(tmp_path / "dest", film).faults == ()


def test_beyond_the_limit_nothing_is_published(film: Path, tmp_path: Path) -> None:
    zero(film, 0.4)
    with pytest.raises(TasksFailed) as caught:
        streamify.transcode(film, tmp_path / "dest", **SETTINGS)
    assert caught.value.exit_code == 4
    assert published(tmp_path / "dest") == []
    report = streamify.transcode(film, tmp_path / "other", loss_limit=90, **SETTINGS | {"segment_seconds": 8})
    assert published(tmp_path / "other")
    assert named(report.notes)


def test_strict_refuses_it_before_the_work(film: Path, tmp_path: Path) -> None:
    zero(film, 0.05)
    if film.suffix == ".mp4":  # its samples are not read before they are decoded
        with pytest.raises(TasksFailed) as caught:
            streamify.transcode(film, tmp_path / "dest", strict=True, **SETTINGS)
        assert [one.code for one in caught.value.failures] == ["too-many-lost"]
        assert published(tmp_path / "dest") == []
        return
    with pytest.raises(SourceError, match="is not complete"):
        split(film, strict=True)


def test_what_lies_behind_a_broken_fragment_is_named(tmp_path: Path) -> None:
    first = encode(tmp_path / "first.mp4", range(COUNT), "libx264", "mp4", X264)
    film = remux(first, tmp_path / "film.mp4", "-movflags", "frag_keyframe+empty_moov")
    data = bytearray(film.read_bytes())
    at = data.index(b"moof", len(data) // 2) - 4
    data[at : at + 64] = bytes(64)
    film.write_bytes(data)
    gap = split(film).source.gaps[-1]
    assert gap.damage
    assert abs(float(gap.start + gap.seconds) - COUNT / 25) < 0.5
    with pytest.raises(TasksFailed):
        streamify.transcode(film, tmp_path / "dest", **SETTINGS)


@pytest.mark.parametrize("how", ["noise", "cut out"])
def test_a_short_hole_in_a_program_stream_is_named_with_its_length(how: str, tmp_path: Path) -> None:
    film = encode(tmp_path / "film.mpg", range(75), "mpeg2video", "vob", MPEG2 | {"q:v": "1", "qmin": "1", "qmax": "1"})
    whole = film.read_bytes()
    first, length = len(whole) * 2 // 5 + 777, len(whole) // 25
    hole = random.Random(1).randbytes(length) if how == "noise" else b""
    film.write_bytes(whole[:first] + hole + whole[first + length :])
    times = packet_times(film)  # FFmpeg's
    missing = [(Fraction(a + 1, 25), Fraction(b - a - 1, 25)) for a, b in pairwise(times) if b > a + 1]
    assert 0 < sum(length for _, length in missing) < Fraction(1, 4)
    gaps = split(film).source.gaps
    assert [(one.start, one.seconds) for one in gaps] == missing
    assert all(one.damage and "cannot be read" in one.why for one in gaps)


def packet_times(film: Path) -> list[int]:
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        times = sorted(one.pts for one in container.demux(stream) if one.pts is not None)
        tick = stream.time_base or Fraction(0)
    return [round((one - times[0]) * tick * 25) for one in times]
