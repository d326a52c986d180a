"""Encoder options, as plain data."""

from __future__ import annotations

from streamify.model.plan import Timeline
from streamify.model.track import VideoTrack


def x264_options(track: VideoTrack) -> dict[str, str]:
    """Return libx264's options for one rendition.

    - Only forced IDR pictures are IDR (``keyint=infinite:min-keyint=99999:open-gop=0``); scene cuts become plain I.
    - ``cpu-independent=1``: without it x264's MB-tree differs from run to run at widths such as 426 and 854.
    - ``vbv-init=0.5``: segments are encoded on their own and played joined; a buffer that starts 90 % full
      underflows at the joins.
    """
    params = {
        "keyint": "infinite",
        "min-keyint": "99999",
        "scenecut": "40",
        "open-gop": "0",
        "cpu-independent": "1",
        "threads": "1",
        "vbv-maxrate": str(track.recipe.maxrate // 1000),
        "vbv-bufsize": str(track.recipe.bufsize // 1000),
        "vbv-init": "0.5",
        "bframes": str(track.recipe.bframes),
        "force-cfr": "1" if track.frame_rate.numerator == track.timescale else "0",
    }
    return {
        "preset": track.recipe.preset,
        "crf": f"{track.recipe.crf:g}",
        "profile": "high",
        "forced-idr": "1",
        "a53cc": "0",  # captions would reach only the rung that is not scaled
        "x264-params": ":".join(f"{key}={value}" for key, value in params.items()),
    }


def keyframe_ticks(timeline: Timeline, start: int, end: int, variable: tuple[int, ...]) -> frozenset[int]:
    """Return the output ticks of all IDR pictures of a segment, its first included."""
    if timeline.frame_duration is None or timeline.keyframe_frames is None:
        return frozenset((start, *variable))
    return frozenset(range(start, end, timeline.frame_duration * timeline.keyframe_frames))
