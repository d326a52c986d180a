"""Pictures that change size, aspect, rotation or pixel format midway: what the ladder is made for, and notes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from streamify.model.source import Look, Note, Part, VideoFacts


def usual_look(parts: Sequence[Part], end: int) -> Look:
    """Return the look that ladder and renditions are made for.

    It is one of the aspect that is shown longest, the first of those that are; of that aspect the largest, so that
    nothing of a recording that adapts its size to the network is lost.

    Args:
        parts: In order.
        end: End of the last one, source ticks.
    """
    lasts: dict[Fraction, int] = {}
    borders = [*(part.first for part in parts), end]
    for part, (start, stop) in zip(parts, pairwise(borders), strict=True):
        lasts[_aspect(part.look)] = lasts.get(_aspect(part.look), 0) + stop - start
    longest = max(lasts, key=lambda aspect: lasts[aspect])
    fitting = [part.look for part in parts if _aspect(part.look) == longest]
    return max(fitting, key=lambda look: look.display)


def _aspect(look: Look) -> Fraction:
    width, height = look.display
    return width / height


def change_notes(video: VideoFacts, origin: int, parts: Iterable[Part]) -> Iterator[Note]:
    """Yield a note for each change.

    Args:
        video: Facts of the pictures.
        origin: Source tick that is second 0.
        parts: Runs of pictures that look alike, in order, the first of the film included.
    """
    for before, part in pairwise(parts):
        if before.look == part.look:
            continue
        at = f"from {float((part.first - origin) * video.time_base):.3f} s on"
        old, new = before.look, part.look
        if _geometry(old) == _geometry(new):
            yield Note(kind="info", what=f"{new.pixel_format} pictures {at}, no longer {old.pixel_format}",
                       why="made 4:2:0 with 8 bit as all others")  # fmt: skip
        else:
            yield Note(kind="converted", what=f"pictures of {described(new)} {at}, no longer {described(old)}",
                       why=_shown(new, video.look))  # fmt: skip


def _geometry(look: Look) -> Look:
    return look.model_copy(update={"pixel_format": ""})


def described(look: Look) -> str:
    """Return a look's geometry in words."""
    text = f"{look.width}x{look.height}"
    text += f" with sample aspect {look.sample_aspect}" if look.sample_aspect != 1 else ""
    text += f" rotated by {look.rotation} degrees" if look.rotation else ""
    return text + (" and mirrored" if look.mirrored else "")


def _shown(look: Look, usual: Look) -> str:
    own, wanted = _aspect(look), _aspect(usual)
    if own == wanted:
        return "scaled to the size of the renditions"
    sides = "left and right" if own < wanted else "above and below"
    return f"shown at their own aspect, with black {sides}"
