"""Codes of CEA-708: how long each is (CTA-708-E, 7.1 and 8.10). Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

EXT1, P16 = 0x10, 0x18
"""Lead to the other code sets, and to a character of 16 bits."""
_PARAMETERS: Final = MappingProxyType(
    {**dict.fromkeys(range(0x88, 0x8E), 1), 0x90: 2, 0x91: 3, 0x92: 2, 0x97: 4, **dict.fromkeys(range(0x98, 0xA0), 6)}
)
"""Bytes behind the commands of C1 that have any (8.10)."""


def length(data: bytes, at: int) -> int:
    """Return how many bytes a code has, of which the first is at `at`; more than there are where it is cut off."""
    code, left = data[at], len(data) - at
    if code < 0x20:  # C0: by its quarter of the set (7.1.4)
        if code == EXT1:
            return 2 + (_further(data, at + 1) if left > 1 else 0)
        return 1 if code < EXT1 else 2 if code < P16 else 3
    return 1 + _PARAMETERS.get(code, 0)


def _further(data: bytes, at: int) -> int:
    """Return how many bytes follow one behind EXT1: of C2 (7.1.7) and C3 (7.1.9), which nothing uses yet."""
    code = data[at]
    if code < 0x20:
        return code // 8
    if 0x80 <= code < 0x90:
        return 4 + (code >= 0x88)
    if 0x90 <= code < 0xA0:
        return 1 + (data[at + 1] & 0x3F if at + 1 < len(data) else 0)
    return 0
