"""The check of which streams a stream was made of: all that the source has, or the report names those left out."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from streamify.media.drawn.witness import unlike
from streamify.media.source.told_streams import ToldStreams, late_sounds, told_streams
from streamify.model.result import CheckResult
from streamify.model.task import StreamsCheckTask
from streamify.storage.base import Stores
from streamify.tasks.burn import read_part


def run_check_streams(task: StreamsCheckTask, stores: Stores) -> CheckResult:
    """Ask the source for its streams. Faults are results."""
    opened = partial(stores.open_source, task.source)
    told = told_streams(opened, task.program)
    faults = [*_faults(task, told)]
    known = {*task.audio, *task.dropped}
    if not faults and (late := late_sounds(opened, told, len(known), task.source.size)):
        faults.append(f"the source has {late} audio streams later on, {len(known)} became tracks or are named")
    if not faults and task.burn is not None and task.burn.stream is not None and task.span is not None:
        faults += unlike(opened, task.burn.stream, _drawn(task, stores), task.span)
    return CheckResult(key=task.key, faults=tuple(faults[:50]), frames=0)


def _drawn(task: StreamsCheckTask, stores: Stores) -> Iterator[tuple[Fraction, Fraction]]:
    """Yield when something is drawn into the pictures."""
    assert task.span is not None
    for key in task.burn_parts:
        for one in read_part(key, stores.media).shown:
            yield one.start, one.end if one.end is not None else task.span[1]


def _faults(task: StreamsCheckTask, told: ToldStreams) -> Iterator[str]:
    if task.video != told.video:
        yield f"the pictures are those of {_named(task.video)}; by the source it is {_named(told.video)}"
    for stream, what in told.audio.items():
        if stream not in task.audio and stream not in task.dropped:
            yield f"audio stream {stream} of the source ({what}) is in no track, and the report does not name it"


def _named(stream: int | None) -> str:
    return "no video stream" if stream is None else f"video stream {stream}"
