"""The transport of CEA-708: triples of cc_data are parts of packets, which hold blocks of services. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from streamify.bitstream.captions import TRIPLE

_START, _DATA = 3, 2
"""Types of triples: the first two bytes of a packet, and two further ones (CTA-708-E, 4.4)."""
_EXTENDED = 7
"""Number of a service block whose service is named in the byte behind (6.2.2)."""


def dtvcc(triples: bytes) -> bytes:
    """Return those triples that are parts of DTVCC packets (types 2 and 3) and valid; the others are padding."""
    places = range(0, len(triples) - TRIPLE + 1, TRIPLE)
    return b"".join(triples[at : at + TRIPLE] for at in places if triples[at] & 6 == 6)


class Packets:
    """Puts DTVCC packets together (CTA-708-E, 5) and takes them apart into service blocks (6.2)."""

    def __init__(self) -> None:
        self._packet = bytearray()
        self._size = 0
        """Of the packet that is put together, bytes; 0: none is."""
        self._sequence: int | None = None
        self.cut_off = 0
        """Packets that were not ended."""
        self.missing = 0
        """Packets that are not there, as the numbers of the others tell, which jump at cuts, too."""

    def of(self, triples: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield number of the service and payload of each block of packets that are complete now.

        Args:
            triples: Of cc_data, in the order of pictures; those of line 21 are passed over.
        """
        for at in range(0, len(triples) - TRIPLE + 1, TRIPLE):
            flags, first, second = triples[at : at + TRIPLE]
            if flags & 6 != 6:
                continue
            if flags & 3 == _START:
                yield from self._begin(first)
            if self._size:
                self._packet += bytes((first, second))
                if len(self._packet) >= self._size:
                    yield from self._blocks()

    def _begin(self, header: int) -> Iterator[tuple[int, bytes]]:
        """Begin a packet. What there is of one that was not ended is read: its blocks say how long they are."""
        if self._size:
            self.cut_off += 1
            yield from self._blocks()
        sequence, code = header >> 6, header & 0x3F
        if self._sequence is not None and sequence != self._sequence:  # some encoders leave all of them 0
            self.missing += (sequence - self._sequence - 1) % 4
        self._sequence, self._size = sequence, 2 * code or 128

    def _blocks(self) -> Iterator[tuple[int, bytes]]:
        data, at = bytes(self._packet[1 : self._size]), 0
        self._packet, self._size = bytearray(), 0
        while at < len(data):
            service, size = data[at] >> 5, data[at] & 0x1F
            at += 1
            if service == _EXTENDED and size and at < len(data):
                service = data[at] & 0x3F
                at += 1
            if not service or at + size > len(data):  # a null block ends the packet
                return
            if size:
                yield service, data[at : at + size]
            at += size
