"""A stream that grows: which tracks are announced and how far they go, and how often that is written anew. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

LEAST_PAUSE = 1.0
"""Seconds between two versions, at least: players ask again after a segment's length, of a few seconds."""

LINES_A_SECOND = 1000
"""Segments that all playlists of a version list together, for each second until the next one: so a version costs more
the longer the film is, and comes less often, and a job writes a bounded amount a second. Of ten hours in six rungs
each 36 s are told at once at the end."""


class Extent(NamedTuple):
    """How much of a stream is announced."""

    tracks: tuple[str, ...] = ()
    """Ids of the tracks."""
    segments: int = 0
    """Of each of them."""


def grown(before: Extent, made: Mapping[str, int], video: Sequence[str], audio: Sequence[str]) -> Extent:
    """Return what can be announced: never fewer tracks or segments than before, and all tracks equally far.

    A player may change to any rung at any time, so none may be behind the others, and none begins in the middle. A rung
    that is made more slowly is left out until it has what the others have. All of the sound is there from the start.

    Args:
        before: What was announced.
        made: How many of its first segments each track has, none of them missing.
        video: Ids of the renditions.
        audio: Ids of the audio tracks.
    """
    rungs = [track for track in video if track in before.tracks]
    reach = [made[track] for track in (rungs or video)]
    pictures = (min(reach) if rungs else max(reach)) if reach else None
    ready = [track for track in video if track in rungs or (pictures and made[track] >= pictures)]
    common = min([made[track] for track in audio] + ([pictures] if pictures is not None else []), default=0)
    return Extent((*ready, *audio), common) if common else before


def pause(tracks: int, segments: int) -> float:
    """Return the seconds that pass between a version and the next one.

    Args:
        tracks: How many there are.
        segments: Of each of them.
    """
    return max(LEAST_PAUSE, tracks * segments / LINES_A_SECOND)
