"""Where the continuous audio stream is cut: on its own frame borders, next to the video grid."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from streamify.codecs.registry import audio_codec
from streamify.model.recipe import AudioRecipe
from streamify.model.source import AudioFacts

PIECE_SECONDS = 120
"""One task encodes at most this much as one continuous stream; longer tracks are joined with pre-roll.

A viewer who seeks into sound that was not made waits for what its piece has before that point.
"""

LEAST_SURROUND = 5
"""Channels from which on sound is offered as 5.1 too."""
WAV_CHANNELS = 8
"""Channels without labels, up to which they are taken in the order of WAV."""


def output_rate(facts: AudioFacts, codec: str = "aac") -> int:
    """Return the output's sample rate: of AAC, 44.1 and 48 kHz are kept, all others become 48 kHz."""
    rates = audio_codec(codec).rates
    return facts.sample_rate if facts.sample_rate in rates else rates[0]


def has_surround(facts: AudioFacts) -> bool:
    """Return whether a 5.1 rendition keeps what stereo does not: loudspeakers are known, five or more."""
    labelled = facts.layout != f"{facts.channels} channels" or facts.channels <= WAV_CHANNELS
    return facts.channels >= LEAST_SURROUND and labelled and "ambisonic" not in facts.layout


def piece_segments(facts: AudioFacts, segment_seconds: Fraction) -> int:
    """Return how many segments one task encodes; 0 means all of them.

    Pieces need places that are exact to the sample at their borders: those of packets that were counted, or of
    timestamps. Tracks of containers that round them and were not counted are encoded in one go.
    """
    if not (facts.counted and not facts.joined) and (1 / facts.time_base) % facts.sample_rate:
        return 0
    return max(1, int(PIECE_SECONDS // segment_seconds))


def cuts(
    borders: Sequence[int], timescale: int, recipe: AudioRecipe, *, at_start: bool, at_end: bool
) -> tuple[int, ...]:
    """Return the borders of segments in access units of the whole track.

    Args:
        borders: Segment borders on the video grid, output ticks; one more than there are segments.
        timescale: Ticks per second of `borders`.
        recipe: Of the track.
        at_start: Whether the first border is the start of the track.
        at_end: Whether the last border is its end.
    """
    codec, rate = audio_codec(recipe.codec), recipe.sample_rate
    total = codec.units(recipe.samples)
    unit = timescale * codec.frame  # of ``border * rate``; in whole numbers, as there may be thousands
    units = [min(total, codec.priming + (2 * border * rate + unit) // (2 * unit)) for border in borders]
    if at_start:
        units[0] = 0
    if at_end:
        units[-1] = total
    return tuple(units)
