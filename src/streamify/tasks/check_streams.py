"""The check of which streams a stream was made of: all that the source has, or the report names those left out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from streamify.media.source.told_streams import ToldStreams, late_sounds, told_streams
from streamify.model.result import CheckResult
from streamify.model.task import StreamsCheckTask
from streamify.storage.base import Stores


def run_check_streams(task: StreamsCheckTask, stores: Stores) -> CheckResult:
    """Ask the source for its streams. Faults are results."""
    opened = partial(stores.open_source, task.source)
    told = told_streams(opened, task.program)
    faults = [*_faults(task, told)]
    known = {*task.audio, *task.dropped}
    if not faults and (late := late_sounds(opened, told, len(known), task.source.size)):
        faults.append(f"the source has {late} audio streams later on, {len(known)} became tracks or are named")
    return CheckResult(key=task.key, faults=tuple(faults), frames=0)


def _faults(task: StreamsCheckTask, told: ToldStreams) -> Iterator[str]:
    if task.video != told.video:
        yield f"the pictures are those of {_named(task.video)}; by the source it is {_named(told.video)}"
    for stream, what in told.audio.items():
        if stream not in task.audio and stream not in task.dropped:
            yield f"audio stream {stream} of the source ({what}) is in no track, and the report does not name it"


def _named(stream: int | None) -> str:
    return "no video stream" if stream is None else f"video stream {stream}"
