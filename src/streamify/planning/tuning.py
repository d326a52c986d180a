"""Our own presets: which preset of x264 a rung gets, and in what it differs from that. Pure.

The rows come from ``make tune``; `docs/decisions/0048-measured-presets.md` has its tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from streamify.model.recipe import Tuning
from streamify.model.settings import Preset, X264Preset


@dataclass(frozen=True)
class Row:
    """What a class of rungs gets."""

    preset: X264Preset
    tuning: Tuning
    why: str
    """For people; empty for the presets of x264, which somebody asked for as they are."""


BALANCED = Row(
    "medium",
    Tuning(
        mixed_refs=0,
        rc_lookahead=30,
        me="dia",
        chroma_me=0,
        subme=8,
        aq_strength=0.8,
        psy_rd=0.5,
        deblock=-1,
        bframes=4,
        dct_decimate=0,
    ),
    "measured: less CPU time than medium, and fewer bits for the same VMAF on most films",
)

LARGE = 900
"""Short side, pixels, from which a rung is large: there the same row bands by up to 18 % more than medium."""
BALANCED_LARGE = replace(BALANCED, tuning=BALANCED.tuning.model_copy(update={"aq_strength": 0.9}))


def choose_row(preset: Preset, short_side: int) -> Row:
    """Return what a rung gets.

    Args:
        preset: As the settings have it.
        short_side: Of the rung, pixels.
    """
    if preset == "balanced":
        return BALANCED_LARGE if short_side >= LARGE else BALANCED
    return Row(preset, Tuning(), "")


def chosen_text(preset: Preset, row: Row, words: dict[str, str]) -> str:
    """Return what people are told of a row: ``""`` for a preset of x264.

    Args:
        preset: As the settings have it.
        row: Of the rung.
        words: Its tuning, in the words of the encoder.
    """
    if not row.why:
        return ""
    return f"{preset} is {row.preset} with {', '.join(f'{name}={value}' for name, value in words.items())}; {row.why}"
