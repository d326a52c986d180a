"""Sound beyond the pictures is kept, and pictures stand: judged by burnt-in numbers and FFmpeg's sound."""

from __future__ import annotations

import hashlib
import random
import subprocess
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from _pytest.mark.structures import ParameterSet

import streamify
from clips.identity import decode_track, read_ids
from clips.shots import shown_times
from clips.standing import RATE, decoded, film
from e2e.driving import rungs, verify
from selection import sample
from streamify.errors import CapExceeded, SourceError
from streamify.model.report import Report

S = Fraction
FRAME = S(1, 25)


def kinds(*names: str, kept: str = "mkv") -> list[ParameterSet]:
    """Return containers as parameters of a test; one of them in `make test`."""
    return sample(names, kept)


def at_25(seconds: float, start: float = 0) -> list[Fraction]:
    """Return the times of a film of 25 pictures a second."""
    return [S(str(start)) + number * FRAME for number in range(round(seconds * 25))]


def made(source: Path, dest: Path, **settings: object) -> Report:
    given = {"engine": "inline", "preset": "ultrafast", "ladder": rungs(96)} | settings
    return streamify.transcode(source, dest, **given)  # type: ignore[arg-type]


def shown(report: Report, dest: Path) -> list[tuple[float, int | None]]:
    (track,) = (one for one in report.tracks if one.kind == "video")
    return [(float(time), number) for time, number in decode_track(dest, track.folder)]


def playlist(report: Report, dest: Path, kind: str) -> Path:
    return dest / next(one for one in report.tracks if one.kind == kind).folder / "playlist.m3u8"


def length(report: Report, kind: str) -> float:
    return float(next(one.duration for one in report.tracks if one.kind == kind))


def lasts(path: Path) -> float:
    """Return the length that a media playlist announces."""
    return sum(float(line[8:-1]) for line in path.read_text().splitlines() if line.startswith("#EXTINF"))


def same_sound(ours: Path, source: Path) -> float:
    """Return the least correlation of a second of sound with the source's of its time, from the first picture on.

    Of times up to a millisecond apart the best counts: FFmpeg goes by those of Matroska, which are rounded to that.
    """
    mine, theirs = decoded(ours), decoded(source, first_picture(source))
    return max(correlated(mine, theirs, late) for late in range(-RATE // 1000, RATE // 1000 + 1, RATE // 8000))


def correlated(mine: Any, theirs: Any, late: int) -> float:
    worst = 1.0
    for second in range(int(min(len(mine), len(theirs)) / RATE)):
        start, stop = second * RATE + 4800, (second + 1) * RATE - 4800
        one, two = mine[start + late : stop + late], theirs[start:stop]
        if np.abs(two).max() > 0.01:
            worst = min(worst, float(np.corrcoef(one, two)[0, 1]))
    return worst


def first_picture(source: Path) -> float:
    """Return when FFmpeg shows the first picture, seconds on the source's clock."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time"]
    done = subprocess.run([*command, "-of", "csv=p=0", source], capture_output=True, text=True, timeout=60, check=True)
    return min(float(line.strip(",")) for line in done.stdout.split())


def whole(report: Report, source: Path, dest: Path) -> None:
    """Check what holds for every stream."""
    assert verify(dest, source).faults == ()
    found = report.certificate
    assert found.lost == ()
    assert found.promised == found.decoded == found.coded
    assert found.encoded == found.decoded + found.duplicated - found.dropped
    video, audio = (lasts(playlist(report, dest, kind)) for kind in ("video", "audio"))
    assert 0 <= audio - video <= 0.048  # less than a frame of AAC, and one of priming
    target = next(
        int(line.partition(":")[2])
        for line in playlist(report, dest, "video").read_text().splitlines()
        if line.startswith("#EXT-X-TARGETDURATION")
    )
    assert target <= 9


@pytest.mark.long
@pytest.mark.parametrize("kind", kinds("mp4", "mov", "mkv", "webm", "ts", "flv", "avi"))
def test_pictures_that_end_3_s_early_stand_until_the_sound_ends(kind: str, tmp_path: Path) -> None:
    source, dest = film(tmp_path / f"a.{kind}", at_25(4), (S(0), S(7))), tmp_path / "dest"
    report = made(source, dest)
    whole(report, source, dest)
    numbers = [number for _, number in shown(report, dest)]
    assert numbers[:100] == list(range(100))
    assert set(numbers[100:]) <= {99}  # at a variable rate it is not shown again within a segment
    assert length(report, "video") == pytest.approx(7, abs=0.1)
    assert report.certificate.duplicated == len(numbers) - 100
    assert any("the last picture is shown for" in note.what for note in report.notes)
    assert same_sound(playlist(report, dest, "audio"), source) > 0.98


@pytest.mark.parametrize("kind", kinds("mp4", "mkv", "webm", "ts", "flv", kept="ts"))
def test_sound_before_the_first_picture_is_kept(kind: str, tmp_path: Path) -> None:
    source, dest = film(tmp_path / f"a.{kind}", at_25(4, 3), (S(0), S(7))), tmp_path / "dest"
    report = made(source, dest)
    whole(report, source, dest)
    found = shown(report, dest)
    first = next(place for place, (_, number) in enumerate(found) if number == 1)
    assert {number for _, number in found[:first]} == {0}
    assert [number for _, number in found[first:]] == list(range(1, 100))
    assert found[first][0] == pytest.approx(3.04, abs=0.09)
    assert length(report, "video") == pytest.approx(7, abs=0.1)
    assert any("the first picture is shown for" in note.what for note in report.notes)


@pytest.mark.parametrize("kind", kinds("mp4", "mkv", "ts"))
def test_a_still_with_music_is_as_long_as_the_music(kind: str, tmp_path: Path) -> None:
    source, dest = film(tmp_path / f"a.{kind}", [S(0)], (S(0), S(20))), tmp_path / "dest"
    report = made(source, dest)
    whole(report, source, dest)
    found = shown(report, dest)
    assert {number for _, number in found} == {0}
    assert [time for time, _ in found] == pytest.approx([2 * n for n in range(10)], abs=0.05)
    assert length(report, "video") == pytest.approx(20, abs=0.1)
    assert same_sound(playlist(report, dest, "audio"), source) > 0.98
    assert shown_times(playlist(report, dest, "video")) == pytest.approx([time for time, _ in found], abs=0.001)


@pytest.mark.long
def test_stills_at_one_a_second_stand_at_their_rate(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", [S(n) for n in range(5)], (S(0), S(9)), last=S(1))
    report = made(source, tmp_path / "dest")
    whole(report, source, tmp_path / "dest")
    assert shown(report, tmp_path / "dest") == [(n, min(n, 4)) for n in range(9)]


@pytest.mark.long
def test_a_slide_show_of_long_pictures_has_segments_of_the_grid(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", [S(20 * n) for n in range(3)], (S(0), S(60)), last=S(20))
    report = made(source, tmp_path / "dest")
    whole(report, source, tmp_path / "dest")
    found = shown(report, tmp_path / "dest")
    assert all(number == int(time // 20) for time, number in found)
    assert {0, 20, 40} <= {time for time, _ in found}
    assert max(after - before for (before, _), (after, _) in pairwise(found)) <= 4


PAUSES = {"mp4": 31, "mov": 31, "mkv": 31, "webm": 31, "ts": 9, "flv": 31}
"""Seconds; a transport stream that jumps by more than 10 s starts anew."""


@pytest.mark.parametrize("kind", kinds(*PAUSES, kept="ts"))
def test_a_pause_is_kept_in_segments_of_the_grid(kind: str, tmp_path: Path) -> None:
    pause = PAUSES[kind]
    times = [*at_25(2.4), *at_25(2, 2.4 + pause)]
    source = film(tmp_path / f"a.{kind}", times, (S(0), S(str(4.4 + pause))))
    report = made(source, tmp_path / "dest")
    whole(report, source, tmp_path / "dest")
    found = shown(report, tmp_path / "dest")
    counts = Counter(number for _, number in found)
    assert [number for number, count in counts.items() if count > 1] == [59]
    assert set(counts) == set(range(110))
    assert counts[59] == 1 + report.certificate.duplicated
    first = dict(reversed([(number, time) for time, number in found]))
    assert [first[number] for number in range(110)] == pytest.approx([float(time) for time in times], abs=0.05)
    segments = next(one for one in report.tracks if one.kind == "video").segments
    timescale = next(one for one in report.tracks if one.kind == "video").timescale
    assert max(segments.duration) / timescale <= 8
    assert read_ids(source) == list(range(110))  # as FFmpeg reads the source


def test_a_long_pause_far_from_a_keyframe_is_no_want_of_keyframes(tmp_path: Path) -> None:
    """Each of its segments decodes what the standing picture needs: 75 pictures, for 240 segments."""
    codec = ("libx264", {"g": "1000", "preset": "ultrafast"}, "aac")
    source = film(tmp_path / "a.mkv", [*at_25(3), *at_25(1, 243)], (S(0), S(4)), codec=codec)
    plan = streamify.plan(source, engine="inline", ladder=rungs(96), segment_seconds=1, keyframe_seconds=1)
    assert plan.segments == pytest.approx(244, abs=2)


def with_long_sound(out: Path, rate: int) -> Path:
    """Write 150 pictures, of which only the first is a keyframe, and 400 s of sound."""
    pictures = [
        "-f",
        "lavfi",
        "-i",
        f"testsrc=size=64x64:rate={rate}:duration={150 / rate}",
        "-f",
        "lavfi",
        "-i",
        "sine=sample_rate=8000",
    ]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "1000", "-sc_threshold", "0", "-c:a", "pcm_mulaw"]
    both = [*pictures, *coded, "-t", "400", str(out)]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *both], check=True, timeout=60)
    return out


def test_segments_of_sound_alone_are_counted_where_keyframes_are_judged(tmp_path: Path) -> None:
    """Each decodes all pictures to reach the last: 250 segments of one picture here, of 25 there."""
    settings: dict[str, Any] = {"engine": "inline", "ladder": rungs(64), "segment_seconds": 1, "keyframe_seconds": 1}
    with pytest.raises(SourceError) as caught:
        streamify.plan(with_long_sound(tmp_path / "slow.mkv", 1), **settings)
    assert caught.value.code == "source-keyframes-too-rare"
    plan = streamify.plan(with_long_sound(tmp_path / "fast.mkv", 25), **settings)
    assert plan.segments == pytest.approx(400, abs=2)


@pytest.mark.long
def test_ffmpeg_shows_the_first_pictures_of_a_variable_rate_at_their_times(tmp_path: Path) -> None:
    """Its command line, as users call it: a long reorder delay was a jump of the clock to it."""
    dice = random.Random(3)
    times = [S(0)]
    for _ in range(59):
        times.append(times[-1] + dice.choice([S(1, 25), S(1, 25), S(1, 10), S(3, 10)]))
    source = film(tmp_path / "a.mp4", times, (S(0), times[-1] + S(1, 25)))
    report = made(source, tmp_path / "dest", preset="medium")
    whole(report, source, tmp_path / "dest")
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-i",
        str(playlist(report, tmp_path / "dest", "video")),
        "-vsync",
        "0",
    ]
    command += ["-enc_time_base", "1:1000", "-f", "framemd5", "-"]
    lines = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    found = [int(line.split(",")[2]) / 1000 for line in lines if not line.startswith("#")]
    assert found == pytest.approx([float(time) for time in times], abs=0.002)


@pytest.mark.long
def test_beyond_the_limit_sound_is_cut_off_and_named(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", at_25(1), (S(0), S(9)))
    report = made(source, tmp_path / "dest", hold_limit=3)
    whole(report, source, tmp_path / "dest")
    assert length(report, "video") == 4
    assert any(note.kind == "dropped" and note.what.startswith("5.0") for note in report.notes)


@pytest.mark.long
def test_a_stray_time_of_sound_makes_no_minutes_of_a_still_picture(tmp_path: Path) -> None:
    """In a container whose packets of sound are counted, too: the last picture was shown for 500 s more."""
    plain = film(tmp_path / "plain.ts", at_25(2), (S(0), S(2)))
    with av.open(str(plain)) as given, av.open(str(tmp_path / "film.ts"), "w") as out:
        streams = {one.index: out.add_stream_from_template(one) for one in given.streams}
        packets = [packet for packet in given.demux() if packet.dts is not None]
        last = [packet for packet in packets if packet.stream.type == "audio"][-1]
        for packet in packets:
            if packet is last:
                packet.pts = packet.dts = (packet.dts or 0) + 500 * 90_000
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    report = made(tmp_path / "film.ts", tmp_path / "dest")
    assert length(report, "video") == 2
    (note,) = (one for one in report.notes if "without sound part it from the others" in one.why)
    assert note.kind == "dropped"
    assert verify(tmp_path / "dest", tmp_path / "film.ts").faults == ()


@pytest.mark.long
def test_segments_in_which_a_picture_stands_are_the_same_bytes_on_workers(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", [*at_25(1, 8), *at_25(1, 24)], (S(0), S(40)))
    folders = []
    for number, engine in enumerate(("inline", "local")):
        report = made(source, tmp_path / str(number), engine=engine)
        whole(report, source, tmp_path / str(number))
        folders.append(_hashes(tmp_path / str(number)))
    assert folders[0] == folders[1]
    assert len(folders[0]) > 10


def _hashes(dest: Path) -> Sequence[tuple[str, str]]:
    files = sorted([*dest.glob("video/*/*.m4s"), *dest.glob("audio/*/*.m4s")])
    return [(str(one.relative_to(dest)), hashlib.sha256(one.read_bytes()).hexdigest()) for one in files]


@pytest.mark.long
def test_pauses_and_sound_beyond_the_pictures_have_limits_of_their_own(tmp_path: Path) -> None:
    """8 s of sound, pictures with a pause of 20 s between them, and 9 s more of sound."""
    times = [*at_25(2, 8), *at_25(2, 30)]
    source, dest = film(tmp_path / "a.mkv", times, (S(0), S(41))), tmp_path / "dest"
    with pytest.raises(CapExceeded, match="stands for 20 s; the cap is 9 s"):
        made(source, dest, max_pause=9, hold_limit=10)
    report = made(source, dest, max_pause=21, hold_limit=4)
    whole(report, source, dest)
    first = {number: time for time, number in reversed(shown(report, dest))}
    assert [first[number] for number in (0, 1, 50, 99)] == pytest.approx([0, 4.04, 26, 27.96], abs=0.03)
    assert length(report, "video") == pytest.approx(32, abs=0.05)
    left_out = [note for note in report.notes if "(hold_limit)" in note.why]
    assert [note.what for note in left_out] == ["4.021 s of audio stream 1", "5.003 s of audio stream 1"]
