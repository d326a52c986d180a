"""The check of a whole stream against its source: every picture once, in order and at its time, by another path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain, islice, pairwise
from statistics import median, median_low

from streamify.dest.layout import init_key, segment_key
from streamify.media.lockstep import BACK, SETTLING, Shot, follow, judge, settled
from streamify.media.shots import source_shots, stream_shots
from streamify.media.source.told import told_list, told_parts
from streamify.model.burn import Shown
from streamify.model.result import CheckResult
from streamify.model.task import SourceCheckTask
from streamify.mp4.fragments import fragments
from streamify.storage.base import Stores
from streamify.tasks.burn import read_part

JUMPING = ("mpegts", "mpeg")
"""Containers whose clock may be set anew, as opposed to those in which a leap is a pause."""

FEW = 3
"""Pictures of a recording below which their times do not say which of them is off."""


def run_check_source(task: SourceCheckTask, stores: Stores) -> CheckResult:
    """Decode source and stream side by side and compare them. Faults are results."""
    track, video = task.track, task.video
    init = stores.media.get(init_key(track.folder))
    if init is None:
        return CheckResult(key=task.key, faults=(f"{init_key(track.folder)} is missing",), frames=0)

    def segments() -> Iterator[bytes]:
        for index in range(task.first, task.first + task.segments):
            data = stores.media.get(segment_key(track.folder, index))
            if data is not None:  # what is missing is named by the checks of the segments
                yield data

    step = _step(task, stores)
    run = _source(task, stores, step)
    repeats = task.repeats + (task.cut is not None and task.cut.origin is not None)
    found = follow(
        run.shots,
        stream_shots(init, segments(), track.timescale),
        step,
        _ahead(task),
        even=video.rate is not None,
        lead=run.lead,
        repeats=repeats,
        settling=SETTLING if task.begin is None and run.lead >= 0 else 0,
        before=run.before,
        until=task.until,
    )
    faults = [*run.faults, *judge(found, task.excused * task.fields, repeats)]
    return CheckResult(key=task.key, faults=tuple(f"{track.folder}: {fault}" for fault in faults), frames=found.matched)


@dataclass(frozen=True)
class _Run:
    """What is followed of the source."""

    shots: Iterator[Shot]
    lead: Fraction
    """When the first of them is shown, seconds from the start of the stream."""
    before: Shot | None = None
    """The picture in front of it."""
    faults: tuple[str, ...] = ()
    """What is wrong with where the stream begins."""


def _source(task: SourceCheckTask, stores: Stores, step: Fraction) -> _Run:
    """Return the pictures of the task's range, and one more on both sides: what a picture shows is told beside them."""
    opened = partial(stores.open_source, task.source)
    edits = () if task.ffmpeg_edits else told_parts(told_list(opened, task.video.stream))
    video = task.video.model_copy(update={"edits": edits})
    origin = video.first * video.time_base
    shown = list(_shown(task, stores))
    if task.begin is None and task.cut is not None:  # its place is known by all that comes before
        shots = settled(source_shots(opened, video, task.track, step, shown=shown))
        first = list(islice(shots, SETTLING))
        return _Run(chain(first, shots), _late(first, task) - task.cut.begin)
    if task.begin is None:
        shots = settled(source_shots(opened, video, task.track, step, shown=shown))
        return _Run(_up_to(shots, task.until, origin, step), task.lead)
    begin = origin + task.begin - step / 2
    before: Shot | None = None
    shots = _up_to(source_shots(opened, video, task.track, step, begin - step * 3 / 2, shown), task.until, origin, step)
    for shot in shots:
        if shot.time is not None and shot.time >= begin:
            start = tuple(_start_faults(task, shot, before, stores, step)) if task.first == 0 else ()
            return _Run(chain([shot], shots), shot.time - origin, before, start)
        before = shot
    return _Run(iter(()), task.lead)


def _shown(task: SourceCheckTask, stores: Stores) -> Iterator[Shown]:
    """Yield what is drawn into the pictures, in order; parts that follow each other hold some of it twice."""
    latest: Fraction | None = None
    for key in task.burn_parts:
        for one in read_part(key, stores.media).shown:
            if latest is None or one.start > latest:
                latest = one.start
                yield one


def _ahead(task: SourceCheckTask) -> Fraction:
    """Return the seconds by which times may leap within a recording."""
    return Fraction(10) if task.container in JUMPING else Fraction(86_400)


def _late(first: Sequence[Shot], task: SourceCheckTask) -> Fraction:
    """Return by how much the first picture's time is off: a player's times of some sources settle only behind it.

    Where another recording begins among the first pictures, the times from there on say nothing of that.
    """
    if task.video.rate is None or not first or first[0].time is None:
        return Fraction(0)
    times = [(number, shot.time) for number, shot in enumerate(first) if shot.time is not None]
    own = next(
        (at for at, ((_, one), (_, two)) in enumerate(pairwise(times), 1) if not -BACK < two - one <= _ahead(task)),
        len(times),
    )
    if own < FEW:
        return Fraction(0)
    step = 1 / (task.video.rate * task.fields)
    late = first[0].time - median(time - number * step for number, time in times[:own])
    return late if abs(late) > step / 2 else Fraction(0)


ROUNDED = Fraction(1, 500)
"""Seconds by which a container may have rounded times."""


def _start_faults(
    task: SourceCheckTask, first: Shot, before: Shot | None, stores: Stores, step: Fraction
) -> Iterator[str]:
    """Yield where a stream that is a part of its film does not begin with the first picture from its start on."""
    opened = partial(stores.open_source, task.source)
    film = next(source_shots(opened, task.video, task.track, step), None)
    if task.cut is None or task.asked is None or film is None or film.time is None or first.time is None:
        return
    wanted = film.time + task.asked
    earlier = before is not None and before.time is not None and before.time >= wanted + ROUNDED
    if earlier or first.time < wanted - ROUNDED:
        yield (
            f"begins with the picture at {float(first.time - film.time):.3f} s of the film, not with the first one "
            f"from {float(task.asked):.3f} s on"
        )


def _up_to(shots: Iterator[Shot], until: Fraction | None, origin: Fraction, step: Fraction) -> Iterator[Shot]:
    """Yield pictures up to the first one at or after a time of the stream."""
    for shot in shots:
        yield shot
        if until is not None and shot.time is not None and shot.time >= origin + until - step / 2:
            return


def _step(task: SourceCheckTask, stores: Stores) -> Fraction:
    """Return the usual distance of the source's pictures, seconds: not the average, which pauses lengthen."""
    average = 1 / (task.video.average_rate * task.fields)
    first = stores.media.get(segment_key(task.track.folder, 0))
    durations = [ticks for part in fragments(first) for ticks in part.durations] if first is not None else []
    return min(average, Fraction(median_low(durations), task.track.timescale)) if durations else average
