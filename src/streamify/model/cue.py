"""Cues: words that are shown for a while."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

CUES = 100_000
"""Cues of a track at most."""
CUE_BYTES = 10_000
"""Bytes of a cue at most."""
SERVICE_BYTES = 16 << 20
"""Bytes of all cues of a service of CEA-708 at most."""


@dataclass(frozen=True, slots=True)
class SourceCue:
    """A cue as a source has it."""

    start: Fraction
    """Seconds on the clock of its source."""
    end: Fraction | None
    """Seconds, exclusive; ``None``: nothing says when it ends."""
    text: str
    """WebVTT cue text (W3C WebVTT, 4.2.2): safe, without a blank line."""
    settings: str = ""
    """WebVTT cue settings list (4.4)."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue of the stream."""

    number: int
    """From 1 in the order of the track; its identifier."""
    start: int
    """Milliseconds from the start of the stream."""
    end: int
    """Milliseconds, exclusive."""
    text: str
    """As of `SourceCue`."""
    settings: str = ""
    """As of `SourceCue`."""
