"""The events that jobs send, in one wording for every engine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from streamify.errors import StreamifyError
from streamify.executors.base import OnEvent
from streamify.jobs.cost import opening_lengths
from streamify.model.event import Event, EventKind
from streamify.model.plan import Plan
from streamify.model.report import Report

Tell = Callable[[EventKind, str, dict[str, Any]], None]


def no_event(_: Event) -> None:
    """Take an event and do nothing."""


def teller(on_event: OnEvent) -> Tell:
    """Return what makes events of a kind, a line for people and data for machines."""

    def tell(kind: EventKind, message: str, data: dict[str, Any]) -> None:
        on_event(Event(time=time.time(), kind=kind, message=message, data=data))

    return tell


def narrated(tell: Tell, run: Callable[[], Report]) -> Report:
    """Run a job; tell how it ended."""
    try:
        report = run()
    except StreamifyError as error:
        tell("job.failed", str(error), {"code": error.code, "exit_code": error.exit_code})
        raise
    tell("job.finished", f"finished in {report.wall_seconds:.1f} s", {"wall_seconds": report.wall_seconds})
    return report


def tell_plan(plan: Plan, done: set[tuple[str, int]], tell: Tell) -> None:
    """Tell what is to be done, and that `done` - (track, segment) - was there before."""
    total = plan.segments * len(plan.tracks)
    if plan.source.scanned:
        tell("note", "the container has no usable index: the source was read once from end to end to plan it", {})
    data = {
        "segments": plan.segments,
        "renditions": [track.name for track in plan.video],
        "audio": len(plan.audio),
        "duration": plan.timeline.end / plan.timeline.timescale,
        "total": total,
        "reused": len(done),
        "frames": plan.source.video.frames if plan.source.video is not None else 0,
        "reused_by": _reused_by(plan, done),
        "cost": plan.estimate.cost,
        "opening": opening_lengths(plan),
    }
    segments, tracks = plan.segments, len(plan.tracks)
    what = f"{segments} segment{'s'[: segments != 1]} x {tracks} track{'s'[: tracks != 1]}"
    tell("plan.ready", f"{what}, {len(done)} of {total} exist" if done else what, data)


def _reused_by(plan: Plan, done: set[tuple[str, int]]) -> dict[str, int]:
    names = {track.id: track.name for track in plan.video}
    return dict(Counter(names.get(track, "audio") for track, _ in done))
