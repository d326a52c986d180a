"""Every file of the corpus becomes a stream that keeps what ffprobe saw in the source, or is refused with a reason.

``corpus_ffprobe.json`` is what ``ffprobe -count_frames -show_streams -show_format`` (5.1) says of each source: of the
largest video stream that is no cover picture, and how many audio streams there are.
"""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.corpus import parameters
from e2e.driving import published
from stores import locations
from streamify.errors import SourceError
from streamify.jobs.locations import find_source
from streamify.jobs.segments import SegmentList
from streamify.jobs.work import video_task
from streamify.model.location import Location
from streamify.model.report import Report
from streamify.model.settings import MediaSettings
from streamify.model.task import MediaResult, SplitTask
from streamify.planning.schedule import Group
from streamify.tasks.plan_file import read_plan
from streamify.tasks.run import run_task

SEEN: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("corpus_ffprobe.json").read_text())

REFUSED = {
    "bad_4byte.mp4": "source-not-media",
    "bad_malformed_free_box.mp4": "source-no-moov",
    "der_bad_html_named.mp4": "source-not-media",
    "der_bad_no_moov.mp4": "source-no-moov",
    "der_bad_truncated_bbb480.mp4": "source-truncated",
    "der_bad_zero_byte.mp4": "source-empty",
    "nat_4k_dv_p10_ipt_av1_4s.mp4": "dolby-vision-unsupported",
}

COARSE = ("nat_agent327_1080p24_83s.mp4", "long_1080p30_363s_lowbitrate.mp4")
"""So long that only their plans and three of their segments are made here; bench makes all of the first."""

SHORTER = {
    "ts_no_initial_keyframe.ts": "the pictures before its first keyframe cannot be decoded; ffprobe counts their time"
}
"""Durations that differ from ffprobe's by more than a picture."""

LEAST = 62
SIDE = 120
ALL = sorted({*SEEN, *REFUSED}, key=lambda name: (name not in COARSE, name))


def test_the_tables_cover_the_corpus(corpus: Path) -> None:
    files = {path.name for path in corpus.iterdir() if path.name not in ("README.md", "MANIFEST.tsv")}
    assert files == set(ALL)
    assert len(files - set(REFUSED)) >= LEAST


@pytest.mark.parametrize("name", parameters(ALL))
def test_corpus(name: str, corpus: Path, tmp_path: Path) -> None:
    source = corpus / name
    if name in REFUSED:
        with pytest.raises(SourceError) as caught:
            streamify.transcode(source, tmp_path / "dest", preset="ultrafast")
        assert (caught.value.code, caught.value.exit_code) == (REFUSED[name], 3)
        assert caught.value.message
        assert caught.value.hint
        assert published(tmp_path / "dest") == []
        return
    seen = SEEN[name]
    if name in COARSE:
        _some_segments(source, seen, tmp_path / "dest")
        return
    ladder: Any = "auto"
    if "frames" in seen:
        side = min(SIDE, seen["width"], seen["height"]) // 2 * 2
        ladder = [{"name": "small", "short_side": side, "maxrate": 400_000}]
    report = streamify.transcode(source, tmp_path / "dest", engine="inline", preset="ultrafast", ladder=ladder)
    found = streamify.verify(tmp_path / "dest", source)
    assert found.faults == ()
    _compare(report, seen, name)
    for track in report.tracks:
        _ffprobe_accepts(tmp_path / "dest" / track.folder / "playlist.m3u8", track.frames, float(track.duration))


def shown(seen: dict[str, Any]) -> tuple[Fraction, Fraction]:
    """Return the size at which ffprobe's facts say a player shows the source."""
    aspect = Fraction(seen["aspect"].replace(":", "/"))
    width, height = seen["width"] * aspect, Fraction(seen["height"])
    return (height, width) if seen["rotation"] % 180 else (width, height)


def _compare(report: Report, seen: dict[str, Any], name: str) -> None:
    video = [track for track in report.tracks if track.kind == "video"]
    assert len(report.tracks) - len(video) == seen["audio"]
    if "frames" not in seen:
        assert video == []
        assert abs(report.tracks[0].duration - Fraction(seen["duration"])) < Fraction(1, 10)
        return
    (track,) = video
    width, height = shown(seen)
    scale = min(track.width or 0, track.height or 0) / min(width, height)
    assert abs((track.width or 0) - width * scale) <= 1
    assert abs((track.height or 0) - height * scale) <= 1
    assert track.frames == seen["frames"]
    found = report.certificate
    assert found.promised == found.decoded + len(found.lost)
    assert found.encoded == found.decoded - found.dropped
    if seen["duration"] is not None and name not in SHORTER:
        assert abs(track.duration - Fraction(seen["duration"])) <= track.duration / track.frames
    if scale * min(width, height) < SIDE:
        assert scale <= 1
    expected = {"rotation": bool(seen["rotation"]), "sample aspect": seen["aspect"] != "1:1"}
    for what, wanted in expected.items():
        assert any(note.what.startswith(what) for note in report.notes) == wanted, report.notes


def _ffprobe_accepts(playlist: Path, frames: int, duration: float) -> None:
    """The system's FFmpeg reads the media playlist without a complaint, and counts what the report says."""
    command = [
        "ffprobe",
        "-v",
        "warning",
        "-count_packets",
        "-show_entries",
        "stream=nb_read_packets,sample_aspect_ratio",
    ]
    done = subprocess.run([*command, "-of", "json", playlist], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    (stream,) = json.loads(done.stdout)["streams"]
    assert int(stream["nb_read_packets"]) == frames
    assert stream.get("sample_aspect_ratio", "1:1") in ("1:1", "N/A")
    assert duration > 0


def _some_segments(source: Path, seen: dict[str, Any], dest: Path) -> None:
    """Plan the whole of it; make the first, a middle and the last segment."""
    folder, ref = find_source(Location.parse(str(source)))
    stores = locations(folder.key, dest).open()
    ladder = ({"name": "small", "short_side": SIDE, "maxrate": 400_000},)
    settings = MediaSettings.model_validate({"ladder": ladder, "preset": "ultrafast"})
    run_task(SplitTask(source=ref, settings=settings), stores)
    plan = read_plan(stores.media)
    assert plan is not None
    assert plan.source.video is not None
    assert plan.source.video.frames == seen["frames"]
    assert not plan.source.scanned
    assert abs(plan.source.duration - Fraction(seen["duration"])) < Fraction(1, 24)
    segments = SegmentList(plan, stores.media)
    assert sum(segment.frames for segment in segments) == seen["frames"]
    for number in (0, plan.segments // 2, plan.segments - 1):
        segment = segments[number]
        result = run_task(video_task(plan, segment, Group(number, (0,))), stores)
        assert isinstance(result, MediaResult)
        seam = result.records[0].seam
        assert seam is not None
        assert (seam.decoded, seam.first, seam.next) == (segment.frames, segment.first, segment.next)
    segments.close()
