"""What is done next: what viewers wait for, what they will want after it, then the rest of the job. Pure.

An order changes when a segment is made, never its bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from streamify.model.track import AudioTrack, VideoTrack
from streamify.planning.budget import AUDIO_PRIORITY

AHEAD = 2
"""Segments of a track that are made ahead of a viewer who asked for one."""

MOST_AHEAD = 4
"""Segments of all viewers, for each worker, that are being made ahead of being asked for."""

FOLLOWING = AUDIO_PRIORITY + 9
"""Priority of a segment that a viewer is about to ask for; of the nearest of them the greatest."""

DEMANDED = FOLLOWING + AHEAD + 1
"""Priority of a segment that a viewer waits for."""

DEMANDED_SOUND = DEMANDED + 1
"""Priority of sound that a viewer waits for, until its segment exists: it takes a tenth of what pictures take."""

FIRST = DEMANDED + 2
"""Priority of what all viewers of a stream wait for: its description."""

URGENT = FOLLOWING
"""Priority from which a task starts at once and others pause."""


class Wanted(NamedTuple):
    """A segment of a track."""

    track: str
    """Its id."""
    segment: int


def foreseen(video: Sequence[VideoTrack], audio: Sequence[AudioTrack]) -> tuple[Wanted, ...]:
    """Return what the first viewer of a stream will ask for, before anybody has: the start of the lowest rung and of
    the sound that players choose.

    Args:
        video: The ladder.
        audio: The sound.
    """
    lowest = min(video, key=lambda track: (track.recipe.maxrate, track.height), default=None)
    default = next((track for track in audio if track.labels.default), audio[0] if audio else None)
    return tuple(Wanted(track.id, 0) for track in (lowest, default) if track is not None)


def agenda(demands: Iterable[Wanted], segments: int, made: Collection[tuple[str, int]]) -> Iterator[tuple[Wanted, int]]:
    """Yield what viewers want and what they will want after it, each once and with its priority.

    Args:
        demands: What viewers wait for, in the order in which they asked.
        segments: How many the stream has.
        made: (track, segment) of what exists or is being made on a viewer's behalf.
    """
    asked = list(dict.fromkeys(demands))
    chosen = {wanted: DEMANDED for wanted in asked if wanted not in made}
    for ahead in range(1, AHEAD + 1):
        for track, segment in asked:
            following = Wanted(track, segment + ahead)
            if following.segment < segments and following not in made:
                chosen.setdefault(following, FOLLOWING + AHEAD - ahead)
    yield from chosen.items()
