"""How channels of a source become those of the output: coefficients by ITU-R BS.775, at most 1 in all. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

Row = tuple[float, ...]
"""What an output channel takes of each input channel."""

HALF = sqrt(0.5)
"""-3 dB: half the power."""
LOUDEST = 2.0
"""The greatest level that a stream may give; A/52 and ETSI TS 102 366 stop at 1.41 (LFE: 3.16)."""

STEREO = ("FL", "FR")
SURROUND = ("FL", "FR", "FC", "LFE", "SL", "SR")
"""The channels of 5.1 in FFmpeg's order; encoders that call the last two BL and BR mean the same loudspeakers."""

UNLABELLED: Mapping[int, tuple[str, ...]] = {
    1: ("FC",),
    2: STEREO,
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}
"""What channels without labels are taken for: the order of WAV. Any other number is mixed evenly."""

_FRONT = {"FL": "L", "FR": "R", "DL": "L", "DR": "R", "FLC": "L", "FRC": "R", "WL": "L", "WR": "R"}
_CENTRE = {"FC", "BFC", "TFC", "TC"}
_SIDE = {
    "BL": "L", "BR": "R", "SL": "L", "SR": "R", "SDL": "L", "SDR": "R", "SSL": "L", "SSR": "R", "TTL": "L", "TTR": "R",
    "TFL": "L", "TFR": "R", "TBL": "L", "TBR": "R", "TSL": "L", "TSR": "R", "BFL": "L", "BFR": "R",
}  # fmt: skip
_BACK = {"BC", "TBC"}
_BASS = {"LFE", "LFE2"}


@dataclass(frozen=True)
class Levels:
    """At which level channels are mixed into stereo (Lo/Ro)."""

    centre: float = HALF
    surround: float = HALF
    lfe: float = 0.0

    @classmethod
    def given(cls, centre: float, surround: float, lfe: float) -> Levels:
        """Return levels that a stream carries; the standard ones in place of what cannot be one."""

        def usable(value: float) -> bool:
            return isfinite(value) and 0 <= value <= LOUDEST

        return cls(
            centre if usable(centre) else HALF,
            surround if usable(surround) else HALF,
            lfe if usable(lfe) else 0.0,
        )


def matrix(channels: Sequence[str], outputs: int, levels: Levels) -> tuple[Row, ...]:
    """Return one row of coefficients for each output channel.

    The coefficients of a row sum to at most 1: whatever the source holds, nothing clips. All rows are scaled alike.

    Args:
        channels: FFmpeg's names of the source's channels, in order; ``NONE`` and ``UNK``: no label.
        outputs: 2: `STEREO`, 6: `SURROUND`.
        levels: Of the mix into stereo.
    """
    named = _named(channels)
    places = STEREO if outputs == 2 else SURROUND
    columns = [_stereo(name, named, levels) if outputs == 2 else _surround(name, named) for name in named]
    rows = [[column.get(place, 0.0) for column in columns] for place in places]
    scale = 1 / max(1.0, *(sum(map(abs, row)) for row in rows))
    return tuple(tuple(scale * value for value in row) for row in rows)


def _named(channels: Sequence[str]) -> tuple[str, ...]:
    if len(channels) == 1:
        return ("FC",)
    if all(name in ("NONE", "UNK") for name in channels):
        return UNLABELLED.get(len(channels), tuple(channels))
    if set(channels) == {"FL", "FR", "LFE"}:
        # FFmpeg's name for any three channels without labels: the third may be a centre, and would be lost.
        return tuple("FC" if name == "LFE" else name for name in channels)
    return tuple(channels)


def _stereo(name: str, named: Sequence[str], levels: Levels) -> Mapping[str, float]:
    """Return what left and right take of a channel."""
    if name in _FRONT:
        return {f"F{_FRONT[name]}": 1.0}
    if name in _SIDE:
        return {f"F{_SIDE[name]}": levels.surround}
    if name in _BASS:
        value = levels.lfe
    elif name in _CENTRE:
        # A centre beside neither left nor right is mono: the same signal on both channels.
        value = levels.centre if any(other in _FRONT for other in named) else 1.0
    elif name in _BACK:
        value = levels.surround * HALF
    elif name == "AMBI0":
        value = 0.5  # ACN order, W and Y: what two cardioids to the left and right pick up
    elif name == "AMBI1":
        return {"FL": 0.5, "FR": -0.5}
    elif name.startswith("AMBI"):
        value = 0.0
    else:
        value = 1.0 if len(named) == 1 else HALF
    return {"FL": value, "FR": value}


def _surround(name: str, named: Sequence[str]) -> Mapping[str, float]:
    """Return what the channels of 5.1 take of a channel."""
    if name in SURROUND[:4]:
        return {name: 1.0}
    if name in _FRONT:
        return {f"F{_FRONT[name]}": HALF}
    if name in ("BL", "BR", "SL", "SR"):
        both = {"BL", "SL"} <= set(named)
        return {f"S{name[1]}": HALF if both else 1.0}
    if name in ("TFL", "TFR", "BFL", "BFR"):
        return {f"F{name[2]}": HALF}
    if name in _SIDE:
        return {f"S{_SIDE[name]}": HALF}
    if name in _CENTRE:
        return {"FC": HALF}
    if name in _BACK:
        return {"SL": HALF, "SR": HALF}
    if name in _BASS:
        return {"LFE": 1.0}
    return {"FL": HALF, "FR": HALF}
