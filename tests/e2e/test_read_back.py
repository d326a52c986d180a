"""What tasks decode, segment by segment, is what the system's FFmpeg decodes from the source's start to its end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

import streamify
from clips.field_pictures import write_fields
from e2e.driving import rungs, verify
from selection import sample
from stores import locations
from streamify.jobs.segments import SegmentList
from streamify.media.video.decode import DecodeLog, decode_window
from streamify.media.video.window import WindowSource
from streamify.model.plan import Plan, Segment
from streamify.tasks.plan_file import read_plan

PICTURES = 40


def wanted(path: Path) -> list[str]:
    """Return FFmpeg's MD5 of each picture, in order."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v:0", "-vsync", "passthrough"]
    told = subprocess.run([*command, "-f", "framemd5", "-"], check=True, capture_output=True, text=True, timeout=60)
    return [line.split(",")[5].strip() for line in told.stdout.splitlines() if not line.startswith("#")]


def digest(frame: VideoFrame) -> str:
    """Return the MD5 of all visible samples of 8 bit, as `framemd5` makes it."""
    known = md5()
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        known.update(rows[: plane.height, : plane.width].tobytes())
    return known.hexdigest()


def planned(source: Path, dest: Path) -> tuple[Plan, tuple[Segment, ...]]:
    """Publish half a second a segment, compare the stream with its source, and return the plan."""
    streamify.transcode(
        source, dest, engine="inline", preset="ultrafast", ladder=rungs(96, crf=20), segment_seconds=Fraction(1, 2)
    )
    assert verify(dest, source).faults == ()
    stores = locations(source.parent, dest).open()
    plan = read_plan(stores.media)
    assert plan is not None
    segments = SegmentList(plan, stores.media)
    found = tuple(segments)
    segments.close()
    return plan, found


def reading(source: Path, plan: Plan, *, through: bool = False) -> Callable[[Segment], tuple[list[str], bool]]:
    """Return what decodes a segment: into its pictures, and whether it was misread."""
    assert plan.source.video is not None
    video = plan.source.video
    opened = WindowSource(lambda: source.open("rb"), video.stream, plan.source.access, video.end, through)

    def pictures(segment: Segment, log: DecodeLog) -> Iterator[str]:
        for picture in decode_window(opened, segment, log):
            if segment.source_start <= picture.pts < (segment.source_end or video.end):
                yield digest(picture.frame)

    def read(segment: Segment) -> tuple[list[str], bool]:
        log = DecodeLog()
        return list(pictures(segment, log)), log.misread

    return read


def fields(suffix: str, folder: Path) -> Path:
    return write_fields(folder / f"film.{suffix}", PICTURES, apart=True)


@pytest.mark.parametrize("suffix", sample(["mpg", "vob", "ts", "m2ts", "mkv", "mp4", "mov", "avi"], "mpg"))
def test_each_field_a_packet_of_its_own(suffix: str, tmp_path: Path) -> None:
    """In a program stream times belong to packs, and what FFmpeg makes of them depends on where reading began."""
    source = fields(suffix, tmp_path)
    plan, segments = planned(source, tmp_path / "dest")
    found = [reading(source, plan)(segment) for segment in segments]
    assert not any(misread for _, misread in found)
    assert [one for pictures, _ in found for one in pictures] == wanted(source)


def test_a_seek_that_leads_to_other_packets_is_noticed_and_undone(tmp_path: Path) -> None:
    """The plan names the packet of another keyframe; the task reads on from there, notices, and begins anew."""
    source = fields("mpg", tmp_path)
    plan, segments = planned(source, tmp_path / "dest")
    right, other = segments[1], segments[2]
    assert right.packets is not None
    assert other.packets is not None
    packets = right.packets.model_copy(update={"prints": other.packets.prints[:1] * len(right.entries)})
    lying = right.model_copy(update={"packets": packets})
    pictures, misread = reading(source, plan)(lying)
    every, place = wanted(source), segments[0].frames
    assert misread
    assert pictures != every[place : place + right.frames]
    pictures, misread = reading(source, plan, through=True)(lying)
    assert not misread
    assert pictures == every[place : place + right.frames]


def test_a_splice_of_other_bytes_is_noticed(tmp_path: Path) -> None:
    source = fields("ts", tmp_path)
    plan, segments = planned(source, tmp_path / "dest")
    right, other = segments[1], segments[2]
    lying = right.model_copy(update={"splice": other.splice})
    pictures, misread = reading(source, plan)(lying)
    every, place = wanted(source), segments[0].frames
    assert misread
    assert pictures != every[place : place + right.frames]
    again, _ = reading(source, plan, through=True)(lying)
    assert again == every[place : place + right.frames]
