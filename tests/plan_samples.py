"""Source facts and plans made by hand."""

from __future__ import annotations

from typing import Any

from streamify.model.plan import EntryPoint, Plan, Segment
from streamify.model.settings import MediaSettings
from streamify.model.source import SourceFacts
from streamify.planning.build import build_plan
from streamify.planning.grid import Window

VIDEO: dict[str, Any] = {
    "stream": 0, "codec": "h264", "width": 1920, "height": 1080, "sample_aspect": 1, "pixel_format": "yuv420p",
    "time_base": "1/30000", "frames": 420, "first": 3003, "end": 423423, "rate": "30000/1001",
    "average_rate": "30000/1001",
}  # fmt: skip
AUDIO: dict[str, Any] = {
    "stream": 1, "codec": "aac", "sample_rate": 48000, "channels": 2, "layout": "stereo", "time_base": "1/48000",
    "start": 4805, "duration": "14.014", "language": "eng",
}  # fmt: skip
PTS = [3003 + number * 1001 for number in range(420)]


def facts(video: dict[str, Any] | None = VIDEO, audio: tuple[dict[str, Any], ...] = (AUDIO,)) -> SourceFacts:
    return SourceFacts.model_validate(
        {
            "ref": {"key": "a.mp4", "size": 1000, "version": "1", "identity": "0" * 32},
            "container": "mov",
            "duration": "14.014",
            "access": "sliced",
            "scanned": False,
            "video": video,
            "audio": audio,
        }
    )


def plan(source: SourceFacts | None = None, build: str = "av 1", **settings: Any) -> tuple[Plan, list[Window]]:
    source = source or facts()
    found, windows = build_plan(source, PTS if source.video else (), MediaSettings(**settings), build)
    return found, list(windows)


def segments_of(windows: list[Window]) -> list[Segment]:
    """Return the segments of a grid, each decoded from the start of the source."""
    return [
        Segment(
            index=window.index, start=window.start, end=window.end, source_start=window.source_start,
            source_end=window.source_end, frames=window.frames, first=window.first, next=window.next,
            entries=(EntryPoint(pts=0, dts=0),),
        )
        for window in windows
    ]  # fmt: skip


def ids(found: tuple[Plan, list[Window]]) -> list[str]:
    return [track.id for track in found[0].tracks]
