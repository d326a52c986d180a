"""The check of a whole audio track against its source: every sound at its time and level, by another path."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from streamify.dest.layout import init_key, segment_key
from streamify.media.audio.likeness import compare, named
from streamify.media.audio.linear import LinearSound, stretches, track_samples
from streamify.model.task import CheckResult, SoundCheckTask
from streamify.storage.base import Stores


def run_check_sound(task: SoundCheckTask, stores: Stores) -> CheckResult:
    """Decode the sound of source and track side by side and compare them. Faults are results."""
    track = task.track
    init = stores.media.get(init_key(track.folder))
    if init is None:
        return CheckResult(key=task.key, faults=(f"{init_key(track.folder)} is missing",), frames=0)

    def segments() -> Iterator[bytes]:
        for index in range(task.segments):
            data = stores.media.get(segment_key(track.folder, index))
            if data is not None:  # what is missing is named by the checks of the segments
                yield data

    sound = LinearSound(
        partial(stores.open_source, task.source),
        task.strands,
        track.recipe.layout,
        track.recipe.origin,
        task.breaks,
        task.alone,
    )
    found = compare(
        stretches(sound),
        track_samples(init, segments(), track.timescale),
        task.gain,
        levels=track.recipe.channels == 2,  # 5.1 that is mixed from more is mixed down once more to be compared
        cut=task.cut,
    )
    faults = tuple(f"{track.folder}: {fault}" for fault in named(found))
    return CheckResult(key=task.key, faults=faults, frames=found.compared)
