"""Pictures that change midway, in size, aspect, rotation, format or colours: what counts, and notes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from streamify.model.source import Colour, Look, Note, Part, VideoFacts


def usual_look(parts: Sequence[Part], end: int) -> Look:
    """Return the look that ladder and renditions are made for.

    It is one of the aspect that is shown longest, the first of those that are; of that aspect the largest, so that
    nothing of a recording that adapts its size to the network is lost; of several that large, as they differ in their
    colours, the one that is shown longest.

    Args:
        parts: In order.
        end: End of the last one, source ticks.
    """
    lasts: dict[Fraction, int] = {}
    each: dict[Look, int] = {}
    borders = [*(part.first for part in parts), end]
    for part, (start, stop) in zip(parts, pairwise(borders), strict=True):
        lasts[_aspect(part.look)] = lasts.get(_aspect(part.look), 0) + stop - start
        each[part.look] = each.get(part.look, 0) + stop - start
    longest = max(lasts, key=lambda aspect: lasts[aspect])
    fitting = [part.look for part in parts if _aspect(part.look) == longest]
    return max(fitting, key=lambda look: (look.display, each[look]))


def _aspect(look: Look) -> Fraction:
    width, height = look.display
    return width / height


def change_notes(video: VideoFacts, origin: int, parts: Iterable[Part], *, drawn: bool = False) -> Iterator[Note]:
    """Yield a note for each change.

    Args:
        video: Facts of the pictures.
        origin: Source tick that is second 0.
        parts: Runs of pictures that look alike, in order, the first of the film included.
        drawn: Whether subtitles are drawn into the pictures: for the shape of most of them.
    """
    for before, part in pairwise(parts):
        if before.look == part.look:
            continue
        at = f"from {float((part.first - origin) * video.time_base):.3f} s on"
        old, new = before.look, part.look
        if old.colour != new.colour:
            yield from _colour_note(old.colour, new.colour, at)
        if _geometry(old) == _geometry(new):
            if _format(old) == _format(new):
                continue
            yield Note(kind="info", what=f"{new.pixel_format} pictures {at}, no longer {old.pixel_format}",
                       why="made 4:2:0 with 8 bit as all others")  # fmt: skip
        else:
            yield Note(kind="converted", what=f"pictures of {described(new)} {at}, no longer {described(old)}",
                       why=_shown(new, video.look))  # fmt: skip
            if drawn and _aspect(new) != _aspect(video.look):
                yield Note(kind="info", what=f"subtitles in the pictures {at}",
                           why="drawn for the shape of most pictures, and squeezed with these")  # fmt: skip


def _geometry(look: Look) -> Look:
    return look.model_copy(update={"pixel_format": "", "colour": Colour()})


def _format(look: Look) -> str:
    """Return the pixel format. Names that begin with yuvj say the full range, which another note does."""
    return look.pixel_format.replace("yuvj", "yuv")


def _colour_note(old: Colour, new: Colour, at: str) -> Iterator[Note]:
    """Yield what changes of the colours; nothing where all of it is shown alike."""
    before, after = _colours(old), _colours(new)
    if before != after:
        yield Note(kind="converted", what=f"pictures of {after} {at}, no longer {before}",
                   why="converted by their own description to the colours of the renditions")  # fmt: skip
    elif _PRIMARIES.get(old.primaries) != _PRIMARIES.get(new.primaries):
        yield Note(kind="info", what=f"pictures of other primaries ({new.primaries} of ITU-T H.273) {at}",
                   why="shown with those of most pictures: the difference is small")  # fmt: skip


_PRIMARIES: Final = MappingProxyType({1: 709, 5: 625, 6: 525, 7: 525, 2: 0})
_MATRICES: Final = MappingProxyType(
    {0: "RGB", 1: "BT.709", 2: "untagged colours", 4: "FCC", 5: "BT.601", 6: "BT.601", 7: "SMPTE 240M", 9: "BT.2020",
     8: "YCgCo", 10: "BT.2020", 14: "ICtCp"}
)  # fmt: skip
_TRANSFERS: Final = MappingProxyType({16: " PQ", 18: " HLG"})


def _colours(colour: Colour) -> str:
    """Return colours in words: `BT.709`, `BT.601 in full range`, `BT.2020 PQ`."""
    matrix = _MATRICES.get(colour.matrix, f"matrix {colour.matrix}")
    return f"{matrix}{_TRANSFERS.get(colour.transfer, '')}{' in full range' if colour.full_range else ''}"


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
