"""SDR of BT.2020 to SDR of BT.709. Pure arithmetic.

Signal to light by the inverse of the curve of cameras (BT.709 and BT.2020 have the same one), primaries by BT.2087,
colours that BT.709 does not have clipped in linear light, light to signal by BT.709's curve: what zimg does. FFmpeg's
scaler maps the gamut in a way of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streamify.media.video.tonemap import Triple, even, grid, to_709

LINEAR, SRGB = 8, 13
"""Transfer characteristics of ITU-T H.273."""
GAMMAS = {4: 2.2, 5: 2.8}
"""Of those that are a power."""

_ALPHA, _BETA = 1.09929682680944, 0.018053968510807
"""Of BT.709's curve, as exact as BT.2020 gives them for 12 bit and more."""


@dataclass(frozen=True)
class Wide:
    """What decides the conversion."""

    transfer: int
    """4, 5, 8 or 13; others are taken for BT.709."""
    primaries: int = 9
    """1 and those like it, or 12; others are taken for BT.2020."""

    def converted(self, signal: Triple) -> Triple:
        """Return the BT.709 signal, R'G'B' in 0 to 1, of a signal R'G'B' in 0 to 1."""
        light = _light(signal[0], self.transfer), _light(signal[1], self.transfer), _light(signal[2], self.transfer)
        red, green, blue = to_709(light, self.primaries)
        return _signal(red), _signal(green), _signal(blue)

    def axes(self, points: int) -> tuple[list[float], list[float], list[float]]:
        """Return where on each axis the points of `table` are."""
        return even(points), even(points), even(points)

    def table(self, points: int) -> Iterator[Triple]:
        """Yield the conversion on a grid of `points` along each axis, red fastest, then green, then blue."""
        return grid(self.converted, even(points))


def _light(signal: float, transfer: int) -> float:
    if transfer == LINEAR:
        return signal
    if transfer in GAMMAS:
        return float(signal ** GAMMAS[transfer])
    if transfer == SRGB:
        return signal / 12.92 if signal <= 0.04045 else float(((signal + 0.055) / 1.055) ** 2.4)
    return signal / 4.5 if signal < 4.5 * _BETA else float(((signal + _ALPHA - 1) / _ALPHA) ** (1 / 0.45))


def _signal(light: float) -> float:
    light = min(1.0, max(0.0, light))
    return 4.5 * light if light < _BETA else float(_ALPHA * light**0.45 - (_ALPHA - 1))
