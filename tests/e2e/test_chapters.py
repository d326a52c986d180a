"""Chapters of real files, against what ffprobe lists of the source."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from clips.joined_sound import ffmpeg
from e2e.driving import verify
from selection import sample
from streamify.api import plan, probe, transcode
from streamify.errors import VerificationFailed

LIST = """;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1500
title=Opening & "titles"
[CHAPTER]
TIMEBASE=1/1000
START=1500
END=2600
title=Ünï <b>bold</b> 日本
[CHAPTER]
TIMEBASE=1/1000
START=2600
END=4000
"""


def film(path: Path, *options: str) -> Path:
    listed = path.with_suffix(".txt")
    listed.write_text(LIST)
    pictures = ["-f", "lavfi", "-i", "testsrc=size=64x48:duration=4:rate=25"]
    ffmpeg(*pictures, "-i", str(listed), "-map_metadata", "1", "-map", "0", *options, path)
    return path


def listed(path: Path) -> list[tuple[float, float, str]]:
    """Return the chapters that ffprobe finds, from the time of the first picture."""
    command = ["ffprobe", "-v", "error", "-show_chapters", "-show_streams", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    begin = float(found["streams"][0]["start_time"])
    return [
        (max(0.0, float(one["start_time"]) - begin), float(one["end_time"]) - begin, one.get("tags", {}).get("title"))
        for one in found["chapters"]
    ]


@pytest.mark.parametrize("name", sample(["a.mp4", "a.mov", "a.mkv", "a.webm"], "a.mp4", "a.mkv"))
def test_each_container(tmp_path: Path, name: str) -> None:
    codec = ["-c:v", "libvpx", "-deadline", "realtime"] if name == "a.webm" else ["-c:v", "mpeg4"]
    path = film(tmp_path / name, *codec)
    found = plan(path, engine="inline")
    assert [(float(one.start), float(one.end)) for one in found.chapters] == [
        pytest.approx(one[:2], abs=0.0011) for one in listed(path)
    ]
    assert [one.title for one in found.chapters] == ["Opening & \u201dtitles\u201d", "Ünï <b>bold</b> 日本", ""]
    assert not [note for note in found.notes if note.kind == "dropped"]  # nor the text track that holds the titles


def test_pictures_that_begin_later(tmp_path: Path) -> None:
    """The first picture is at 1 s: what the source calls 1.5 s is 0.5 s of the stream."""
    path = film(tmp_path / "a.mkv", "-c:v", "mpeg4", "-vf", "trim=start=1", "-copyts", "-avoid_negative_ts", "disabled")
    assert [(float(one.start), float(one.end)) for one in plan(path, engine="inline").chapters] == [
        pytest.approx(one[:2], abs=0.0011) for one in listed(path)
    ]


def test_of_a_stream(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", "-c:v", "mpeg4")
    dest = tmp_path / "stream"
    report = transcode(path, dest, preset="ultrafast", engine="inline")
    assert [float(one.start) for one in report.chapters] == [0, 1.5, 2.6]
    assert 'URI="chapters.json"' in (dest / "master.m3u8").read_text()
    assert len(json.loads((dest / "chapters.json").read_text())) == 3
    assert (dest / "chapters.vtt").read_text().count(" --> ") == 3
    verify(dest)
    (dest / "chapters.vtt").write_text("WEBVTT\n")
    with pytest.raises(VerificationFailed, match=r"chapters\.vtt"):
        verify(dest)


def test_a_stream_without_chapters_replaces_one_with(tmp_path: Path) -> None:
    dest = tmp_path / "stream"
    path = film(tmp_path / "a.mp4", "-c:v", "mpeg4")
    transcode(path, dest, preset="ultrafast", engine="inline")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:duration=1:rate=25", "-c:v", "mpeg4", tmp_path / "b.mp4")
    transcode(tmp_path / "b.mp4", dest, preset="ultrafast", replace=True, engine="inline")
    assert not [*dest.glob("chapters*")]
    assert "SESSION-DATA" not in (dest / "master.m3u8").read_text()


def test_more_than_a_stream_may_have(tmp_path: Path) -> None:
    listed = tmp_path / "a.txt"
    listed.write_text(
        ";FFMETADATA1\n"
        + "".join(f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={at}\nEND={at + 2}\ntitle={at}\n" for at in range(0, 2400, 2))
    )
    pictures = ["-f", "lavfi", "-i", "testsrc=size=64x48:duration=3:rate=25"]
    ffmpeg(*pictures, "-i", str(listed), "-map_metadata", "1", "-map", "0", "-c:v", "mpeg4", tmp_path / "a.mkv")
    facts = probe(tmp_path / "a.mkv")
    assert len(facts.chapters) == 1000
    assert [note.what for note in facts.notes if note.kind == "dropped"] == ["200 chapters"]
