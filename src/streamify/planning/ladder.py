"""Which renditions a source gets. Never upscaled, by the shorter side, square pixels, even sizes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from streamify.errors import SourceError, UsageError
from streamify.model.settings import Rung
from streamify.model.source import Note, VideoFacts


def _rungs(**caps: int) -> tuple[Rung, ...]:
    return tuple(Rung(name=name[1:], short_side=int(name[1:-1]), maxrate=cap * 1000) for name, cap in caps.items())


STANDARD = _rungs(_2160p=16_000, _1440p=9_500, _1080p=6_000, _720p=3_500, _480p=1_600, _360p=900, _240p=450)
"""General purpose; the base of ``auto``. Caps in kbit/s at up to 30 frames per second."""
APPLE = _rungs(_1080p=7_800, _720p=4_500, _540p=2_000, _432p=1_100, _360p=730, _234p=365)
"""Sizes and rates of the H.264 table in Apple's HLS authoring specification."""
COMPACT = _rungs(_720p=2_500, _360p=700)
"""Two rungs for previews, intranets and thin storage."""

LADDERS = {"standard": STANDARD, "apple": APPLE, "compact": COMPACT}

CONTENT = "auto-content"
"""``auto`` without the rungs that add nothing (`planning.content`)."""

SMALLEST = 16
"""Pixels of the shorter side: one macroblock."""

LONGEST = 16_384
"""Pixels of the longer side: x264 codes no longer ones."""

AUTO_BOTTOM = 360
"""``auto`` ends at this shorter side unless the source itself is smaller."""


@dataclass(frozen=True)
class Size:
    """Width and height, pixels."""

    width: int
    height: int


def display_size(video: VideoFacts) -> tuple[Fraction, Fraction]:
    """Return the exact size at which a player shows the source: sample aspect and rotation applied."""
    return video.look.display


def rung_size(video: VideoFacts, short_side: int) -> Size:
    """Return the even size of a rung: `short_side` pixels, the longer side by exact aspect, rounded to even."""
    width, height = display_size(video)
    if width <= height:
        return Size(short_side, _even(height * short_side / width))
    return Size(_even(width * short_side / height), short_side)


def choose_ladder(video: VideoFacts, wanted: str | tuple[Rung, ...]) -> tuple[tuple[Rung, ...], tuple[Note, ...]]:
    """Return the rungs for a source, largest first, and notes on rungs left out.

    Raises:
        UsageError: An unknown ladder or rung name, or no rung at or below the source's size.
        SourceError: The source is smaller than any rung can be, or so long and narrow that a rung is too long.
    """
    rungs, notes = _fitting(video, wanted)
    short = tuple(rung for rung in rungs if _fits(video, rung.short_side))
    if not short:
        size = rung_size(video, rungs[-1].short_side)
        raise SourceError(
            "source-too-large-pictures",
            f"{rungs[-1].name} of it would have {size.width}x{size.height} pixels; {LONGEST} is the longest side",
            "check its size and sample aspect with `streamify probe`",
        )
    if len(short) < len(rungs):
        left_out = ", ".join(rung.name for rung in rungs if rung not in short)
        why = f"a side would be longer than {LONGEST} pixels"
        notes = (*notes, Note(kind="info", what=f"rungs left out: {left_out}", why=why))
    return short, notes


def _fits(video: VideoFacts, short_side: int) -> bool:
    """Return whether no side of a rung is longer than x264 codes."""
    size = rung_size(video, short_side)
    return max(size.width, size.height) <= LONGEST


def _fitting(video: VideoFacts, wanted: str | tuple[Rung, ...]) -> tuple[tuple[Rung, ...], tuple[Note, ...]]:
    width, height = display_size(video)
    source = max(2, int(min(width, height)) // 2 * 2)
    if source < SMALLEST:
        raise SourceError(
            "source-too-small",
            f"its pictures are shown {float(width):g}x{float(height):g} pixels large; {SMALLEST} is the least",
            "check its size and sample aspect with `streamify probe`",
        )
    if wanted in ("auto", CONTENT):
        return _auto(source, too_close=_fits(video, source)), ()
    rungs = wanted if isinstance(wanted, tuple) else named(wanted)
    rungs = tuple(sorted(rungs, key=lambda rung: (-rung.short_side, -rung.maxrate)))
    fitting = tuple(rung for rung in rungs if rung.short_side <= source)
    if not fitting:
        raise UsageError(
            "ladder-impossible",
            f"no rung fits: the source's shorter side is {source} pixels and the smallest rung is "
            f"{rungs[-1].name} ({rungs[-1].short_side})",
            "add a smaller rung, or use --ladder auto; Streamify never upscales",
        )
    left_out = ", ".join(rung.name for rung in rungs if rung not in fitting)
    notes = (Note(kind="info", what=f"rungs left out: {left_out}", why="larger than the source"),) if left_out else ()
    return fitting, notes


def named(text: str) -> tuple[Rung, ...]:
    """Return the rungs of a named ladder or of a comma list such as ``1080p,720p``.

    Raises:
        UsageError: Unknown names.
    """
    if text in LADDERS:
        return LADDERS[text]
    known = known_rungs()
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UsageError(
            "ladder-unknown",
            f"unknown ladder or rung: {', '.join(unknown) or repr(text)}",
            f"ladders: auto, {CONTENT}, {', '.join(LADDERS)}; rungs: "
            + ", ".join(known)
            + "; or a YAML file with your own",
        )
    if len(set(names)) != len(names):
        raise UsageError("ladder-unknown", f"a rung is named twice in {text!r}", "name each rung once")
    return tuple(known[name] for name in names)


def known_rungs() -> dict[str, Rung]:
    """Return the rungs that may be named one by one, largest first."""
    rungs = (rung for ladder in (COMPACT, APPLE, STANDARD) for rung in ladder)
    return dict(sorted(((rung.name, rung) for rung in rungs), key=lambda named: -named[1].short_side))


def _auto(source: int, *, too_close: bool) -> tuple[Rung, ...]:
    """Return a rung of the source's own size and the standard ones below it.

    Args:
        source: Its shorter side, pixels.
        too_close: Leave out the one that is hardly smaller than the source.
    """
    fitting = [rung for rung in STANDARD if AUTO_BOTTOM <= rung.short_side <= source]
    top = fitting[0].short_side if fitting else 0
    if source >= STANDARD[0].short_side or source == top:
        return tuple(fitting)
    if too_close and top and source < top * 1.15:
        fitting = fitting[1:]  # too close to the source's own size to be worth a rung
    above = min((rung for rung in STANDARD if rung.short_side > source), key=lambda rung: rung.short_side)
    cap = above.maxrate * (Fraction(source, above.short_side) ** 2 + Fraction(source, above.short_side)) / 2
    own = Rung(name=f"{source}p", short_side=source, maxrate=max(50_000, int(cap) // 10_000 * 10_000))
    return (own, *fitting)


def _even(value: Fraction) -> int:
    return max(2, round(value / 2) * 2)
