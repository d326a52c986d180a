from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from fractions import Fraction
from pathlib import Path

from manifest_samples import video
from streamify.manifests.chapters import apple_json, webvtt
from streamify.manifests.dash import mpd
from streamify.manifests.hls import master
from streamify.model.chapter import Chapter

TITLES = ["Opening & <i>titles</i>", "日本 --> عربى", ""]
STARTS = [Fraction(0), Fraction("61.5"), Fraction(3_661)]
ENDS = [Fraction("61.5"), Fraction("3600.001"), Fraction(36_000)]
CHAPTERS = [Chapter(start=a, end=b, title=title) for a, b, title in zip(STARTS, ENDS, TITLES, strict=True)]


def test_webvtt() -> None:
    assert webvtt(CHAPTERS) == (
        "WEBVTT\n\n"
        "1\n00:00:00.000 --> 00:01:01.500\nOpening &amp; &lt;i&gt;titles&lt;/i&gt;\n\n"
        "2\n00:01:01.500 --> 01:00:00.001\n日本 --&gt; عربى\n\n"
        "3\n01:01:01.000 --> 10:00:00.000\nChapter 3\n"
    )


def test_ffmpeg_reads_the_webvtt(tmp_path: Path) -> None:
    path = tmp_path / "chapters.vtt"
    path.write_text(webvtt(CHAPTERS))
    command = ["ffprobe", "-v", "error", "-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0", str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert [line.rstrip(",") for line in found] == [
        "0.000000,61.500000",
        "61.500000,3538.501000",
        "3661.000000,32339.000000",
    ]


def test_json_as_apple_describes_it() -> None:
    entries = json.loads(apple_json(CHAPTERS))
    assert entries[1] == {
        "chapter": 2, "start-time": 61.5, "duration": 3538.501, "titles": [{"language": "und", "title": TITLES[1]}],
    }  # fmt: skip
    assert [entry["titles"][0]["title"] for entry in entries] == [*TITLES[:2], "Chapter 3"]


def test_manifests_name_them_only_where_there_are_any() -> None:
    tag = '#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="chapters.json"\n'
    assert tag in master([video(600_000)], [], "chapters.json")
    assert "SESSION-DATA" not in master([video(600_000)], [])
    root = ET.fromstring(mpd([video(600_000)], [], Fraction(36_000), chapters=CHAPTERS))
    events = root.findall(".//{*}Period/{*}EventStream/{*}Event")
    assert [(one.get("presentationTime"), one.get("duration"), one.text) for one in events] == [
        ("0", "61500", TITLES[0]), ("61500", "3538501", TITLES[1]), ("3661000", "32339000", "Chapter 3"),
    ]  # fmt: skip
    assert "EventStream" not in mpd([video(600_000)], [], Fraction(36_000))
