"""An upload that was cut off is refused by default, at once; with a higher `loss_limit` the stream is what is there."""

from __future__ import annotations

import re
import struct
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

import streamify
from clips.identity import decode_track
from clips.numbered import encode, remux
from e2e.driving import published, rungs, verify
from selection import sample
from stores import split
from streamify.errors import SourceError, TasksFailed
from streamify.model.report import Report

COUNT = 200
SECONDS = COUNT / 25
SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(144), "segment_seconds": 2, "keyframe_seconds": 1, "preset": "ultrafast"
}  # fmt: skip
X264 = {"preset": "ultrafast", "bf": "2", "g": "25", "x264-params": "b-adapt=0"}
VP8 = {"deadline": "realtime", "cpu-used": "8", "b": "400k", "g": "25"}
FRONT = ("-movflags", "+faststart")
FILMS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "mp4": ("libx264", X264, ("-c:a", "aac", *FRONT)),
    "mov": ("libx264", X264, ("-c:a", "pcm_s16le", *FRONT)),
    "mkv": ("libx264", X264, ("-c:a", "aac")),
    "avi": ("libx264", X264, ("-c:v", "mpeg4", "-q:v", "3", "-g", "25", "-c:a", "libmp3lame")),
    "webm": ("libvpx", VP8, ("-c:a", "libopus")),
    "frag.mp4": ("libx264", X264, ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov")),
}
LONG = ("mov", "mkv", "avi", "webm", "frag.mp4")


def film(folder: Path, kind: str) -> Path:
    """Write 8 s of numbered pictures with a tone."""
    encoder, options, more = FILMS[kind]
    pictures = encode(folder / "pictures.mkv", range(COUNT), encoder, "matroska", options)
    tone = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}")
    out = folder / f"film.{kind}"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(pictures), *tone, "-map", "0", "-map", "1"]
    subprocess.run([*command, "-c:v", "copy", *more, str(out)], check=True, timeout=60)
    return out


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def packets(path: Path, kind: str) -> int:
    """Return how many packets the system's FFmpeg reads of one kind, the one that is cut off included."""
    command = ["ffprobe", "-v", "quiet", "-select_streams", kind, "-count_packets", "-show_entries"]
    command += ["stream=nb_read_packets", "-of", "csv=p=0", str(path)]
    return int(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split(",")[0])


def noted(report: Report) -> float:
    """Return for how many seconds notes say that there are no pictures."""
    found = [re.match(r"no pictures for ([\d.]+) s", note.what) for note in report.notes if note.kind == "damaged"]
    return sum(float(one[1]) for one in found if one)


def sound_of(report: Report) -> float:
    (length,) = (float(one.duration) for one in report.tracks if one.kind == "audio")
    return length


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.long] if kind in LONG else []) for kind in FILMS]
)
def test_what_is_there_becomes_a_stream_where_that_is_asked_for(kind: str, tmp_path: Path) -> None:
    source = cut(film(tmp_path, kind), 0.55)
    whole = kind == "frag.mp4"  # nothing in it says how long it would be, but for the fragment that is cut off
    if not whole:
        with pytest.raises(SourceError, match=r"bytes are missing, [34]\.\d+ s of (8\.0|7\.9)") as caught:
            streamify.transcode(source, tmp_path / "refused", **SETTINGS)
        assert (caught.value.code, caught.value.exit_code) == ("source-truncated", 3)
        assert "--loss-limit 100" in caught.value.hint
        assert not (tmp_path / "refused").exists() or published(tmp_path / "refused") == []
    with pytest.raises(SourceError) as caught:
        split(source, strict=True, loss_limit=100)
    assert caught.value.code == "source-truncated"
    report = streamify.transcode(source, tmp_path / "dest", loss_limit=100, **SETTINGS)
    (track,) = (one for one in report.tracks if one.kind == "video")
    shown = decode_track(tmp_path / "dest", track.folder)
    count = packets(source, "v")
    # FFmpeg's muxer of AVI leaves a chunk empty behind the first picture.
    late = Fraction(kind == "avi", 25)
    right = [n for time, n in shown if n is not None and abs(time - Fraction(n, 25) - late * (n > 0)) < 0.002]
    assert right == sorted(set(right))
    # The last one may be cut off, and those shown before it are decoded behind it.
    assert count - 4 <= len(right) <= count, (count, shown)
    assert set(range(count - 4)) <= set(right)
    assert sound_of(report) == pytest.approx(len(shown) / 25, abs=0.3)
    assert noted(report) == pytest.approx(SECONDS - len(shown) / 25, abs=0.1) or whole
    assert any("bytes are missing at the end" in note.what for note in report.notes if note.kind == "damaged")
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.parametrize("kind", ["mp4", pytest.param("mkv", marks=pytest.mark.long)])
def test_within_the_limit_it_goes_on_and_says_so(kind: str, tmp_path: Path) -> None:
    source = cut(film(tmp_path, kind), 0.9)
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert 0 < noted(report) < 2
    assert any("bytes are missing at the end" in note.what for note in report.notes if note.kind == "damaged")
    assert verify(tmp_path / "dest", source).faults == ()
    with pytest.raises(SourceError) as caught:
        split(source, strict=True)
    assert caught.value.code == "source-truncated"


def pictures_first(folder: Path) -> Path:
    """Write an MP4 with all of its pictures in front of all of its sound."""
    out = folder / "film.mp4"
    with (
        av.open(str(film(folder, "mp4").rename(folder / "mixed.mp4"))) as source,
        av.open(str(out), "w", options={"movflags": "faststart", "max_interleave_delta": "1"}) as target,
    ):
        streams = [target.add_stream_from_template(one) for one in source.streams]
        for packet in sorted((one for one in source.demux() if one.dts is not None), key=lambda one: one.stream_index):
            packet.stream = streams[packet.stream_index]
            target.mux(packet)
    return out


@pytest.mark.long
@pytest.mark.parametrize("share", [0.5, pytest.param(0, marks=pytest.mark.long)])
def test_sound_that_is_missing_counts_as_pictures_do(share: float, tmp_path: Path) -> None:
    source = pictures_first(tmp_path)
    with av.open(str(source)) as container:
        begin = container.streams.audio[0].index_entries[0].pos
    rest = source.stat().st_size - begin
    cut(source, (begin + share * rest) / source.stat().st_size)
    with pytest.raises(SourceError) as caught:
        split(source)
    assert caught.value.code == "source-truncated"
    report = streamify.transcode(source, tmp_path / "dest", loss_limit=100, **SETTINGS)
    assert any("no sound for" in note.what for note in report.notes if note.kind == "damaged"), report.notes
    assert len(report.tracks) == 2
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.parametrize("kind", sample(["m4a", "wav"], "m4a"))
def test_sound_alone(kind: str, tmp_path: Path) -> None:
    source = tmp_path / f"a.{kind}"
    more = FRONT if kind == "m4a" else ()
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "sine=sample_rate=48000:duration=10", *more]
    subprocess.run([*command, source], check=True, timeout=60)
    cut(source, 0.55)
    with pytest.raises(SourceError, match=r"s of (10\.0|9\.99)") as caught:
        split(source)
    assert caught.value.code == "source-truncated"
    report = streamify.transcode(source, tmp_path / "dest", loss_limit=100, **SETTINGS | {"ladder": "auto"})
    held = packets(source, "a") * 1024 / 48000 if kind == "m4a" else (source.stat().st_size - 78) / 96000
    assert sound_of(report) == pytest.approx(held, abs=0.06)
    assert any("bytes are missing at the end" in note.what for note in report.notes)
    assert verify(tmp_path / "dest", source).faults == ()


def with_size(source: Path, sample: int, size: int) -> Path:
    """Change one entry of the first stsz of an MP4 (ISO/IEC 14496-12, 8.7.3.2)."""
    data = bytearray(source.read_bytes())
    struct.pack_into(">I", data, data.index(b"stsz") + 16 + 4 * sample, size)
    source.write_bytes(data)
    return source


def test_one_sample_that_is_said_to_reach_beyond_the_file_is_lost_alone(tmp_path: Path) -> None:
    source = with_size(film(tmp_path, "mp4"), 100, 10_000_000)
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    (track,) = (one for one in report.tracks if one.kind == "video")
    shown = decode_track(tmp_path / "dest", track.folder)
    right = {number for time, number in shown if number is not None and abs(time - Fraction(number, 25)) < 0.002}
    assert len(set(range(COUNT)) - right) <= 25  # to the next keyframe
    assert len(shown) >= COUNT - 1
    assert [note for note in report.notes if note.kind == "damaged"]
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.long
def test_what_ffmpeg_does_not_show_behind_an_impossible_size_is_named(tmp_path: Path) -> None:
    """FFmpeg's index ends at a sample of more than a gigabyte."""
    source = with_size(film(tmp_path, "mp4"), 100, 0x7FFFFFFF)
    with pytest.raises(TasksFailed) as caught:
        streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert caught.value.failures[0].code == "too-many-lost"
    report = streamify.transcode(source, tmp_path / "other", loss_limit=100, **SETTINGS)
    assert noted(report) == pytest.approx(4, abs=0.1)
    assert verify(tmp_path / "other", source).faults == ()


def test_what_comes_before_a_fragment_whose_header_is_cut_off_is_a_stream(tmp_path: Path) -> None:
    """FFmpeg refuses all of such a file."""
    pictures = encode(tmp_path / "pictures.mp4", range(50), "libx264", "mp4", X264)
    source = remux(pictures, tmp_path / "film.mp4", "-movflags", "frag_keyframe+empty_moov")
    data = source.read_bytes()
    source.write_bytes(data[: data.rindex(b"moof") + 100])
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    (track,) = report.tracks
    assert [number for _, number in decode_track(tmp_path / "dest", track.folder)] == list(range(25))
    assert any(note.kind == "damaged" and note.why == "the file was cut off" for note in report.notes)
    assert verify(tmp_path / "dest", source).faults == ()
