"""Dolby Vision without a compatible base layer (IPT-PQ-C2) to SDR BT.709. Pure arithmetic.

ETSI TS 103 572 has how samples are reshaped, and the matrices. Reshaped components become PQ signals of the cones (L, M
and S), these light, and that light in the primaries of BT.2020; from there on it is a PQ picture like any other.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from streamify.media.pq import pq_light, pq_signal
from streamify.media.source.reshaping import Curve, Nine, Piece, Reshaping
from streamify.media.video.tonemap import NOMINAL_PEAK, REFERENCE_WHITE, SHORT, Triple, even, light_709, shown

BT2020 = 9
"""Primaries (ITU-T H.273)."""

WHITE_STEPS = 1 << 12
"""Places at which the white of SDR is looked for on the first axis."""

# The cones of Hunt, Pointer and Estevez, white D65, to the primaries of BT.2020: light.
_FROM_LMS: Nine = (
    3.06441879, -2.16597676, 0.10155818,
    -0.65612108, 1.78554118, -0.12943749,
    0.01736321, -0.04725154, 1.03004253,
)  # fmt: skip


@dataclass(frozen=True)
class Dolby:
    """What decides the conversion of pictures that share their metadata."""

    reshaping: Reshaping
    peak: int | None = None
    """cd/m2 of the brightest highlights."""

    def axes(self, points: int) -> tuple[list[float], list[float], list[float]]:
        """Return where on each axis the points of `table` are, in the order third, first, second component."""
        chroma = _around_grey(points)
        return chroma, self._luma(points), chroma

    def _luma(self, points: int) -> list[float]:
        """Return the points of the first component: as in `Hdr`, one is white where the roll-off is short."""
        if not SHORT[0] < (self.peak or NOMINAL_PEAK) < SHORT[1]:
            return even(points)
        steps, white = even(WHITE_STEPS), pq_signal(REFERENCE_WHITE) + self.reshaping.offset[0]
        first = _Reshaped(self.reshaping.curves[0], steps)
        place = next((one for at, one in enumerate(steps) if first.at(at, (one, 0.5, 0.5)) >= white), 1.0)
        at = place * (points - 1)
        return [*even(points, at / max(1, math.ceil(at)))[:-1], 1.0]  # FFmpeg scales what it finds by the last point

    def table(self, points: int) -> Iterator[Triple]:
        """Yield SDR BT.709 signals, R'G'B' in 0 to 1, for a grid of `points` along each of three axes.

        The axes are those of a picture whose planes are taken for G, B and R: the third component varies fastest, then
        the first, then the second.
        """
        chroma, luma, _ = self.axes(points)
        axes = (luma, chroma, chroma)
        first, second, third = map(_Reshaped, self.reshaping.curves, axes)
        to_2020 = _product(_FROM_LMS, self.reshaping.crosstalk)
        matrix, (low, middle, high) = self.reshaping.to_lms, self.reshaping.offset
        brightest = float(self.peak or NOMINAL_PEAK)
        for b, y in enumerate(chroma):
            for a, x in enumerate(luma):
                for c, z in enumerate(chroma):
                    sample = (x, y, z)
                    cones = _times(
                        matrix,
                        (first.at(a, sample) - low, second.at(b, sample) - middle, third.at(c, sample) - high),
                    )
                    light = _times(to_2020, (_light(cones[0]), _light(cones[1]), _light(cones[2])))
                    yield shown(light_709(light, BT2020), brightest)


def _around_grey(points: int) -> list[float]:
    """Return `points` from 0 to 1 that are close to each other in the middle, where nearly all colours are."""
    return [0.5 + 0.5 * (0.3 * step + 0.7 * step**3) for step in (2 * one - 1 for one in even(points))]


class _Reshaped:
    """One component on the grid; a polynomial depends on that component alone, and is worked out once a step."""

    def __init__(self, curve: Curve, steps: list[float]) -> None:
        self._low, self._high = curve.pivots[0], curve.pivots[-1]
        self._pieces = [curve.pieces[bisect_right(curve.pivots, step, 1, len(curve.pivots) - 1) - 1] for step in steps]
        self._own = [
            self._bounded(_polynomial(piece, step)) if piece.polynomial else None
            for piece, step in zip(self._pieces, steps, strict=True)
        ]

    def at(self, number: int, sample: Triple) -> float:
        """Return the reshaped component where it has step `number`."""
        own = self._own[number]
        return own if own is not None else self._bounded(_regression(self._pieces[number], sample))

    def _bounded(self, value: float) -> float:
        return min(max(value, self._low), self._high)


def _polynomial(piece: Piece, value: float) -> float:
    total = 0.0
    for coefficient in reversed(piece.polynomial):
        total = total * value + coefficient
    return total


def _regression(piece: Piece, sample: Triple) -> float:
    x, y, z = sample
    terms = (x, y, z, x * y, x * z, y * z, x * y * z)
    total, powers = piece.constant, terms
    for row in piece.regression:
        total += sum(map(float.__mul__, row, powers))
        powers = tuple(map(float.__mul__, powers, terms))  # type: ignore[assignment]
    return total


def _light(signal: float) -> float:
    return pq_light(min(max(signal, 0.0), 1.0))


def _times(matrix: Nine, vector: Triple) -> Triple:
    x, y, z = vector
    return (
        matrix[0] * x + matrix[1] * y + matrix[2] * z,
        matrix[3] * x + matrix[4] * y + matrix[5] * z,
        matrix[6] * x + matrix[7] * y + matrix[8] * z,
    )


def _product(left: Nine, right: Nine) -> Nine:
    columns = [_times(left, (right[number], right[number + 3], right[number + 6])) for number in range(3)]
    (a, d, g), (b, e, h), (c, f, i) = columns
    return a, b, c, d, e, f, g, h, i
