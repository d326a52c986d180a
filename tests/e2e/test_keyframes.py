"""Decoding begins only where it can: wrong marks of keyframes, and palettes that come with the first packet."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import streamify
from clips.identity import decode_track, pictures, read_id
from clips.joined_sound import ffmpeg
from clips.numbered import encode, remux
from e2e.driving import rungs, verify
from selection import sample

COUNT = 60
SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(144), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast"
}  # fmt: skip


def check(source: Path, dest: Path) -> list[str]:
    """Publish a film and read its numbers back; return what its notes say."""
    report = streamify.transcode(source, dest, **SETTINGS)
    (track,) = report.tracks
    assert [number for _, number in decode_track(dest, track.folder)] == list(range(COUNT))
    assert verify(dest, source).faults == ()
    return [note.what for note in report.notes]


def test_pictures_that_are_wrongly_marked_as_keyframes(tmp_path: Path) -> None:
    film = encode(tmp_path / "film.mov", range(COUNT), "qtrle", "mov", {"g": "12"}, "rgb24")
    assert "every task decodes from the first picture on" not in check(film, tmp_path / "right")
    data = film.read_bytes()
    assert data.count(b"stss") == 1
    film.write_bytes(data.replace(b"stss", b"free"))  # without it every sample is one (ISO/IEC 14496-12, 8.6.2)
    assert "every task decodes from the first picture on" in check(film, tmp_path / "dest")


def test_a_cut_open_group_in_front_of_time_zero(tmp_path: Path) -> None:
    """FFmpeg gives no times that are negative in Matroska, also of pictures that decode."""
    options = {"preset": "ultrafast", "g": "24", "bf": "3", "x264-params": "open-gop=1:b-adapt=0:scenecut=0"}
    film = encode(tmp_path / "film.mp4", range(COUNT), "libx264", "mp4", options)
    source = tmp_path / "film.mkv"
    ffmpeg("-ss", "1.3", "-i", film, "-c", "copy", "-avoid_negative_ts", "disabled", source)
    raw = remux(source, tmp_path / "film.nut", "-c:v", "rawvideo", "-vf", "setpts=N", "-fps_mode", "passthrough")
    expected = [read_id(picture) for _, picture in pictures(raw)]
    assert expected[-1] == COUNT - 1
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    shown = decode_track(tmp_path / "dest", report.tracks[0].folder)
    assert [number for _, number in shown] == expected
    assert max(abs(time - Fraction(place, 25)) for place, (time, _) in enumerate(shown)) <= Fraction(1, 500)
    assert verify(tmp_path / "dest", source).faults == ()


INDEXED = {"smc.mov": "smc", "raw.avi": "rawvideo", "raw.mov": "rawvideo", "qtrle.mov": "qtrle"}


@pytest.mark.parametrize("name", sample(INDEXED, "smc.mov"))
def test_indexed_pictures_keep_their_palette_in_every_segment(name: str, tmp_path: Path) -> None:
    film = encode(tmp_path / "film.mkv", range(COUNT), "ffv1", "matroska", {})
    source = remux(film, tmp_path / name, "-c:v", INDEXED[name], "-pix_fmt", "pal8")
    check(source, tmp_path / "dest")


def test_a_palette_that_changes_midway(tmp_path: Path) -> None:
    """The pictures are compared with FFmpeg's of a pass from the start; greys, which no matrix changes."""
    source = tmp_path / "film.avi"
    grey = "hue=s=0,negate=enable='gt(n,24)'"
    palettes = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=none"
    ffmpeg("-f", "lavfi", "-i", "smptebars=s=192x144:r=25:d=3", "-vf", f"{grey},{palettes}", "-c:v", "rawvideo",
           "-pix_fmt", "pal8", source)  # fmt: skip
    part: dict[str, Any] = {**SETTINGS, "from": 2}
    report = streamify.transcode(source, tmp_path / "dest", **part)
    assert any("the palette of its colours changes" in note.why for note in report.notes)
    assert verify(tmp_path / "dest", source).faults == ()


def test_colours_of_a_palette(tmp_path: Path) -> None:
    """Bars of 75 % as FFmpeg shows them of the source."""
    source, shown = tmp_path / "film.avi", tmp_path / "shown.mp4"
    ffmpeg("-f", "lavfi", "-i", "smptebars=s=192x144:r=25:d=1", "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse",
           "-c:v", "rawvideo", "-pix_fmt", "pal8", source)  # fmt: skip
    (track,) = streamify.transcode(source, tmp_path / "dest", **SETTINGS).tracks
    folder = tmp_path / "dest" / track.folder
    shown.write_bytes((folder / "init.mp4").read_bytes() + (folder / "00000.m4s").read_bytes())
    places = [(60, x) for x in range(13, 192, 27)]
    wanted, found = (np.array([rgb(film)[place] for place in places], np.int16) for film in (source, shown))
    assert np.abs(wanted - found).max() <= 4
    assert verify(tmp_path / "dest", source).faults == ()


def rgb(film: Path) -> npt.NDArray[np.uint8]:
    """Return the first picture as the system's FFmpeg shows it."""
    command = ["ffmpeg", "-v", "error", "-i", str(film), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    return np.frombuffer(data, np.uint8).reshape(144, 192, 3)
