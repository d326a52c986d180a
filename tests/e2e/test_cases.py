"""Sources that container and index tell wrong things about: every picture comes out once, in order, at its time.

Judged by the system's FFmpeg: which pictures there are (`shots`), and when they are shown where its timeline is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import streamify
from clips.shots import NEAR, match, shots, shown_times
from e2e.driving import rungs
from selection import sample
from streamify.errors import SourceError, StreamifyError, TasksFailed

pytestmark = pytest.mark.cases


@dataclass(frozen=True)
class Right:
    """What a careful professional would publish."""

    frames: int
    seconds: float
    rate: int | None = 25
    """Pictures per second where they come at a constant rate."""
    probed: bool = False
    """Whether ffprobe's times of the source are right, and are compared."""
    noted: tuple[str, ...] = ()
    """What the notes name."""
    sound: bool = True


CASES = {
    "h264_bframes.avi": Right(150, 6, noted=("only those of decoding",)),
    "h264_bf.mxf": Right(150, 6, noted=("only those of decoding",), sound=False),
    "cat_reset.ts": Right(400, 16, noted=("the clock starts anew at 8.000 s",)),
    "cat.webm": Right(250, 10, noted=("the clock starts anew at 5.000 s",)),
    "jump_1h.ts": Right(250, 10, noted=("the clock jumps ahead at 5.000 s",)),
    "paff_field.ts": Right(50, 2, probed=True, noted=("50 packets that begin no picture",)),
    "sei_samples.mp4": Right(250, 10, probed=True, noted=("250 packets that begin no picture",)),
    "h264_sparse_pts.ts": Right(200, 8, noted=("183 pictures without a usable timestamp",)),
    "drop1.mp4": Right(99, 4, rate=None, probed=True, sound=False),
    "ffmpeg_mpeg4.avi": Right(75, 3.04, rate=None, probed=True),
    "ns_pause2.3.mkv": Right(100, 6.28, rate=None, sound=False),
    "cut_f.ts": Right(55, 3, rate=None, probed=True, noted=("no pictures for 0.680 s at 1.280 s",)),
    "dropfrag.mp4": Right(50, 3, rate=None, probed=True, noted=("no pictures for 1.000 s at 1.000 s",)),
}


@pytest.mark.parametrize("name", sample(CASES, "paff_field.ts", "drop1.mp4", "ffmpeg_mpeg4.avi", "cut_f.ts"))
def test_every_picture_once_in_order_at_its_time(name: str, cases: Path, tmp_path: Path) -> None:
    right = CASES[name]
    dest = tmp_path / "dest"
    report = streamify.transcode(cases / name, dest, engine="inline", preset="ultrafast", ladder=rungs(144))
    track = next(one for one in report.tracks if one.kind == "video")
    playlist = dest / track.folder / "playlist.m3u8"
    found = match(shots(playlist), shots(cases / name))
    assert found.numbers == tuple(range(right.frames))
    assert found.worst < NEAR
    assert float(track.duration) == pytest.approx(right.seconds, abs=0.001)
    times = shown_times(playlist)
    if right.rate is not None:
        wanted = [number / right.rate for number in range(right.frames)]
        assert times == pytest.approx(wanted, abs=0.0011)
    if right.probed:
        assert times == pytest.approx(shown_times(cases / name), abs=0.0011)
    sounds = [float(one.duration) for one in report.tracks if one.kind == "audio"]
    assert [abs(one - right.seconds) < 0.06 for one in sounds] == [True] * right.sound
    for text in right.noted:
        assert any(text in note.what for note in report.notes), report.notes
    assert streamify.verify(dest, cases / name).faults == ()


def test_a_segment_that_came_twice_is_shown_once(cases: Path, tmp_path: Path) -> None:
    source, dest = cases / "dup_segment.ts", tmp_path / "dest"
    report = streamify.transcode(source, dest, engine="inline", preset="ultrafast", ladder=rungs(144))
    (track,) = (one for one in report.tracks if one.kind == "video")
    found = shots(source)
    once = match(shots(dest / track.folder / "playlist.m3u8"), [*found[:300], *found[450:]])  # type: ignore[arg-type]
    assert once.numbers == tuple(range(450))
    assert once.worst < NEAR
    assert track.duration == 18


def test_pictures_behind_a_change_of_pids_are_kept(cases: Path, tmp_path: Path) -> None:
    source, dest = cases / "pid_change.ts", tmp_path / "dest"
    report = streamify.transcode(source, dest, engine="inline", preset="ultrafast", ladder=rungs(144))
    (track,) = (one for one in report.tracks if one.kind == "video")
    assert track.frames in (249, 250)  # FFmpeg gives out the last one of the first PID at the end of the file
    assert float(track.duration) == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("name", ["cut_f.ts", "dropfrag.mp4"])
def test_strict_refuses_a_source_with_a_gap(name: str, cases: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        streamify.transcode(cases / name, tmp_path / "dest", engine="inline", strict=True)
    assert caught.value.code == "source-incomplete"
    assert "no pictures for" in caught.value.message


@pytest.mark.parametrize("name", ["cutoff_3000.mkv", "seek_eperm.mp4", "transcode_seek_eperm.avi", "chained.ogv"])
def test_what_ffmpeg_refuses_is_a_stream_or_an_error_of_the_source(name: str, cases: Path, tmp_path: Path) -> None:
    caught: StreamifyError | None = None
    try:
        streamify.transcode(cases / name, tmp_path / "dest", engine="inline", ladder=rungs(144))
    except StreamifyError as error:
        caught = error
    if caught is None:
        assert streamify.verify(tmp_path / "dest", cases / name).faults == ()
        return
    causes = [failure.code for failure in caught.failures] if isinstance(caught, TasksFailed) else [caught.code]
    assert caught.exit_code in (3, 4)
    assert "internal-error" not in causes
