"""Where another recording begins in a file although times hardly fall: where the container itself begins anew.

Times of pictures are no proof of that: they jitter, stand still and come twice.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from statistics import median_low
from typing import BinaryIO, NamedTuple
from zlib import crc32

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from streamify.media.source.joint_flv import FlvJoints
from streamify.media.source.joint_mkv import MatroskaJoints
from streamify.media.source.joint_mp4 import FragmentJoints
from streamify.media.source.joint_ps import ProgramJoints
from streamify.media.source.joint_ts import TransportJoints
from streamify.media.source.reading import UnreadableError, offset_of

TWICE = 500
"""Last packets among which one is looked for that came before, and packets in a row that did."""
MANY = 3
"""Packets in a row that came before, of which chance makes no copies."""
FALLS = Fraction(1, 2)
"""Seconds by which times must fall for a clock to have been set anew by that alone."""
PACED = 48
"""Last packets by which the distance of pictures is told."""


class Joints:
    """Says of pictures, in the order of the file, whether a recording begins with one.

    Args:
        file: The source; its position is moved.
        format_name: Of the container.
    """

    def __init__(self, file: BinaryIO, format_name: str) -> None:
        self._transport = TransportJoints(file) if format_name == "mpegts" else None
        self._other: MatroskaJoints | FragmentJoints | ProgramJoints | FlvJoints | None = None
        if format_name.startswith("matroska"):
            self._other = MatroskaJoints(file)
        elif format_name.startswith("mov"):
            self._other = FragmentJoints(file)
        elif format_name in ("mpeg", "flv"):
            self._other = ProgramJoints(file) if format_name == "mpeg" else FlvJoints(file)

    def begins_at(self, before: int, position: int) -> int | None:
        """Return where the recording begins whose first picture is at an offset; ``None``: nothing says that one does.

        Args:
            before: Of the last packet of pictures in front of it whose offset is known.
            position: Of the packet in which the picture begins, as FFmpeg says it.
        """
        if position <= 0:
            return None
        if self._transport is not None:
            return self._transport.begins_at(position)
        return self._other.begins_at(before, position) if self._other is not None and before >= 0 else None


class Marked(NamedTuple):
    """A packet, and what is said of it."""

    packet: Packet[VideoStream]
    border: int | None = None
    """Byte offset at which the recording begins whose first packet it is."""
    again: bool = False
    """Whether it came before in its recording, with the same bytes and time, and the clock goes on behind."""


class _Timed(NamedTuple):
    packet: Packet[VideoStream]
    time: int
    """When it is decoded, ticks."""
    key: tuple[int, int]
    """When it is shown, and a checksum of its bytes."""


class Restarts:
    """Tells, packet by packet of a video stream, where another recording begins although times hardly fall, and what
    came before.

    For judging: the plan finds such places by its own list of packets.

    Args:
        file: The source, opened for this alone.
        container: As it was opened for reading.
        time_base: Seconds per tick.
        whole: Whether it is read from its start.
    """

    def __init__(self, file: BinaryIO, container: InputContainer, time_base: Fraction, *, whole: bool = True) -> None:
        self._joints = Joints(file, container.format.name)
        # Where the first picture of a recording waits longer to be shown, times of decoding fall by more than it.
        self._most = int(2 * FALLS / time_base)
        self._count: int | None = 0 if whole else None
        """Packets of this recording; ``None``: it began before."""
        self._before: int | None = None
        self._position = -1
        self._last = deque[tuple[int, int]]()
        self._uses = Counter[tuple[int, int]]()
        self._rises = deque[int](maxlen=PACED)

    def read(self, packets: Iterable[Packet[VideoStream]]) -> Iterator[Marked]:
        """Yield packets with what is said of each; those that may have come before are held until that is known."""
        held: list[_Timed] = []
        try:
            for packet in packets:
                one = _timed(packet)
                if held:
                    most = min(TWICE, len(held) + 1 if self._count is None else self._count)
                    if one is not None and one.key in self._uses and len(held) < most:
                        held.append(one)
                        continue
                    goes_on = one is not None and self._goes_on(one.time, len(held))
                    ends = not packet.size and not self._is_all(len(held))
                    yield from self._released(held, again=goes_on or ends)
                    held = []
                if one is None:
                    yield Marked(packet)
                elif self._falls(one) and one.key in self._uses:
                    held.append(one)
                else:
                    yield self._plain(one)
        except UnreadableError:
            yield from self._released(held, again=not self._is_all(len(held)))
            raise
        yield from self._released(held, again=not self._is_all(len(held)))

    def _released(self, held: list[_Timed], *, again: bool) -> Iterator[Marked]:
        for one in held:
            yield Marked(one.packet, again=True) if again else self._plain(one)

    def _plain(self, one: _Timed) -> Marked:
        """Take note of a packet that did not come before."""
        border, position = None, offset_of(one.packet)
        if one.packet.is_keyframe and self._falls(one) and position is not None:
            border = self._joints.begins_at(self._position, position)
        moved = 0 if self._before is None else one.time - self._before
        if border is not None or moved < -self._most:
            self._count = 0
        if moved > 0:
            self._rises.append(moved)
        self._count = None if self._count is None else self._count + 1
        self._before = one.time
        self._position = position if position is not None else self._position
        self._last.append(one.key)
        self._uses[one.key] += 1
        if len(self._last) > TWICE:
            oldest = self._last.popleft()
            self._uses[oldest] -= 1
            if not self._uses[oldest]:
                del self._uses[oldest]
        return Marked(one.packet, border)

    def _falls(self, one: _Timed) -> bool:
        return self._before is not None and 0 <= self._before - one.time <= self._most

    def _is_all(self, count: int) -> bool:
        return self._count is not None and count >= self._count

    def _goes_on(self, time: int, count: int) -> bool:
        """Whether the clock goes on behind copies where it was before them.

        Behind few, or where it is all that there was before, which else is a loop, it does with the next picture.
        """
        step = median_low(self._rises) if self._rises else self._most  # of a single picture nothing tells it
        moved = time - self._before if self._before is not None else 0
        many = count >= MANY and not self._is_all(count)
        return 0 <= moved <= max(8 * step, 1) if many else 0 < moved <= max(step * 3 // 2, 1)


def _timed(packet: Packet[VideoStream]) -> _Timed | None:
    time = packet.dts if packet.dts is not None else packet.pts
    if time is None or not packet.size:
        return None
    return _Timed(packet, time, (packet.pts if packet.pts is not None else time, crc32(bytes(packet))))
