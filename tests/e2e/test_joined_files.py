"""Recordings that were joined byte by byte: every picture of both, in the order of the file."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

import streamify
from clips.identity import decode_track
from clips.numbered import encode, remux
from e2e.driving import rungs, verify
from streamify.errors import SourceError
from streamify.media.source.first_picture import first_shown
from streamify.model.report import Report
from streamify.model.source import VideoFacts

pytestmark = pytest.mark.long

COUNT = 50
SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(144), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast"
}  # fmt: skip
OPTIONS = {"preset": "veryfast", "bf": "2", "g": "25", "x264-params": "b-adapt=0"}


def joined(folder: Path, suffix: str, *second: str, first: int = COUNT) -> Path:
    """Return two films in one file; the options are those with which the second is muxed."""
    parts = []
    for place, options in enumerate(((), second)):
        numbers = range(place * 100, place * 100 + (COUNT if place else first))
        film = encode(folder / f"{place}.mp4", numbers, "libx264", "mp4", OPTIONS)
        parts.append(remux(film, folder / f"{place}.{suffix}", *options).read_bytes())
    source = folder / f"film.{suffix}"
    source.write_bytes(b"".join(parts))
    return source


def published(source: Path, dest: Path) -> tuple[Report, list[int]]:
    """Return the report of a stream that agrees with its source, and the numbers of its pictures."""
    report = streamify.transcode(source, dest, **SETTINGS)
    verify(dest, source)
    (track,) = (one for one in report.tracks if one.kind == "video")
    return report, [number for _, number in decode_track(dest, track.folder) if number is not None]


def test_two_matroska_files(tmp_path: Path) -> None:
    """Each has a Segment of its own; a cut of the first one ends where it ends."""
    _, numbers = published(joined(tmp_path, "mkv"), tmp_path / "dest")
    assert numbers == [*range(COUNT), *range(100, 100 + COUNT)]


def test_pids_that_change_where_the_clock_starts_anew(tmp_path: Path) -> None:
    """FFmpeg gives the last picture of the first PID at the end of the file, where it would be another one."""
    report, numbers = published(joined(tmp_path, "ts", "-streamid", "0:300"), tmp_path / "dest")
    assert len(numbers) == 2 * COUNT - 1
    assert set(numbers) < {*range(COUNT), *range(100, 100 + COUNT)}
    assert numbers == sorted(set(numbers))
    assert any(note.what == "1 picture whose packets come long after their time" for note in report.notes)


@pytest.mark.parametrize("apart", [0, 3600])
def test_a_clock_that_is_set_among_the_first_pictures(apart: int, tmp_path: Path) -> None:
    """Most of the pictures by which `verify --source` finds where a film begins come behind it."""
    first = 15
    source = joined(tmp_path, "ts", "-output_ts_offset", str(apart), first=first)
    assert first_shown(lambda: source.open("rb"), facts(source), None) == facts(source).first * facts(source).time_base
    _, numbers = published(source, tmp_path / "dest")
    assert numbers == [*range(first), *range(100, 100 + COUNT)]


@pytest.mark.parametrize(("apart", "begin"), [(0, 5), (0, 30), (3600, 30)])
def test_a_part_of_a_film_whose_first_recording_is_short(apart: int, begin: int, tmp_path: Path) -> None:
    """The join is among the first pictures, behind the part's beginning or in front of it."""
    first = 15
    source = joined(tmp_path, "ts", "-output_ts_offset", str(apart), first=first)
    report = streamify.transcode(source, tmp_path / "dest", from_=(begin - 0.5) / 25, **SETTINGS)
    assert verify(tmp_path / "dest", source).faults == ()
    shown = [number for _, number in decode_track(tmp_path / "dest", report.tracks[0].folder)]
    assert shown == [*range(first), *range(100, 100 + COUNT)][begin:]


@pytest.mark.parametrize(("suffix", "files"), [("flv", 2), ("mkv", 3)])
def test_joined_files_that_are_not_read_to_their_end_are_refused(suffix: str, files: int, tmp_path: Path) -> None:
    """FFmpeg ends in front of the last one; of two seconds or less it was a gap that is allowed."""
    source = joined(tmp_path, suffix)
    border = sum((tmp_path / f"{number}.{suffix}").stat().st_size for number in range(2)[: files - 1])
    source.write_bytes(source.read_bytes() + (tmp_path / f"1.{suffix}").read_bytes() * (files - 2))
    with pytest.raises(SourceError, match=f"what begins at byte {border} is not read") as caught:
        streamify.probe(source)
    assert caught.value.code == "source-joined"


@pytest.mark.parametrize(
    ("encoder", "counts", "sound"),
    [("libx264", (10, 3, 60), "aac"), ("libx265", (3, 5, 10), "mp2"), ("mpeg2video", (5, 5, 5, 5, 5), "ac3")],
)
def test_recordings_of_less_than_half_a_second(
    encoder: str, counts: tuple[int, ...], sound: str, tmp_path: Path
) -> None:
    """Their clocks fall by as little as jitter does; what tells is the transport stream itself. The tones sweep."""
    options = {"g": "25", "bf": "2"} | ({"x265-params": "bframes=2:log-level=none"} if encoder == "libx265" else {})
    data = b""
    expected: list[int] = []
    for place, count in enumerate(counts):
        expected += range(place * 100, place * 100 + count)
        film = encode(tmp_path / "part.mkv", range(place * 100, place * 100 + count), encoder, "matroska", options)
        tone = f"aevalsrc=0.4*sin(2*PI*t*({300 * place + 300}+200*t)):s=48000:d={count / 25}"
        command: list[str | Path] = [
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-i",
            film,
            "-f",
            "lavfi",
            "-i",
            tone,
            "-map",
            "0",
            "-map",
            "1",
        ]
        command += ["-c:v", "copy", "-c:a", sound, "-strict", "-2", tmp_path / "part.ts"]
        subprocess.run(command, check=True, timeout=60)
        data += (tmp_path / "part.ts").read_bytes()
    source = tmp_path / "film.ts"
    source.write_bytes(data)
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert verify(tmp_path / "dest", source).faults == ()
    shown = decode_track(tmp_path / "dest", report.tracks[0].folder)
    assert [number for _, number in shown] == expected
    assert max(abs(time - Fraction(at, 25)) for at, (time, _) in enumerate(shown)) < Fraction(1, 1000)
    assert len(report.source.breaks) == len(counts) - 1


@pytest.mark.parametrize(("suffix", "counts"), [("mp4", (10, 1, 12, 60)), ("vob", (12, 5, 2, 30)), ("mkv", (5, 40))])
def test_short_recordings_in_other_containers(suffix: str, counts: tuple[int, ...], tmp_path: Path) -> None:
    """FFmpeg reads every part of fragmented MP4 and has no decoder show those behind the first one."""
    encoder = "mpeg2video" if suffix == "vob" else "libx264"
    parts = []
    for place, count in enumerate(counts):
        numbers = range(place * 100, place * 100 + count)
        options = {"g": "25", "bf": "0"} if suffix == "vob" else OPTIONS
        film = encode(tmp_path / "film.mkv", numbers, encoder, "matroska", options)
        made = ("-movflags", "frag_keyframe+empty_moov+default_base_moof") if suffix == "mp4" else ()
        parts.append(remux(film, tmp_path / f"part.{suffix}", *made).read_bytes())
    source = tmp_path / f"joined.{suffix}"
    source.write_bytes(b"".join(parts))
    report, shown = published(source, tmp_path / "dest")
    assert shown == [place * 100 + number for place, count in enumerate(counts) for number in range(count)]
    assert len(report.source.breaks) == len(counts) - 1
    assert [note.what for note in report.notes if note.kind == "damaged"] == []


def facts(source: Path) -> VideoFacts:
    video = streamify.probe(source).video
    assert video is not None
    return video


@pytest.mark.parametrize("rates", [(25, 50), (50, 25)])
def test_the_last_picture_before_a_join_lasts_as_long_as_those_before_it(
    rates: tuple[int, int], tmp_path: Path
) -> None:
    """Most pictures of the file are of the other rate."""
    counts = (40, 100)
    parts = []
    for place, (rate, count) in enumerate(zip(rates, counts, strict=True)):
        numbers = range(place * 100, place * 100 + count)
        film = encode(tmp_path / f"{place}.mp4", numbers, "libx264", "mp4", OPTIONS, rate=Fraction(rate))
        parts.append(remux(film, tmp_path / f"{place}.ts").read_bytes())
    source = tmp_path / "film.ts"
    source.write_bytes(b"".join(parts))
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert verify(tmp_path / "dest", source).faults == ()
    shown = decode_track(tmp_path / "dest", report.tracks[0].folder)
    late = Fraction(counts[0], rates[0])
    changed = f"{rates[1]} pictures per second from {float(late):.3f} s on, no longer {rates[0]}"
    assert [note.what for note in report.notes if "per second" in note.what] == [changed]
    expected = [(Fraction(at, rates[0]), at) for at in range(counts[0])]
    expected += [(late + Fraction(at, rates[1]), 100 + at) for at in range(counts[1])]
    assert [number for _, number in shown] == [number for _, number in expected]
    assert max(abs(time - wanted) for (time, _), (wanted, _) in zip(shown, expected, strict=True)) < Fraction(1, 1000)


@pytest.mark.parametrize("length", ["0.4", "1"])
def test_sound_of_many_short_recordings_stays_in_step(length: str, tmp_path: Path) -> None:
    """AAC of each part begins before its pictures and ends behind them: up to 45 ms more sound, ten times."""
    source = tmp_path / "film.ts"
    with source.open("wb") as file:
        for number in range(10):
            tone = f"aevalsrc=0.4*sin(2*PI*t*({300 + 40 * number}+200*t)):s=48000:d={length}"
            command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"testsrc=96x64:25:d={length}"]
            command += ["-f", "lavfi", "-i", tone, "-c:v", "mpeg2video", "-bf", "0", "-c:a", "aac", "-f", "mpegts", "-"]
            file.write(subprocess.run(command, check=True, timeout=60, stdout=subprocess.PIPE).stdout)
    streamify.transcode(source, tmp_path / "dest", **{**SETTINGS, "ladder": rungs(64), "strict": True})
    verify(tmp_path / "dest", source)


def test_a_last_picture_with_a_wild_time_keeps_its_place(tmp_path: Path) -> None:
    """Of the pictures decoded, it is not the last one shown: it came behind another, which was lost."""
    plain = encode(tmp_path / "plain.ts", range(COUNT), "libx264", "mpegts", OPTIONS)
    source = tmp_path / "film.ts"
    with av.open(str(plain)) as given, av.open(str(source), "w") as out:
        stream = out.add_stream_from_template(given.streams.video[0])
        packets = [packet for packet in given.demux(video=0) if packet.dts is not None]
        packets[-1].pts, packets[-1].dts = ((one or 0) + 500 * 90_000 for one in (packets[-1].pts, packets[-1].dts))
        for packet in packets:
            packet.stream = stream
            out.mux(packet)
    report, numbers = published(source, tmp_path / "dest")
    assert numbers == [*range(COUNT)]
    assert any(note.what.startswith("1 wild timestamp, at 1.9") for note in report.notes)


def chained(folder: Path, *parts: tuple[str, ...]) -> Path:
    """Return films of Theora laid end to end, each encoded with options of its own."""
    film = encode(folder / "film.mkv", range(30), "ffv1", "matroska", {})
    source = folder / "film.ogv"
    encoder = ("-c:v", "libtheora", "-q:v", "7", "-g", "12")
    made = [remux(film, folder / f"{place}.ogv", *encoder, *options) for place, options in enumerate(parts)]
    source.write_bytes(b"".join(part.read_bytes() for part in made))
    return source


@pytest.mark.parametrize("parts", [((), ("-q:v", "2", "-s", "480x270")), ((), (), ())])
def test_chained_theora(parts: tuple[tuple[str, ...], ...], tmp_path: Path) -> None:
    """The headers of each further stream are no pictures, and a part that is the same as the one before is no copy."""
    report, numbers = published(chained(tmp_path, *parts), tmp_path / "dest")
    assert numbers == [*range(30)] * len(parts)
    found = report.certificate
    assert (found.coded, found.decoded, found.left_out, found.lost) == (len(numbers), len(numbers), 0, ())


def test_chained_theora_of_another_rate_is_refused(tmp_path: Path) -> None:
    """FFmpeg counts its times in ticks of the first: 60 pictures a second would play at half their speed."""
    with pytest.raises(SourceError) as caught:
        streamify.probe(chained(tmp_path, (), ("-r", "60")))
    assert caught.value.code == "source-joined"


@pytest.mark.parametrize(("encoder", "suffix"), [("libvorbis", "ogg"), ("libopus", "opus")])
def test_chained_sound(encoder: str, suffix: str, tmp_path: Path) -> None:
    """Of the last packet of each part a decoder leaves out what is behind its end: the next part followed 12 ms late,
    and verify failed.
    """
    data = b""
    for begin in (300, 700):
        part = tmp_path / f"part.{suffix}"
        tone = f"aevalsrc=0.4*sin(2*PI*t*({begin}+100*t)):s=48000:d=2"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", tone, "-c:a", encoder, part], check=True)
        data += part.read_bytes()
    source = tmp_path / f"joined.{suffix}"
    source.write_bytes(data)
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert verify(tmp_path / "dest", source).faults == ()
    assert float(report.source.duration) == pytest.approx(4, abs=0.03)
