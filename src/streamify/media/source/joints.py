"""Where another transport stream begins in a file: its tables, its counters and its own clock begin anew there.

Times of pictures are no proof of that: they jitter, stand still and come twice. What a multiplexer writes is: a
programme clock reference never falls within a recording (ISO/IEC 13818-1, 2.4.2.2), and counters go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO, NamedTuple
from zlib import crc32

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from streamify.media.source.transport import TS_PACKET, programme_tables, section

REACH = 2 << 20
"""Bytes in front of a picture in which the tables and counters of the recording before are looked for."""
AFTER = 64 << 10
"""Bytes from the picture on in which the first clock reference is."""
LAYOUTS = ((188, 0), (192, 0), (192, 4), (204, 0))
"""Bytes from packet to packet, and from where FFmpeg says that one is to its first byte."""
TWICE = 500
"""Last packets among which one is looked for that came before: then a stretch is in the file twice, unless it is all
that there was."""
PLACES = 2000
"""Places that are looked at in a file: each takes megabytes of reading, and there may be as many as pictures."""
FALLS = Fraction(1, 2)
"""Seconds by which times must fall for a clock to have been set anew by that alone."""


class Restarts:
    """Tells, packet by packet of a video stream, where another recording begins although times hardly fall.

    For judging: the plan finds such places by its own list of packets.

    Args:
        file: The source, opened for this alone.
        container: As it was opened for reading.
        time_base: Seconds per tick.
    """

    def __init__(self, file: BinaryIO, container: InputContainer, time_base: Fraction) -> None:
        self._format = container.format.name
        self._joints, self._most = Joints(file, self._format), int(FALLS / time_base)
        self._before: int | None = None
        self._first: tuple[int, int] | None = None
        self._last = deque[tuple[int, int]](maxlen=TWICE)

    def at(self, packet: Packet[VideoStream]) -> int | None:
        """Return the byte offset at which the recording begins whose first packet this is; ``None``: it is not."""
        time = packet.dts if packet.dts is not None else packet.pts
        if self._format != "mpegts" or time is None or not packet.size:
            return None
        before, self._before = self._before, time
        known = time, crc32(bytes(packet))
        border = None
        falls = before is not None and 0 <= before - time <= self._most
        if packet.is_keyframe and falls and packet.pos is not None:
            twice = known in self._last and known != self._first
            border = None if twice else self._joints.begins_at(packet.pos)
        self._last.append(known)
        if before is None or border is not None:
            self._first = known
        return border


class _Packet(NamedTuple):
    at: int
    pid: int
    begins: bool
    counter: int
    payload: bool


class Joints:
    """Says of places of a file whether a recording begins there, of the first `PLACES` that it is asked for.

    Args:
        file: The source; its position is moved.
        format_name: Of the container.
    """

    def __init__(self, file: BinaryIO, format_name: str) -> None:
        self._file, self._format, self._asked = file, format_name, 0

    def begins_at(self, position: int) -> int | None:
        """See the function of that name."""
        self._asked += 1
        return begins_at(self._file, self._format, position) if self._asked <= PLACES else None


def begins_at(file: BinaryIO, format_name: str, position: int) -> int | None:
    """Return where the recording begins whose first picture is at a byte offset; ``None``: nothing says that one does.

    Args:
        file: The source; its position is moved.
        format_name: Of the container.
        position: Of the packet in which the picture begins.
    """
    if format_name != "mpegts" or position <= 0:
        return None
    start = max(0, position - REACH)
    file.seek(start)
    data = bytes(file.read(position - start + AFTER))
    here = position - start
    for width, lead in LAYOUTS:
        first = here + lead
        if first >= 3 * width and all(
            data[first - width * back : first - width * back + 1] == b"G" for back in range(4)
        ):
            border = _border(data, first, width)
            return None if border is None else start + border - lead
    return None


def _border(data: bytes, here: int, width: int) -> int | None:
    """Return where the tables of a recording are whose first picture begins in the packet at `here`."""
    video = _packet(data, here)
    before = list(_before(data, here, width))  # nearest first
    gap = next((place for place, one in enumerate(before) if one.pid == video.pid and one.payload), None)
    if gap is None or not video.begins:
        return None
    tables = next((one for one in reversed(before[:gap]) if one.pid == 0 and one.begins and _steps(one, before)), None)
    tables = tables or next((one for one in before[:gap] if one.pid == 0 and one.begins), None)
    if tables is None:
        return None
    behind = [one for one in reversed(before[:gap]) if one.at >= tables.at]
    known = programme_tables(data, tables.at)
    programme = next((one for one in behind if one.pid in known and one.begins), None)
    if programme is None:
        return None
    told = section(data, [programme.at])
    if told is None or len(told[1]) < 12:
        return None
    clock = (told[1][8] & 0x1F) << 8 | told[1][9]
    past = next((time for one in before if one.at < tables.at and one.pid == clock
                 and (time := _clock(data, one.at)) is not None), None)  # fmt: skip
    ahead = (at for at in range(tables.at, len(data) - TS_PACKET + 1, width) if data[at] == 0x47)
    now = next(
        (time for at in ahead if _packet(data, at).pid == clock and (time := _clock(data, at)) is not None), None
    )
    if past is None or now is None or now > past:
        return None
    # A clock that stands still has equal references, and multiplexers are known whose tables all have one number.
    witnesses = (tables, programme, video) if now < past else (video,)
    return tables.at if any(_steps(one, before) for one in witnesses) else None


def _before(data: bytes, here: int, width: int) -> Iterator[_Packet]:
    for at in range(here - width, -1, -width):
        if data[at] != 0x47:
            return
        yield _packet(data, at)


def _packet(data: bytes, at: int) -> _Packet:
    return _Packet(
        at,
        (data[at + 1] & 0x1F) << 8 | data[at + 2],
        bool(data[at + 1] & 0x40),
        data[at + 3] & 15,
        bool(data[at + 3] & 0x10),
    )


def _steps(one: _Packet, before: list[_Packet]) -> bool:
    """Whether a packet's counter does not go on from that of the packet before it on its PID."""
    last = next((other for other in before if other.at < one.at and other.pid == one.pid and other.payload), None)
    return last is not None and one.counter != (last.counter + 1) & 15


def _clock(data: bytes, at: int) -> int | None:
    """Return the programme clock reference of a packet, ticks of 90 kHz (2.4.3.5)."""
    if not data[at + 3] & 0x20 or data[at + 4] < 7 or not data[at + 5] & 0x10:
        return None
    return int.from_bytes(data[at + 6 : at + 10], "big") << 1 | data[at + 10] >> 7
