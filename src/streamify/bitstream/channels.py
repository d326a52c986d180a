"""Which channels captions use: those of line 21 (CEA-608-E) and the services of CEA-708. Pure."""

from __future__ import annotations

from streamify.bitstream.captions import CAPTION, TEXT, TRIPLE
from streamify.bitstream.dtvcc import Packets


class Channels:
    """Finds the channels that captions use: CC1 to CC4 of line 21 and the services of CEA-708.

    Texts of line 21 (T1 to T4) and extended data services, which share its fields, are none.
    """

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._texts: set[str] = set()
        """Channels that show a text at the moment."""
        self._current: list[str | None] = [None, None]
        """By field: the channel that characters belong to."""
        self._alone = False
        """Whether there are characters of field 1 before any control code."""

    @property
    def names(self) -> tuple[str, ...]:
        """As in EXT-X-MEDIA's INSTREAM-ID: ``CC1``, ``SERVICE1``, in order."""
        alone = {"CC1"} if self._alone and not self._found else set()
        return tuple(sorted(self._found | alone, key=lambda name: (name[0], len(name), name)))

    def add(self, triples: bytes) -> None:
        """Look at the triples of a picture.

        Pictures may come in the order of decoding, or from places far apart: a packet that goes on in another picture
        is not put together, and only its first block counts.
        """
        self._found.update(f"SERVICE{service}" for service, _ in Packets().of(triples))
        for at in range(0, len(triples) - TRIPLE + 1, TRIPLE):
            flags, first, second = triples[at : at + TRIPLE]
            if not flags & 0x04:  # cc_valid
                continue
            if flags & 3 < 2:
                self._pair(flags & 1, first & 0x7F, second & 0x7F)
            elif flags & 3 == 3:
                self._packet(first, second, triples[at + TRIPLE : at + 2 * TRIPLE])

    def _pair(self, field: int, first: int, second: int) -> None:
        """Look at a pair of line 21 (CEA-608-E, 8.4, 8.6)."""
        if 0x10 <= first <= 0x1F:
            channel = self._current[field] = f"CC{1 + 2 * field + bool(first & 0x08)}"
            if first & 0xF6 == 0x14 and second in TEXT:
                self._texts.add(channel)
            elif first & 0xF6 == 0x14 and second in CAPTION:
                self._texts.discard(channel)
            if channel not in self._texts:
                self._found.add(channel)
        elif not field and first >= 0x20 and self._current[0] is None:
            self._alone = True

    def _packet(self, header: int, block: int, following: bytes) -> None:
        """Look at the first service block of a DTVCC packet, whose end may be in a picture that is not looked at."""
        service, size = block >> 5, block & 0x1F
        room = 2 * (header & 0x3F) - 2 if header & 0x3F else 126
        if service == 7 and len(following) == TRIPLE and following[0] & 7 == 6:
            service = following[1] & 0x3F
        if service and 0 < size <= room:
            self._found.add(f"SERVICE{service}")
