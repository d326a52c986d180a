"""Which picture of the output carries which captions. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence


def place(
    captions: Sequence[tuple[int, bytes]], decoded: Sequence[int], kept: Sequence[tuple[int, int]]
) -> Mapping[int, bytes]:
    """Return the cc_data of each picture of a segment that carries some, by its ticks.

    A picture of the source is shown once or more, and its captions are carried where it is shown first. Those of a
    picture that is left out (above 60 per second) or lost go to the next one of the segment, or else to the last: the
    order of all stays, nothing is doubled, and nothing crosses into another segment.

    Args:
        captions: Presentation times, source ticks, and cc_data of one segment, in order.
        decoded: Presentation times of its pictures, in order.
        kept: Of those that are shown the presentation time and the ticks from the start of the segment, in order.
    """
    times = [pts for pts, _ in kept]
    placed: dict[int, list[bytes]] = {}
    for pts, triples in captions:
        # Of a field with a time of its own it is the picture before.
        number = bisect_right(decoded, pts)
        picture = decoded[number - 1] if number else pts
        at = min(bisect_left(times, picture), len(kept) - 1)
        ticks = kept[at][1] if kept else 0  # nothing but a picture that stands is shown
        placed.setdefault(ticks, []).append(triples)
    return {ticks: b"".join(parts) for ticks, parts in placed.items()}
