"""Where another transport stream begins: its tables, its counters and its own clock begin anew there.

What a multiplexer writes is proof: a programme clock reference never falls within a recording (ISO/IEC 13818-1,
2.4.2.2), and counters go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from streamify.media.source.transport import SYNC, TS_PACKET, programme_tables, section

REACH = 2 << 20
"""Bytes in front of a picture in which the tables and counters of the recording before are looked for, at most."""
AFTER = 64 << 10
"""Bytes from the picture on in which the first clock reference is."""
LAYOUTS = ((188, 0), (192, 0), (192, 4), (204, 0))
"""Bytes from packet to packet, and from where FFmpeg says that one is to its first byte."""


@dataclass(frozen=True)
class _Packet:
    at: int
    """Offset of its first byte in the file."""
    data: bytes
    steps: bool
    """Whether its counter does not go on from that of the packet before it on its PID."""

    @property
    def pid(self) -> int:
        return _pid(self.data)

    @property
    def begins(self) -> bool:
        """Whether a unit begins in it."""
        return bool(self.data[1] & 0x40)

    @property
    def clock(self) -> int | None:
        """The programme clock reference, ticks of 90 kHz (2.4.3.5)."""
        data = self.data
        if not data[3] & 0x20 or data[4] < 7 or not data[5] & 0x10:
            return None
        return int.from_bytes(data[6:10], "big") << 1 | data[10] >> 7


class TransportJoints:
    """Says of pictures, in the order of the file, whether a recording begins with one. Each byte is read once or twice.

    Args:
        file: The source; its position is moved.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pid = -1
        self._at = 0
        """Byte up to which packets were looked at."""
        self.looked = 0
        """Packets that were looked at."""
        self._forget()

    def _forget(self) -> None:
        self._counters: dict[int, int] = {}
        self._clocks: dict[int, int] = {}
        """Last clock reference of each PID in front of `_since`."""
        self._since: list[_Packet] = []
        """Packets behind the last one of the pictures."""
        self._next: tuple[int, int, int, int | None] = (-1, 0, 0, None)
        """A PID, from where to where its next clock reference was looked for, and the reference."""

    def begins_at(self, position: int) -> int | None:
        """Return where the recording begins whose first picture is in the packet at an offset, as FFmpeg says it.

        ``None``: nothing says that one begins there.
        """
        layout = self._layout(position)
        if layout is None:
            return None
        width, lead = layout
        here = position + lead
        self._file.seek(here)
        video = bytes(self._file.read(TS_PACKET))
        if len(video) < TS_PACKET or not video[1] & 0x40:
            return None
        if _pid(video) != self._pid or not self._at <= here <= self._at + REACH or (here - self._at) % width:
            self._forget()
            self._pid = _pid(video)
            self._at = here - min(here, REACH) // width * width
        self._walk(here, width)
        steps = self._steps(video)
        found = self._border(_Packet(here, video, steps), width) if self._known else None
        return None if found is None else found - lead

    def _layout(self, position: int) -> tuple[int, int] | None:
        start = max(0, position - 3 * LAYOUTS[-1][0])
        self._file.seek(start)
        data = bytes(self._file.read(position - start + 5))
        for width, lead in LAYOUTS:
            places = [position - start + lead - width * back for back in range(4)]
            if places[-1] >= 0 and all(data[at : at + 1] == b"G" for at in places):
                return width, lead
        return None

    @property
    def _known(self) -> bool:
        """Whether a packet of pictures came before."""
        return self._pid in self._counters

    def _walk(self, stop: int, width: int) -> None:
        """Look at the packets up to one."""
        self._file.seek(self._at)
        data = bytes(self._file.read(stop - self._at))
        for at in range(0, len(data) - TS_PACKET + 1, width):
            self.looked += 1
            packet = data[at : at + TS_PACKET]
            if packet[0] != SYNC:
                self._forget()
                continue
            one = _Packet(self._at + at, packet, self._steps(packet))
            if packet[3] & 0x10:
                self._counters[one.pid] = packet[3] & 15
            self._since.append(one)
            if one.pid == self._pid and packet[3] & 0x10:
                self._clocks.update((seen.pid, seen.clock) for seen in self._since if seen.clock is not None)
                self._since.clear()
        self._at = stop

    def _steps(self, packet: bytes) -> bool:
        last = self._counters.get(_pid(packet))
        return last is not None and packet[3] & 15 != (last + 1) & 15

    def _border(self, video: _Packet, width: int) -> int | None:
        """Return where the tables of a recording are whose first picture begins in a packet."""
        tables = [one for one in self._since if one.pid == 0 and one.begins]
        first = next((one for one in tables if one.steps), tables[-1] if tables else None)
        if first is None:
            return None
        known = programme_tables(first.data, 0)
        behind = (one for one in self._since if one.at >= first.at)
        programme = next((one for one in behind if one.pid in known and one.begins), None)
        told = None if programme is None else section(programme.data, [0])
        if programme is None or told is None or len(told[1]) < 12:
            return None
        clock = (told[1][8] & 0x1F) << 8 | told[1][9]
        before = (one.clock for one in reversed(self._since) if one.at < first.at and one.pid == clock)
        past = next((time for time in before if time is not None), self._clocks.get(clock))
        now = self._clock_behind(first.at, clock, video.at, width)
        if past is None or now is None or now > past:
            return None
        # A clock that stands still has equal references, and multiplexers are known whose tables all have one number.
        witnesses = (first, programme, video) if now < past else (video,)
        return first.at if any(one.steps for one in witnesses) else None

    def _clock_behind(self, start: int, clock: int, here: int, width: int) -> int | None:
        """Return the first clock reference of a PID from a packet on, up to `AFTER` bytes behind another."""
        between = (one.clock for one in self._since if one.at >= start and one.pid == clock)
        found = next((time for time in between if time is not None), None)
        if found is not None:
            return found
        pid, begin, end, known = self._next
        looked = pid == clock and begin <= here <= end
        if looked and known is not None:
            return known
        begin, end = (begin, end) if looked else (here, here)
        self._file.seek(end)
        data = bytes(self._file.read(here + AFTER - end))
        for at in range(0, len(data) - TS_PACKET + 1, width):
            self.looked += 1
            one = _Packet(end, data[at : at + TS_PACKET], steps=False)
            if one.data[0] == SYNC and one.pid == clock and (known := one.clock) is not None:
                break
            end += width
        self._next = clock, begin, end, known
        return known


def _pid(packet: bytes) -> int:
    return (packet[1] & 0x1F) << 8 | packet[2]
