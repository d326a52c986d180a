"""Our own presets: which preset of x264 a rung gets, and in what it differs from that. Pure.

The rows come from ``make tune``; `docs/decisions/0048-measured-presets.md` has its tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from streamify.errors import counted
from streamify.model.recipe import Tuning
from streamify.model.settings import MediaSettings, OwnPreset, Preset, X264Preset
from streamify.model.source import ContentSeen, PictureSeen


@dataclass(frozen=True)
class Row:
    """What a class of rungs gets."""

    preset: X264Preset
    tuning: Tuning
    why: str
    """For people; empty for the presets of x264, which somebody asked for as they are."""


BALANCED = Tuning(
    ref=2,
    mixed_refs=0,
    rc_lookahead=30,
    me="dia",
    chroma_me=0,
    subme=8,
    aq_strength=0.95,
    psy_rd=0.5,
    deblock=-1,
    bframes=5,
    dct_decimate=0,
    chroma_qp_offset=1,
)
ECO = BALANCED.model_copy(update={"subme": 7, "ref": 1, "rc_lookahead": 20, "weightp": 1})
QUALITY = BALANCED.model_copy(update={"subme": 10, "trellis": 2, "b_adapt": 2})

FAR = {"me": "umh", "merange": 64, "aq_strength": 0.9, "bframes": 8, "b_adapt": None, "chroma_qp_offset": None}
"""What differs where most pictures are screens. Text that scrolls has moved far, and a wide search finds where it is
from. What stands costs least in long runs of B pictures, whose length is chosen as `medium` does. Stronger adaptive
quantization costs text bits. Coloured text has its edges in chroma, too. Filmed pictures would pay for this row."""
SCREEN = FAR | {"ref": None}
"""The same in three reference pictures, as `medium` has; with more than its one `eco` would take a sixth more time."""
SOME = {"me": None}
"""What differs where some are: the search of `medium`, which costs films little."""


@dataclass(frozen=True)
class Own:
    """A preset of our own."""

    films: Tuning
    """In what it differs from `medium`."""
    screens: dict[str, Any]
    """In what it differs from `films` where most pictures are screens."""
    measured: str


OWN: dict[OwnPreset, Own] = {
    "balanced": Own(
        BALANCED, SCREEN,
        "in the mean of films, four fifths of the CPU time of medium and 9 % fewer bits for the same VMAF",
    ),
    "eco": Own(
        ECO, FAR,
        "in the mean of films, seven tenths of the CPU time of medium and 7 % fewer bits for the same VMAF",
    ),
    "quality": Own(
        QUALITY, SCREEN,
        "in the mean of films, 1.6 times the CPU time of medium and 18 % fewer bits for the same VMAF",
    ),
}  # fmt: skip

PLAIN, OF_EDGES = 40, Fraction(1, 2)
"""Blocks of a screen that look like text: at least so many thousandths of all, and at least this share of those with
an edge. No filmed picture that was tried has both."""


def choose_row(settings: MediaSettings, content: ContentSeen | None, *, lowest: bool) -> Row:
    """Return what a rung gets.

    Args:
        settings: Their preset, and whether it goes by what pictures show.
        content: What pictures all over the film show.
        lowest: Whether it is the rung that is begun before all of these are looked at.
    """
    match settings.preset:
        case "balanced" | "eco" | "quality" as name:
            own = OWN[name]
        case preset:
            return Row(preset, Tuning(), "")
    if settings.adapt == "off":
        return Row("medium", own.films, f"measured: {own.measured}; what pictures show does not count (--adapt off)")
    differs, seen = _by_content(content or ContentSeen(), own.screens, lowest)
    why = seen if differs else f"measured: {own.measured}; {seen}"
    return Row("medium", own.films.model_copy(update=differs), why)


def _by_content(content: ContentSeen, screen: dict[str, Any], lowest: bool) -> tuple[dict[str, Any], str]:
    """Return what differs from the row of a preset, and what people are told."""
    first = () if content.first is None else (content.first,)
    looked = (*first, *content.others)
    count, screens = len(looked), sum(map(_is_screen, looked))
    if not looked:
        return {}, "no picture was looked at"
    if not any(seen.edges for seen in looked):
        return {}, f"{counted(count, 'picture')} looked at: nothing with edges to go by"
    if not screens:
        return {}, "the picture shows no screen" if count == 1 else f"none of {count} pictures is a screen"
    if lowest and not any(map(_is_screen, first)):
        return {}, "this rung is begun before it is known whether the film shows a screen"
    if lowest:
        return SOME, "the first picture is a screen with text or drawings: motion is searched as medium does"
    are = "is a screen" if screens == 1 else "are screens"
    shown = f"{screens} of {counted(count, 'picture')} {are} with text or drawings"
    if 2 * screens > count:
        return screen, f"{shown}: motion is searched further, and more B pictures in a row are allowed"
    return SOME, f"{shown}: motion is searched as medium does"


def _is_screen(seen: PictureSeen) -> bool:
    return seen.plain >= PLAIN and seen.plain >= OF_EDGES * seen.edges


def chosen_text(preset: Preset, row: Row, words: dict[str, str]) -> str:
    """Return what a preset stands for in a rung, for people: ``""`` for a preset of x264.

    Args:
        preset: As the settings have it.
        row: Of the rung.
        words: Its tuning, in the words of the encoder.
    """
    if not row.why:
        return ""
    return f"{preset} is {row.preset} with {', '.join(f'{name}={value}' for name, value in words.items())}"
