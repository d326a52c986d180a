"""Chapters as text: WebVTT for web pages, JSON for Apple's players, events for DASH. Pure functions."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from fractions import Fraction
from html import escape

from streamify.model.chapter import Chapter

DATA_ID = "com.apple.hls.chapters"
"""Of the session data that names the JSON file (Apple, "Providing JSON chapters")."""

EVENTS = "urn:streamify:chapters:2026"
"""Scheme of the DASH events: no standard defines one for chapters. The message of an event is its title."""


def titled(number: int, chapter: Chapter) -> str:
    """Return what a chapter is called; `number` counts from 1."""
    return chapter.title or f"Chapter {number}"


def webvtt(chapters: Sequence[Chapter]) -> str:
    """Return a chapters track (W3C WebVTT, 1.5 and 4.6): one cue for each, its text the title."""
    cues = (
        f"{number}\n{vtt_time(one.start)} --> {vtt_time(one.end)}\n{escape(titled(number, one), quote=False)}\n"
        for number, one in enumerate(chapters, start=1)
    )
    return "\n".join(("WEBVTT\n", *cues))


def apple_json(chapters: Sequence[Chapter]) -> str:
    """Return the chapters as Apple's players read them: times in seconds, titles in no language."""
    entries = [
        {
            "chapter": number,
            "start-time": float(one.start),
            "duration": float(one.end - one.start),
            "titles": [{"language": "und", "title": titled(number, one)}],
        }
        for number, one in enumerate(chapters, start=1)
    ]
    return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"


def add_events(period: ET.Element, chapters: Sequence[Chapter]) -> None:
    """Add an EventStream to a Period (ISO/IEC 23009-1, 5.10.2), in milliseconds."""
    stream = ET.SubElement(period, "EventStream", schemeIdUri=EVENTS, timescale="1000")
    for number, one in enumerate(chapters, start=1):
        times = {"presentationTime": str(int(one.start * 1000)), "duration": str(int((one.end - one.start) * 1000))}
        event = ET.SubElement(stream, "Event", {**times, "id": str(number)})
        event.text = titled(number, one)


def vtt_time(seconds: Fraction) -> str:
    """Return a WebVTT timestamp, rounded down to milliseconds."""
    milliseconds = int(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
