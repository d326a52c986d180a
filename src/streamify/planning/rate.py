"""Is the frame rate constant? Decided by fit, never by what the container claims."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from streamify.model.source import VideoFacts

STANDARD_RATES = tuple(
    Fraction(rate)
    for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48000/1001", "48", "50", "60000/1001", "60",
                 "100", "120000/1001", "120", "12", "12.5", "15000/1001", "15", "10", "20", "29.97", "23.976", "59.94")
)  # fmt: skip
"""Tried before odd fractions, so that rounded timestamps are recognised for what they were."""


def fit_rate(pts: Sequence[int], time_base: Fraction) -> Fraction | None:
    """Return the constant rate in frames per second, or ``None`` at a variable one.

    Constant means: every timestamp lies within one tick of ``first + n / rate``. Where pictures are few ticks apart
    (AVI, MP4 whose timescale is the rate), one tick would be a picture: below `COARSE` ticks the errors must lie within
    one tick in all, as rounding leaves them, and below two only an exact rate is one. At two ticks one is half a
    picture: one that is early has the place that is meant (`Timeline.ticks_of`), one that is late would have the next.

    Args:
        pts: Distinct presentation times in order, ticks.
        time_base: Seconds per tick.
    """
    if len(pts) < 2:
        return None
    span = pts[-1] - pts[0]
    steps = len(pts) - 1
    if span % steps == 0 and _even(pts, span // steps):
        exact = 1 / (span // steps * time_base)
        return (_closest(pts, STANDARD_RATES, time_base) or exact) if steps < 8 else exact
    mean = Fraction(steps, span) / time_base
    slack = max(Fraction(1, 200), Fraction(2, span))
    standard = _closest(pts, [rate for rate in STANDARD_RATES if abs(rate / mean - 1) <= slack], time_base)
    if standard is not None:
        return standard
    candidates = [mean.limit_denominator(1), mean.limit_denominator(2), mean.limit_denominator(1001), mean]
    return next((rate for rate in candidates if rate > 0 and _fits(pts, rate, time_base)), None)


def _even(pts: Sequence[int], step: int) -> bool:
    even = range(pts[0], pts[-1] + 1, step)
    if isinstance(pts, range):
        return pts == even
    # Compared as arrays: a million pictures take a tenth of a second less than one by one.
    return array("q", pts) == array("q", even)


def _closest(pts: Sequence[int], rates: Sequence[Fraction], time_base: Fraction) -> Fraction | None:
    """Return which of `rates` fits; of several, as a short clip on a coarse clock has them, one that drifts least."""
    fitting = [rate for rate in rates if _fits(pts, rate, time_base)]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    spreads = [_spread(pts, rate, time_base) for rate in fitting]
    best = min(spreads) + Fraction(1, 50)
    return next(rate for rate, spread in zip(fitting, spreads, strict=True) if spread <= best)


def _spread(pts: Sequence[int], rate: Fraction, time_base: Fraction) -> Fraction:
    """Return how far the errors of the times lie apart, ticks; rounding of any kind keeps that below one."""
    step = 1 / (rate * time_base)
    errors = [tick - number * step for number, tick in enumerate(pts)]
    return max(errors) - min(errors)


COARSE = 4
"""Ticks per picture below which a missing picture could pass as rounding."""


def _fits(pts: Sequence[int], rate: Fraction, time_base: Fraction) -> bool:
    step = 1 / (rate * time_base)  # ticks per frame
    if step < 2 or (step == 2 and any(tick - pts[0] > 2 * number for number, tick in enumerate(pts))):
        return False
    if step < COARSE and _spread(pts, rate, time_base) > 1:
        return False
    first, up, down = pts[0], step.numerator, step.denominator
    if not -down <= (pts[-1] - first) * down - (len(pts) - 1) * up <= down:
        return False  # most rates that do not fit: no need to look at an hour of pictures
    return all(-down <= (tick - first) * down - number * up <= down for number, tick in enumerate(pts))


FILM, FIELD = Fraction(24_000, 1001), Fraction(60_000, 1001)
"""Pictures per second of film on television, and fields per second."""


FINE = 12
"""Ticks per field below which two fields cannot be told from three."""


def soft_telecine(video: VideoFacts, pts: Sequence[int]) -> VideoFacts:
    """Return the facts with the rate of film where flags repeat fields: pictures last two and three fields in turn."""
    if video.rate is not None or len(pts) < 8 or not _pulled_down(pts, video.time_base):
        return video
    return video.model_copy(update={"rate": FILM, "telecine": True})


def _pulled_down(pts: Sequence[int], time_base: Fraction) -> bool:
    """Whether every picture is at most half a field off the steady pace of film, for being shown 2 or 3 fields."""
    field = 1 / (FIELD * time_base)
    if field < FINE:
        return False
    up, down, first = field.numerator, field.denominator, pts[0]
    least = most = 0  # errors in ticks, times `2 * down`: whole numbers, for a film has hundreds of thousands
    for number, tick in enumerate(pts):
        error = 2 * down * (tick - first) - 5 * up * number
        least, most = min(least, error), max(most, error)
        if most - least > up + 4 * down:
            return False
    gaps = ((after - before) * down for before, after in pairwise(pts))
    return all(min(abs(gap - 2 * up), abs(gap - 3 * up)) <= 2 * down for gap in gaps)
