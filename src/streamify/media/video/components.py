"""Pictures whose components FFmpeg's scaler does not convert: YCgCo, and ICtCp with PQ or HLG. Pure arithmetic.

ITU-T H.273 has YCgCo, ITU-R BT.2100 (table 7) ICtCp. The axes of their tables are those of pictures whose planes are
taken for G, B and R, as those of `Dolby` are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streamify.media.source.reshaping import Curve, Piece, Reshaping
from streamify.media.video.dolby import Dolby
from streamify.media.video.gamut import Wide
from streamify.media.video.tonemap import NOMINAL_PEAK, Hdr, Triple, even, hlg_display, hlg_scene, light_709, shown

MOST = 1023
"""The largest sample of 10 bits."""


@dataclass(frozen=True)
class YCgCo:
    """What decides the conversion."""

    full: bool
    """Whether the range is."""
    then: Hdr | Wide | None = None
    """What R'G'B' goes through; ``None``: it stays as it is."""

    def axes(self, points: int) -> tuple[list[float], list[float], list[float]]:
        """Return where on each axis the points of `table` are, in the order third, first, second component."""
        return even(points), even(points), even(points)

    def table(self, points: int) -> Iterator[Triple]:
        """Yield R'G'B': the third component varies fastest, then the first, then the second."""
        luma, chroma = _scales(self.full)
        steps = even(points)
        for b in steps:
            for a in steps:
                for c in steps:
                    y, green, orange = luma[0] + luma[1] * a, chroma[0] + chroma[1] * b, chroma[0] + chroma[1] * c
                    rgb = y - green + orange, y + green, y - green - orange
                    # What stays as it is has no bounds here: white lies between two points of the table.
                    yield self.then.converted(_bounded(rgb)) if self.then is not None else rgb


def ictcp(*, full: bool, peak: int | None) -> Dolby:
    """Return the conversion of ICtCp: that of Dolby Vision's IPT with other matrices, and samples scaled."""
    luma, (low, high) = _scales(full)
    one, other = Curve((0.0, 1.0), (Piece(luma),)), Curve((0.0, 1.0), (Piece((low + 0.5, high)),))
    return Dolby(Reshaping((one, other, other), _TO_LMS, (0.0, 0.5, 0.5), _CROSSTALK), peak)


@dataclass(frozen=True)
class HlgIctcp:
    """What decides the conversion of ICtCp with HLG."""

    full: bool
    """Whether the range is."""

    def axes(self, points: int) -> tuple[list[float], list[float], list[float]]:
        """Return where on each axis the points of `table` are, in the order third, first, second component."""
        return ictcp(full=self.full, peak=None).axes(points)

    def table(self, points: int) -> Iterator[Triple]:
        """Yield R'G'B': the third component varies fastest, then the first, then the second."""
        luma, chroma = _scales(self.full)
        third, first, second = self.axes(points)
        for b in second:
            for a in first:
                for c in third:
                    i, ct, cp = luma[0] + luma[1] * a, chroma[0] + chroma[1] * b, chroma[0] + chroma[1] * c
                    cones = [hlg_scene(one) for one in _bounded(_times(_HLG_TO_LMS, (i, ct, cp)))]
                    scene = _times(_LMS_TO_2020, (cones[0], cones[1], cones[2]))
                    yield shown(light_709(hlg_display(scene), BT2020), NOMINAL_PEAK)


_HLG_TO_LMS = (1.0, 0.01571858, 0.20958107, 1.0, -0.01571858, -0.20958107, 1.0, 1.02127108, -0.60527449)
"""The inverse of BT.2100's matrix for HLG, whose rows are (2048, 2048, 0), (3625, -7465, 3840) and (9500, -9212, -288)
of 4096.
"""
_LMS_TO_2020 = (
    3.43660669, -2.50645212, 0.06984542,
    -0.79132956, 1.98360045, -0.19227090,
    -0.02594990, -0.09891371, 1.12486361,
)  # fmt: skip
"""The inverse of BT.2100's matrix, whose rows are (1688, 2146, 262), (683, 2951, 462) and (99, 309, 3688) of 4096."""
BT2020 = 9
"""Primaries (ITU-T H.273)."""


def _times(matrix: Sequence[float], values: Triple) -> Triple:
    first, second, third = (
        sum(one * value for one, value in zip(matrix[row : row + 3], values, strict=True)) for row in (0, 3, 6)
    )
    return first, second, third


_TO_LMS = (1.0, 0.00860904, 0.11102963, 1.0, -0.00860904, -0.11102963, 1.0, 0.56003134, -0.32062717)
"""The inverse of BT.2100's matrix, whose rows are (2048, 2048, 0), (6610, -13613, 7003) and (17933, -17390, -543) of
4096.
"""
_MORE, _LESS = 0.96 / 0.88, -0.04 / 0.88
_CROSSTALK = (_MORE, _LESS, _LESS, _LESS, _MORE, _LESS, _LESS, _LESS, _MORE)
"""Undoes the 4 % that each cone takes of both others."""


def _scales(full: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return what makes 0 to 1 of luma, and -0.5 to 0.5 of chroma: constant, and factor of a sample in 0 to 1."""
    if full:
        return (0.0, 1.0), (-512 / MOST, 1.0)
    return (-64 / 876, MOST / 876), (-512 / 896, MOST / 896)


def _bounded(rgb: Triple) -> Triple:
    red, green, blue = (min(1.0, max(0.0, value)) for value in rgb)
    return red, green, blue
