"""Where another recording begins in an FLV: with metadata and a decoder's configuration, and times that fall."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

SOUND, PICTURES, DATA = 8, 9, 18
REACH = 17 << 20
"""Bytes between two packets of pictures, at most, that are looked through."""
NAME = b"\x02\0\x0aonMetaData"


class FlvJoints:
    """Says whether a recording begins between two packets of pictures; asked in the order of the file.

    Metadata and configurations come again within a recording as well, with times that go on.

    Args:
        file: The source; its position is moved.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def begins_at(self, before: int, position: int) -> int | None:
        """Return where the recording begins whose first picture is at `position`, and the one before it at `before`."""
        if position - before > REACH:
            return None
        found: int | None = None
        past = 0
        for at, kind, time, head in self._tags(before, position):
            if kind == DATA and head.startswith(NAME) and time < past:
                found = at
            elif found is not None and kind == PICTURES and len(head) > 1 and _configures(head):
                return found
            past = time
        return None

    def _tags(self, at: int, stop: int) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield offset, kind, time (ms) and first bytes of each tag (Adobe FLV 10.1, annex E.4.1)."""
        while at < stop:
            self._file.seek(at)
            tag = bytes(self._file.read(11 + len(NAME)))
            if len(tag) < 12 or tag[0] not in (SOUND, PICTURES, DATA) or tag[8:11] != b"\0\0\0":
                return
            yield at, tag[0], tag[7] << 24 | int.from_bytes(tag[4:7]), tag[11:]
            at += 11 + int.from_bytes(tag[1:4]) + 4


def _configures(head: bytes) -> bool:
    """Whether a tag of pictures holds a decoder's configuration: AVCPacketType 0, or PacketType 0 of Enhanced FLV.

    Enhanced FLV (HEVC, AV1, VP9) has it in the last four bits of the first byte, whose first bit says so, and a FourCC
    behind it.
    """
    return not head[0] & 15 if head[0] & 0x80 else not head[1]
