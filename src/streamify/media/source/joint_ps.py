"""Where another program stream begins in one: with a system header, and a clock that falls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

PACK, SYSTEM, END = 0xBA, 0xBB, 0xB9
BEFORE = 64 << 10
"""Bytes in front of a packet in which its pack begins."""
REACH = 2 << 20
"""Bytes between two packets of pictures, at most, that are looked through."""
HEAD = 14
"""Bytes of a pack's header without stuffing."""
TRIES = 8
"""Places that may be the beginning of that pack, at most."""
WRAP = 1 << 32
"""Ticks of 90 kHz by which the clock falls where its 33 bits are used up."""


class _Unit(NamedTuple):
    at: int
    end: int
    kind: int
    clock: int | None
    """System clock reference of a pack, ticks of 90 kHz."""


class ProgramJoints:
    """Says whether a recording begins between two packets of pictures; asked in the order of the file.

    Within a recording the system clock reference never falls (ISO/IEC 13818-1, 2.5.2.2).

    Args:
        file: The source; its position is moved.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = self._start = 0
        """Byte up to which it was looked through, and where the recording begins."""
        self._past: tuple[int, int] | None = None
        """Last clock reference, and where its pack is."""
        self.looked = 0
        """Units that were looked at."""

    def begins_at(self, before: int, position: int) -> int | None:
        """Return where the recording begins whose first picture is at `position`, and one before it at `before`."""
        if not 0 <= position - self._at <= REACH and not self._anchored(before, position):
            return None
        self._file.seek(self._at)
        data = bytes(self._file.read(position + HEAD - self._at))
        found: int | None = None
        pack: int | None = None
        end = 0
        for unit in _units(data, 0):
            at = self._at + unit.at
            if at >= position:
                break
            self.looked += 1
            end = unit.end
            if unit.kind == SYSTEM and pack is not None and at > before:
                found = pack
            pack = at if unit.clock is not None and self._is_new(unit.clock) else None
            if unit.clock is not None:
                self._past = unit.clock, at
        if self._at + end < position:
            self._past = None  # what is between cannot be read
        self._at = max(position, self._at + end)
        self._start = self._start if found is None else found
        return found

    def _anchored(self, before: int, position: int) -> bool:
        """Go to the pack in front of a packet."""
        start = max(0, before - BEFORE)
        if not 0 <= position - before <= REACH:
            return False
        self._file.seek(start)
        pack = _pack_of(bytes(self._file.read(before + HEAD - start)), before - start)
        if pack is None:
            return False
        self._at, self._past, self._start = start + pack, None, -1
        return True

    def _is_new(self, clock: int) -> bool:
        """Whether a clock reference is one of another recording: it falls, or follows the only one of this one."""
        if self._past is None:
            return False
        past, at = self._past
        return 0 < past - clock < WRAP or (past == clock and at == self._start)


def _pack_of(data: bytes, at: int) -> int | None:
    """Return where the pack begins from which units follow each other up to the one at `at`."""
    pack = at + 1
    for _ in range(TRIES):
        pack = data.rfind(bytes((0, 0, 1, PACK)), 0, pack)
        if pack < 0:
            return None
        reached = next((unit.at for unit in _units(data, pack) if unit.at >= at), None)
        if reached == at:
            return pack
    return None


def _units(data: bytes, at: int) -> Iterator[_Unit]:
    """Yield packs, headers and packets as long as one follows the other (2.5.3)."""
    while at + HEAD <= len(data) and data[at : at + 3] == b"\0\0\1" and data[at + 3] >= END:
        kind, clock = data[at + 3], data[at + 4 : at + 9]
        time: int | None = None
        end = at + 6 + int.from_bytes(data[at + 4 : at + 6])
        if kind == END:
            end = at + 4
        elif kind == PACK and clock[0] >> 6 == 1:
            low = (clock[2] & 3) << 13 | clock[3] << 5 | clock[4] >> 3
            middle = (clock[0] & 3) << 13 | clock[1] << 5 | clock[2] >> 3
            time, end = (clock[0] >> 3 & 7) << 30 | middle << 15 | low, at + HEAD + (data[at + 13] & 7)
        elif kind == PACK and clock[0] >> 4 == 2:  # MPEG-1
            low = clock[3] << 7 | clock[4] >> 1
            middle = clock[1] << 7 | clock[2] >> 1
            time, end = (clock[0] >> 1 & 7) << 30 | middle << 15 | low, at + 12
        elif kind == PACK:
            return
        yield _Unit(at, end, kind, time)
        at = end
