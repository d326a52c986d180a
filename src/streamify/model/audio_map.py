"""The setting `audio_map` as text and as values."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENTRY = re.compile(r"(?:([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)\s*=)?\s*(\d{1,4}(?:\s*\+\s*\d{1,4})*)")

JOINED = (2, 6, 8)
"""How many streams can be joined: stereo, 5.1, 7.1."""


@dataclass(frozen=True)
class MapEntry:
    """One track of the output."""

    language: str | None
    """BCP 47; ``None``: as the source says."""
    streams: tuple[int, ...]
    """Indices in the source: of the one stream, or of one mono stream for each channel, in the order of WAV."""

    def __str__(self) -> str:
        return f"{self.language}=" * (self.language is not None) + "+".join(map(str, self.streams))


def parse_audio_map(text: str) -> tuple[MapEntry, ...]:
    """Read a map such as ``en=1+2,fr=3``.

    Raises:
        ValueError: It is no map.
    """
    found = []
    for part in text.split(","):
        entry = _ENTRY.fullmatch(part.strip())
        if entry is None:
            raise ValueError("should be streams such as 1+2, or en=1+2,fr=3")
        streams = tuple(int(number) for number in entry[2].split("+"))
        if len(streams) > 1 and len(streams) not in JOINED:
            raise ValueError(f"joins {len(streams)} streams in {part.strip()}: 2 make stereo, 6 make 5.1, 8 make 7.1")
        if len(set(streams)) < len(streams):
            raise ValueError(f"names a stream twice in {part.strip()}")
        found.append(MapEntry(entry[1], streams))
    if len(set(found)) < len(found):
        raise ValueError("names a track twice")
    return tuple(found)
