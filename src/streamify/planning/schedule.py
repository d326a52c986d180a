"""In which order the tasks of a job are handed out, and how many threads each gets. Changes speed, never bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from streamify.model.track import VideoTrack

Groups = tuple[tuple[int, ...], ...]
"""Renditions that share one decode of a segment: indices into the ladder, each in one group."""


@dataclass(frozen=True)
class Group:
    """One task: a segment and the renditions made from its one decode (indices into the ladder)."""

    segment: int
    renditions: tuple[int, ...]
    threads: int = 1
    """Threads that encode."""


def schedule(
    missing: Sequence[tuple[int, tuple[int, ...]]], workers: int, weight: Callable[[int], int]
) -> Iterator[Group]:
    """Yield groups in the order in which they should start.

    One decode feeds all renditions of a segment, on one thread: that packs best as long as there are more segments
    than cores. Segments go in order, but for the tail: of the last ones the dearest go first, so that the cores end
    close together, and the encoders of the very last get a thread each, so that none idles. No picture is decoded
    twice for that.

    Args:
        missing: Segments in order, each with the renditions that do not exist yet.
        workers: Tasks that run at the same moment.
        weight: Hint of what a segment costs; asked for the tail alone.
    """
    if workers == 1:
        yield from (Group(segment, renditions) for segment, renditions in missing)
        return
    tail = min(len(missing), 2 * workers)
    head = missing[: len(missing) - tail]
    yield from (Group(segment, renditions) for segment, renditions in head)
    ordered = sorted(missing[len(missing) - tail :], key=lambda item: (-weight(item[0]), item[0]))
    for place, (segment, renditions) in enumerate(ordered):
        yield Group(segment, renditions, len(renditions) if tail - place <= workers else 1)


def each_alone(video: Sequence[VideoTrack]) -> Groups:
    """Return a group for each rendition."""
    return tuple((number,) for number in range(len(video)))


def group_renditions(video: Sequence[VideoTrack], below: int) -> Groups:
    """Return the renditions that share a call, in ladder order.

    Args:
        video: The ladder.
        below: Renditions whose shorter side is below this, pixels, share one; all others have one of their own.
    """
    small = tuple(number for number, track in enumerate(video) if min(track.width, track.height) < below)
    alone = tuple((number,) for number in range(len(video)) if number not in small)
    return (*alone, small) if small else alone


def spread(missing: Iterable[tuple[int, tuple[int, ...]]], groups: Groups, opening: int = 0) -> Iterator[Group]:
    """Yield groups for workers that are started by the thousand: segment by segment, every group by itself.

    Args:
        missing: As of `schedule`.
        groups: Renditions that share a decode.
        opening: First segments whose smallest rendition `opened` yields.
    """
    smallest = max((number for group in groups for number in group), default=0)
    for segment, renditions in missing:
        for group in groups:
            wanted = tuple(one for one in group if one in renditions and (segment >= opening or one != smallest))
            if wanted:
                yield Group(segment, wanted)


def opened(missing: Iterable[tuple[int, tuple[int, ...]]], groups: Groups, opening: int) -> Iterator[Group]:
    """Yield the smallest rendition of the first segments, alone: with the sound, all that a first viewer needs.

    Args:
        missing: As of `schedule`.
        groups: As of `spread`.
        opening: How many segments.
    """
    smallest = max((number for group in groups for number in group), default=0)
    yield from (Group(segment, (smallest,)) for segment, wanted in missing if segment < opening and smallest in wanted)
