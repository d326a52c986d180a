"""Which loudspeakers the channels of a stream are for, as its container or its decoder says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from av.audio.codeccontext import AudioCodecContext

ORDER: Final = (
    "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR",
    "DL", "DR", "WL", "WR", "SDL", "SDR", "LFE2", "TSL", "TSR", "BFC", "BFL", "BFR", "SSL", "SSR", "TTL", "TTR",
)  # fmt: skip
"""FFmpeg's names in the order that its own layouts have them in."""

UNNAMED: Final = "NONE"
"""FFmpeg's name of a channel without a label."""

_NAMED = 64
"""Channels of which FFmpeg can list more than a mask has bits: the names of more are not asked for."""


@dataclass(frozen=True)
class Loudspeakers:
    """Of a stream."""

    count: int
    layout: str
    """FFmpeg's name of it."""
    names: tuple[str, ...]
    """FFmpeg's names of the channels, in the order of their samples; none where there are very many."""


def loudspeakers(context: AudioCodecContext) -> Loudspeakers:
    """Return the channels of a stream whose decoder is not in use yet. Call it before anything else asks for them.

    A layout that lists its channels in an order of its own (from a `chan` or `chnl` box) is a piece of memory which
    PyAV's objects share and each of them frees, those of decoded frames too. So it is taken out of the decoder here:
    frames then have channels without names, and `named` gives them back.
    """
    layout = context.layout
    count, name = layout.nb_channels, layout.name
    names = tuple(one.name for one in layout.channels) if count <= _NAMED else ()
    if count and not context.is_open and _is_list(names):
        context.layout = f"{count} channels"  # the list is now this function's `layout` alone
    return Loudspeakers(count, name, names)


def named(names: Sequence[str], told: Sequence[str]) -> tuple[str, ...]:
    """Return what the channels of a frame are called, by the layout of the frame or else by that of its stream.

    Args:
        names: FFmpeg's, of the frame.
        told: Of its stream.
    """
    if len(told) == len(names) and all(name == UNNAMED for name in names):
        return tuple(told)
    return tuple(names)


def _is_list(names: Sequence[str]) -> bool:
    """Whether FFmpeg can only list the channels, because no mask of its own, and no order of Ambisonics, tells them."""
    if names and (all(name == UNNAMED for name in names) or names[0].startswith("AMBI")):
        return False
    places = [ORDER.index(name) if name in ORDER else -1 for name in names]
    return not places or any(one >= after for one, after in zip([-1, *places], places, strict=False))
