"""Tracks to write manifests of."""

from __future__ import annotations

from fractions import Fraction

from streamify.manifests.base import SegmentLine, TrackManifest
from streamify.model.recipe import AudioRecipe, VideoRecipe
from streamify.model.result import IFrame
from streamify.model.track import AudioTrack, Labels, Role, VideoTrack


def video_track(name: str = "1080p", width: int = 1920, height: int = 1080, scale: int = 24) -> VideoTrack:
    return VideoTrack(
        id=f"{name}-3f9a2c1b",
        recipe=VideoRecipe(
            codec="h264",
            width=width,
            height=height,
            frame_rate=Fraction(scale),
            crf=23,
            maxrate=6_000_000,
            bufsize=9_000_000,
            preset="medium",
            bframes=3,
        ),
        timescale=scale,
        labels=Labels(name=name),
    )


def video(*sizes: int, name: str = "1080p", width: int = 1920, height: int = 1080) -> TrackManifest:
    """24 fps, segments of 6 s (144 frames) with one IDR picture each."""
    lines = [SegmentLine(144, size, 144, (IFrame(start=144 * n, offset=44, size=900),)) for n, size in enumerate(sizes)]
    return TrackManifest(video_track(name, width, height), "avc1.640028", 800, lines)


def audio(
    *units: int,
    language: str | None = "en",
    title: str | None = None,
    default: bool = False,
    commentary: bool = False,
    role: Role | None = None,
    original: bool = False,
    name: str = "en-aac-8d41e07a",
    size: int = 96_000,
) -> TrackManifest:
    """48 kHz; `units` are AAC access units of each segment."""
    track = AudioTrack(
        id=name,
        recipe=AudioRecipe(
            codec="aac",
            stream=1,
            sample_rate=48_000,
            channels=2,
            bitrate=128_000,
            samples=sum(units) * 1024,
            origin=Fraction(0),
            piece_segments=100,
        ),
        timescale=48_000,
        labels=Labels(
            name=title or language or "Audio 1",
            language=language,
            role=role or ("commentary" if commentary else "main"),
            original=original,
            default=default,
        ),
    )
    return TrackManifest(track, "mp4a.40.2", 700, [SegmentLine(1024 * n, size, n) for n in units])
