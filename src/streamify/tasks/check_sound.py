"""The check of a whole audio track against its source: every sound at its time and level, by another path."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from streamify.dest.layout import init_key, segment_key
from streamify.media.audio.likeness import compare, named
from streamify.media.audio.linear import LinearSound, first_heard, pairs_of, stretches, track_samples
from streamify.media.audio.narrow_mix import Pair
from streamify.media.source.audio_facts import read_audio
from streamify.media.source.first_picture import first_shown
from streamify.media.source.told import told_breaks, told_list
from streamify.model.result import CheckResult
from streamify.model.source import ClockBreak
from streamify.model.task import SoundCheckTask
from streamify.planning.claims import claim_faults
from streamify.storage.base import Stores


def run_check_sound(task: SoundCheckTask, stores: Stores) -> CheckResult:
    """Decode the sound of source and track side by side and compare them. Faults are results."""
    track = task.track
    init = stores.media.get(init_key(track.folder))
    if init is None:
        return CheckResult(key=task.key, faults=(f"{init_key(track.folder)} is missing",), frames=0)
    faults: list[str] = []
    if all(one.within is None for one in task.strands):  # else the container does not list it at its start
        faults += claim_faults(
            track, read_audio(partial(stores.open_source, task.source), task.program), task.audio_map
        )
    frames = 0
    origin = _origin(task, stores)
    breaks = told_breaks(partial(stores.open_source, task.source), task.video.stream) if task.video is not None else ()
    for pair in pairs_of(track.recipe.channels):
        more, frames = _compared(task, stores, init, origin, breaks, pair)
        faults += more
        if more:
            break
    return CheckResult(key=task.key, faults=tuple(f"{track.folder}: {fault}" for fault in faults), frames=frames)


def _compared(
    task: SoundCheckTask,
    stores: Stores,
    init: bytes,
    origin: Fraction,
    breaks: tuple[ClockBreak, ...],
    pair: Pair | None,
) -> tuple[list[str], int]:
    """Return what is wrong with two channels of a track, or its mix to stereo, and how many stretches were compared."""
    track = task.track

    def segments() -> Iterator[bytes]:
        for index in range(task.segments):
            data = stores.media.get(segment_key(track.folder, index))
            if data is not None:  # what is missing is named by the checks of the segments
                yield data

    sound = LinearSound(
        partial(stores.open_source, task.source),
        task.strands,
        track.recipe.layout,
        origin,
        breaks,
        alone=task.video is None,
        begin=task.begin or Fraction(0),
        pair=pair,
    )
    found = compare(
        stretches(sound),
        track_samples(init, segments(), track.timescale, pair),
        task.gain,
        levels=pair is None,  # 5.1 that is mixed from more is not at the level of its channels
        cut=task.cut,
        names=pair or ("left", "right"),
    )
    return list(named(found)), found.compared


def _origin(task: SoundCheckTask, stores: Stores) -> Fraction:
    """Return when the track begins on the source's clock, seconds: with the first picture, or the first sound."""
    opened = partial(stores.open_source, task.source)
    if task.video is not None:
        told = None if task.ffmpeg_edits else told_list(opened, task.video.stream)
        first = first_shown(opened, task.video, told)
    else:
        first = first_heard(opened, task.program)
    if task.begin is not None:
        return task.track.recipe.origin if first is None else first + task.begin
    return (first if first is not None else task.track.recipe.origin + task.lead) - task.lead
