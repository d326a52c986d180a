"""What is measured of a track's loudness: pieces of it, and the whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from streamify.model.base import Frozen

LOUDNESS_SCHEMA = 1
"""Version of both files."""

BLOCKS = 10
"""Blocks of 400 ms that end in a second: they overlap by 300 ms (ITU-R BS.1770)."""


class LoudnessPiece(Frozen):
    """Ledger entry: a piece of one track was measured."""

    schema_version: Annotated[int, Field(alias="schema")] = LOUDNESS_SCHEMA
    track: str
    segment: int
    """First of the piece."""
    momentary: tuple[float, ...]
    """Loudness of the blocks of 400 ms that end in it, one each 100 ms, LUFS (EBU Tech 3341)."""
    peak: float
    """Greatest true peak, factor: not below the truth."""


class Loudness(Frozen):
    """What was measured of a track, and what follows."""

    schema_version: Annotated[int, Field(alias="schema")] = LOUDNESS_SCHEMA
    track: str
    target: float
    """LUFS that were asked for."""
    integrated: float | None
    """LUFS of the source, mixed as the track is; ``None``: it is silent."""
    true_peak: float | None
    """dBTP of the same; ``None``: not one sample is other than 0."""
    gain: float
    """dB by which the track is louder than the source."""
    limited: bool
    """Whether the gain stops short of the target, for the true peak would rise above -1 dBTP."""
