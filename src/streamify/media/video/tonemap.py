"""HDR to SDR as a three-dimensional lookup table. Pure arithmetic: nothing here knows FFmpeg.

ITU-R BT.2100 gives the light that a PQ or HLG signal means, BT.2390 (5.4.1) the roll-off of highlights, BT.2408 the
reference white, BT.1886 the signal of an SDR display.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from streamify.media.pq import pq_light, pq_signal

PQ, HLG = 16, 18
"""Transfer characteristics of ITU-T H.273."""

REFERENCE_WHITE = 203.0
"""cd/m2 (BT.2408), shown as the white of SDR."""
NOMINAL_PEAK = 1000.0
"""cd/m2 of the brightest highlights: of the HLG reference display, and of PQ where no metadata says it."""
SHORT = 170.0, 300.0
"""cd/m2 between which the roll-off from a peak is shorter than a step of the table. Below, white exceeds the film."""
HLG_GAMMA = 1.2
"""Of the opto-optical transfer at `NOMINAL_PEAK` (BT.2100, table 5)."""
SDR_GAMMA = 2.4
"""Of an SDR display (BT.1886)."""

Triple = tuple[float, float, float]
_Matrix = tuple[Triple, Triple, Triple]

_LUMA_709: Triple = (0.2126, 0.7152, 0.0722)
_LUMA_2020: Triple = (0.2627, 0.6780, 0.0593)

# Linear light of some primaries (ITU-T H.273) to BT.709, all with white D65; rows add up to 1, so grey stays grey.
_IDENTITY: _Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_FROM_2020: _Matrix = (
    (1.660491, -0.587641, -0.072850),
    (-0.124550, 1.132900, -0.008350),
    (-0.018151, -0.100579, 1.118730),
)  # BT.2087
_FROM_P3: _Matrix = (
    (1.224940, -0.224940, 0.0),
    (-0.042057, 1.042057, 0.0),
    (-0.019638, -0.078636, 1.098274),
)
_TO_709 = {1: _IDENTITY, 12: _FROM_P3}


@dataclass(frozen=True)
class Hdr:
    """What decides the tone map."""

    transfer: int
    """`PQ` or `HLG`."""
    primaries: int = 9
    """1, 9 or 12; others are taken for BT.2020."""
    peak: int | None = None
    """cd/m2 of the brightest highlights in PQ, where metadata says it."""

    @property
    def brightest(self) -> float:
        """cd/m2 that become SDR white."""
        return NOMINAL_PEAK if self.transfer == HLG or self.peak is None else float(self.peak)

    def converted(self, signal: Triple) -> Triple:
        """Return the SDR BT.709 signal of an HDR signal."""
        return tone_map(signal, self)

    def axes(self, points: int) -> tuple[list[float], list[float], list[float]]:
        """Return where on each axis the points of `table` are: one is white where the roll-off is short.

        From 0 to 1 white would lie between two points, and be up to 6 of 255 too dark.
        """
        along = even(points)
        if self.transfer == PQ and SHORT[0] < self.brightest < SHORT[1]:
            white = pq_signal(REFERENCE_WHITE)
            along = even(points, white * (points - 1) / int(white * (points - 1)))
        return along, along, along

    def table(self, points: int) -> Iterator[Triple]:
        """Yield the conversion on a grid of `points` along each axis, red fastest, then green, then blue."""
        return grid(self.converted, self.axes(points)[0])


def even(points: int, last: float = 1.0) -> list[float]:
    """Return `points` from 0 to the last one at even distances."""
    return [last * number / (points - 1) for number in range(points)]


def grid(converted: Callable[[Triple], Triple], steps: Sequence[float]) -> Iterator[Triple]:
    """Yield a conversion on a grid with the same points along each axis, the first component fastest."""
    return (converted((red, green, blue)) for blue in steps for green in steps for red in steps)


def roll_off(light: float, brightest: float) -> float:
    """Return the light shown for a light, cd/m2: BT.2390's EETF from `brightest` to `REFERENCE_WHITE`."""
    if brightest <= REFERENCE_WHITE:
        return min(light, REFERENCE_WHITE)
    top = pq_signal(brightest)
    value = min(1.0, pq_signal(light) / top)
    limit = pq_signal(REFERENCE_WHITE) / top
    knee = _knee(limit)
    if value <= knee:
        return light
    t = (value - knee) / (1 - knee)
    curve = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * limit
    return pq_light(curve * top)


def _knee(limit: float) -> float:
    """Return where the roll-off begins, as `limit` a share of the signal of the peak."""
    return 1.5 * limit - 0.5


def tone_map(signal: Triple, hdr: Hdr) -> Triple:
    """Return the SDR BT.709 signal, R'G'B' in 0 to 1, of an HDR signal R'G'B' in 0 to 1.

    Colours are brought into the gamut of BT.709 first. The roll-off then goes by the largest of R, G and B, and one
    factor for all three keeps their ratio, which is the hue and the saturation; none exceeds the white of SDR.
    """
    return shown(light_709(_display_light(signal, hdr.transfer), hdr.primaries), hdr.brightest)


def light_709(light: Triple, primaries: int) -> Triple:
    """Return linear light of other primaries in those of BT.709, colours that these do not have pulled towards grey."""
    return _into_gamut(to_709(light, primaries))


def shown(light: Triple, brightest: float) -> Triple:
    """Return the SDR signal, R'G'B' in 0 to 1, of light in the primaries of BT.709, cd/m2, up to `brightest`."""
    largest = max(light)
    if largest <= 0:
        return 0.0, 0.0, 0.0
    factor = roll_off(largest, brightest) / largest / REFERENCE_WHITE
    return _sdr_signal(light[0] * factor), _sdr_signal(light[1] * factor), _sdr_signal(light[2] * factor)


def _display_light(signal: Triple, transfer: int) -> Triple:
    """Return what the display of the grading suite showed, cd/m2 of each primary."""
    if transfer == PQ:
        return pq_light(signal[0]), pq_light(signal[1]), pq_light(signal[2])
    return hlg_display((hlg_scene(signal[0]), hlg_scene(signal[1]), hlg_scene(signal[2])))


def hlg_display(scene: Triple) -> Triple:
    """Return what the display shows, cd/m2, of light of the scene (BT.2100, table 5, OOTF)."""
    factor = NOMINAL_PEAK * max(0.0, _dot(_LUMA_2020, scene)) ** (HLG_GAMMA - 1)
    return scene[0] * factor, scene[1] * factor, scene[2] * factor


def hlg_scene(signal: float) -> float:
    """Return the light of the scene, 0 to 1, of an HLG signal (BT.2100, table 5, inverse OETF)."""
    if signal <= 0.5:
        return signal * signal / 3
    return (math.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12


def to_709(light: Triple, primaries: int) -> Triple:
    """Return linear light of other primaries in those of BT.709; what these do not have is negative or above 1."""
    rows = _TO_709.get(primaries, _FROM_2020)
    return _dot(rows[0], light), _dot(rows[1], light), _dot(rows[2], light)


def _into_gamut(light: Triple) -> Triple:
    """Pull a colour that BT.709 does not have towards grey of the same luminance, just as far as needed."""
    least = min(light)
    if least >= 0:
        return light
    luma = _dot(_LUMA_709, light)
    if luma <= 0:
        return 0.0, 0.0, 0.0  # no colour: only metadata that make no sense lead here
    keep = luma / (luma - least)
    return _pulled(light[0], luma, keep), _pulled(light[1], luma, keep), _pulled(light[2], luma, keep)


def _pulled(value: float, luma: float, keep: float) -> float:
    return max(0.0, luma + keep * (value - luma))


def _dot(row: Triple, light: Triple) -> float:
    return row[0] * light[0] + row[1] * light[1] + row[2] * light[2]


def _sdr_signal(light: float) -> float:
    return float(min(1.0, light) ** (1 / SDR_GAMMA))
