"""The check of a whole stream against its source: every picture once, in order and at its time, by another path."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from statistics import median_low

from streamify.dest.layout import init_key, segment_key
from streamify.media.lockstep import follow, judge
from streamify.media.shots import source_shots, stream_shots
from streamify.model.task import CheckResult, SourceCheckTask
from streamify.mp4.fragments import fragments
from streamify.storage.base import Stores

JUMPING = ("mpegts", "mpeg")
"""Containers whose clock may be set anew, as opposed to those in which a leap is a pause."""


def run_check_source(task: SourceCheckTask, stores: Stores) -> CheckResult:
    """Decode source and stream from start to end side by side and compare them. Faults are results."""
    track, video = task.track, task.video
    init = stores.media.get(init_key(track.folder))
    if init is None:
        return CheckResult(key=task.key, faults=(f"{init_key(track.folder)} is missing",), frames=0)

    def segments() -> Iterator[bytes]:
        for index in range(task.segments):
            data = stores.media.get(segment_key(track.folder, index))
            if data is not None:  # what is missing is named by the checks of the segments
                yield data

    found = follow(
        source_shots(partial(stores.open_source, task.source), video, track),
        stream_shots(init, segments(), track.timescale),
        _step(task, stores),
        Fraction(10) if task.container in JUMPING else Fraction(86_400),
        even=video.rate is not None,
        lead=task.lead,
        repeats=task.repeats,
    )
    return CheckResult(
        key=task.key,
        faults=tuple(f"{track.folder}: {fault}" for fault in judge(found, task.excused, task.repeats)),
        frames=found.matched,
    )


def _step(task: SourceCheckTask, stores: Stores) -> Fraction:
    """Return the usual distance of the source's pictures, seconds: not the average, which pauses lengthen."""
    average = 1 / task.video.average_rate
    first = stores.media.get(segment_key(task.track.folder, 0))
    durations = [ticks for part in fragments(first) for ticks in part.durations] if first is not None else []
    return min(average, Fraction(median_low(durations), task.track.timescale)) if durations else average
