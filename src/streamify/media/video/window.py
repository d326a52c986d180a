"""The packets of a window of the source, from one of its entry points on."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, cast

from av.packet import Packet
from av.video.stream import VideoStream

from streamify.bitstream.captions import DVD, ESCAPED, cc_data
from streamify.bitstream.packets import mark_of, print_of, sum_of
from streamify.media.source.entering import numbered_packets, open_splice, packets_from, sought_packets
from streamify.media.source.opening import open_media
from streamify.media.source.palette import INDEXED, read_palette, with_palette
from streamify.media.source.reading import UnreadableError, read_packets
from streamify.media.source.splice import SplicedFile
from streamify.model.plan import EntryPoint, PacketTimes, Segment


@dataclass(frozen=True)
class WindowSource:
    """Where a window's bytes come from."""

    open_source: Callable[[], BinaryIO]
    stream: int
    """Index of the video stream in the whole file."""
    access: str
    end: int
    """End of the whole video, source ticks: what an edit list cuts off is not shown."""
    through: bool = False
    """Whether the file is read from its start to where decoding begins, and not sought in."""


class WindowPackets:
    """A container positioned at an entry point, and the packets that follow."""

    def __init__(self, source: WindowSource, segment: Segment, entry: EntryPoint | None) -> None:
        self._source, self._segment, self._entry = source, segment, entry
        self._file = _CountingFile(source.open_source())
        self._packets: Iterator[Packet[VideoStream] | None] = iter(())
        self.stream: VideoStream
        self.errors: list[str] = []
        """What was said of packets that cannot be read, or that a decoder refused."""
        self.times: list[int] = []
        """Presentation times of the packets read so far that are shown, source ticks."""
        self.captions: list[tuple[int, bytes]] = []
        """Of those that carry captions the presentation time and cc_data, in the order of decoding."""
        self.grouped: set[int] = set()
        """Presentation times of those whose captions are for all pictures of a group, as on DVDs."""
        self._marks: set[int] = set()

    def __enter__(self) -> WindowPackets:
        splice, file = self._segment.splice, cast("BinaryIO", self._file)
        if splice is not None and self._entry is not None and not self._source.through:
            self._container, self.stream = open_splice(SplicedFile(splice, file), splice, self._source.stream)
            sliced = self._source.access == "sliced"
            entries = self._segment.entries
            if self._segment.packets is None:
                self._packets = packets_from(self._container, self.stream, entries, self._entry, sliced=sliced)
            else:
                every = read_packets(self._container, self.stream)
                self._packets = self._numbered(every, self._segment.packets, self._segment.packets.first)
        else:
            self._container = open_media(file)
            self.stream = cast("VideoStream", self._container.streams[self._source.stream])
            given, begin = self._segment.packets, None
            if self._entry is None or self._source.through:
                begin = self._entry.number or 0 if self._entry is not None else 0
                full = (packet for packet in read_packets(self._container, self.stream) if packet.size)
                packets: Iterator[Packet[VideoStream]] = islice(full, begin, None)
            else:
                packets = sought_packets(self._container, self.stream, self._entry, known=given is not None)
            self._packets = packets if given is None else self._numbered(packets, given, begin)
        if self.stream.codec_context.pix_fmt == INDEXED:
            with self._source.open_source() as whole:
                self._packets = with_palette(self._packets, read_palette(whole, self._source.stream))
        return self

    def _numbered(
        self, packets: Iterator[Packet[VideoStream]], given: PacketTimes, number: int | None
    ) -> Iterator[Packet[VideoStream] | None]:
        entry = self._segment.entries.index(self._entry) if self._entry is not None else None
        return numbered_packets(packets, self._segment, given, entry, number=number)

    def close(self) -> None:
        """Close container and file."""
        self._container.close()
        self._file.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def bytes_read(self) -> int:
        """Of the file, so far."""
        return self._file.bytes_read

    @property
    def marks(self) -> int:
        """Of the packets inside the window read so far; see `Segment.marks`."""
        return sum_of(self._marks)

    def read(self) -> Iterator[Packet[VideoStream] | None]:
        """Yield packets that are not empty, and ``None`` where decoding begins anew.

        Where the container cannot be read on, that is damage, and the end.
        """
        codec = self.stream.codec_context.name
        try:
            for packet in self._packets:
                if packet is not None and not packet.size:
                    continue
                if packet is not None:
                    self._mark(packet)
                if packet is not None and not packet.is_discard:
                    self._note(packet, codec)
                yield packet
        except UnreadableError as error:
            self.errors.append(f"the container cannot be read on: {error.reason}")

    def _mark(self, packet: Packet[VideoStream]) -> None:
        segment, pts = self._segment, packet.pts
        if segment.marks is None or pts is None:
            return
        start = segment.held if segment.held is not None else segment.source_start
        end = segment.source_end if segment.source_end is not None else self._source.end
        if start <= pts < end:
            self._marks.add(mark_of(pts, print_of(bytes(packet))))

    def _note(self, packet: Packet[VideoStream], codec: str) -> None:
        if packet.pts is not None:
            self.times.append(packet.pts)
        data = bytes(packet)
        triples = cc_data(data, escaped=codec in ESCAPED)
        # A second field can have a packet without a time: it belongs to the picture of the packet before.
        pts = packet.pts if packet.pts is not None else self.times[-1] if self.times else None
        if triples and pts is not None:
            self.captions.append((pts, triples))
            if codec not in ESCAPED and DVD in data:
                self.grouped.add(pts)


class _CountingFile(io.RawIOBase):
    """Passes reads through and counts them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes_read = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.bytes_read += len(data)
        return bytes(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()
