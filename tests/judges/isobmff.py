"""A reader of ISO base media files for the judges (ISO/IEC 14496-12), so that they share none with what they judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FULL = 4
"""Bytes of version and flags at the beginning of a full box."""
NON_SYNC = 1 << 16
"""`sample_is_non_sync_sample` of the sample flags (8.8.3.1)."""


@dataclass(frozen=True)
class Box:
    """One box of a file."""

    data: bytes
    """The whole file."""
    kind: str
    start: int
    payload: int
    """Offset of the payload in the file."""
    end: int

    @property
    def version(self) -> int:
        """Of a full box."""
        return self.data[self.payload]

    @property
    def flags(self) -> int:
        """Of a full box."""
        return self.number(1, 3)

    def number(self, offset: int, size: int = 4, *, signed: bool = False) -> int:
        """Read an integer at an offset of the payload."""
        at = self.payload + offset
        if at + size > self.end:
            raise ValueError(f"{self.kind} at byte {self.start} is cut off")
        return int.from_bytes(self.data[at : at + size], "big", signed=signed)

    def children(self) -> list[Box]:
        """Return the boxes inside."""
        return _boxes(self.data, self.payload, self.end)

    def all(self, *path: str) -> list[Box]:
        """Return every box at a path below this one."""
        found = [self]
        for kind in path:
            found = [child for parent in found for child in parent.children() if child.kind == kind]
        return found

    def only(self, *path: str) -> Box:
        """Return the one box at a path below this one."""
        found = self.all(*path)
        if len(found) != 1:
            raise ValueError(f"{self.kind or 'the file'} holds {len(found)} boxes {'/'.join(path)}, not one")
        return found[0]


def whole(data: bytes) -> Box:
    """Return a file as a box without a header."""
    return Box(data, "", 0, 0, len(data))


def _boxes(data: bytes, at: int, end: int) -> list[Box]:
    found = []
    while at < end:
        size, payload = int.from_bytes(data[at : at + 4], "big"), at + 8
        if size == 1:
            size, payload = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        stop = at + size if size else end
        if not payload <= stop <= end:
            raise ValueError(f"the box at byte {at} claims {size} bytes; {end - at} are left")
        found.append(Box(data, data[at + 4 : at + 8].decode("latin-1"), at, payload, stop))
        at = stop
    return found


@dataclass(frozen=True)
class Header:
    """What an init segment says of its one track."""

    handler: str
    """``vide`` or ``soun``."""
    timescale: int
    edits: int
    """Entries of the edit list."""
    media_time: int
    """Where the first edit starts, ticks; 0 without an edit list."""
    defaults: tuple[int, int, int]
    """Duration, size and flags of samples whose fragment says nothing (8.8.3)."""


def read_header(init: bytes) -> Header:
    """Read an init segment."""
    moov = whole(init).only("moov")
    trak, trex = moov.only("trak"), moov.only("mvex", "trex")
    handler, mdhd = trak.only("mdia", "hdlr"), trak.only("mdia", "mdhd")
    lists = [elst for elst in trak.all("edts", "elst") if elst.number(FULL)]
    size = 8 if lists and lists[0].version == 1 else 4
    return Header(
        handler=handler.data[handler.payload + 8 : handler.payload + 12].decode("latin-1"),
        timescale=mdhd.number(FULL + (16 if mdhd.version == 1 else 8)),
        edits=lists[0].number(FULL) if lists else 0,
        media_time=lists[0].number(FULL + 4 + size, size, signed=True) if lists else 0,
        defaults=(trex.number(FULL + 8), trex.number(FULL + 12), trex.number(FULL + 16)),
    )


def brands(data: bytes) -> list[str]:
    """Return major and compatible brands of a file that begins with ``ftyp`` or ``styp``; none of another file."""
    first = whole(data).children()[0]
    if first.kind not in ("ftyp", "styp"):
        return []
    text = data[first.payload : first.end].decode("latin-1")
    return [text[at : at + 4] for at in range(0, len(text), 4) if at != 4]  # at 4 stands the minor version


@dataclass(frozen=True)
class Fragment:
    """One ``moof`` and its ``mdat``."""

    start: int
    """Offset of the moof in the file."""
    decode_time: int
    """Ticks."""
    durations: tuple[int, ...]
    """Of each sample, ticks."""
    sizes: tuple[int, ...]
    """Of each sample, bytes."""
    offsets: tuple[int, ...]
    """From decoding to presentation of each sample, ticks."""
    sync: bool
    """Whether the first sample is a sync sample."""
    data: int
    """Offset of the first sample in the file."""


def read_fragments(data: bytes, header: Header) -> tuple[Fragment, ...]:
    """Read all fragments of a segment of one track."""
    return tuple(_fragment(moof, header) for moof in whole(data).all("moof"))


def _fragment(moof: Box, header: Header) -> Fragment:
    traf = moof.only("traf")
    tfdt, runs = traf.only("tfdt"), traf.all("trun")
    duration, size, flags = _defaults(traf.only("tfhd"), header)
    samples = [sample for run in runs for sample in _samples(run, duration, size, flags)]
    if not runs or not runs[0].flags & 0x1:
        raise ValueError(f"the fragment at byte {moof.start} does not say where its samples are")
    return Fragment(
        start=moof.start,
        decode_time=tfdt.number(FULL, 8 if tfdt.version == 1 else 4),
        durations=tuple(sample[0] for sample in samples),
        sizes=tuple(sample[1] for sample in samples),
        offsets=tuple(sample[3] for sample in samples),
        sync=not samples[0][2] & NON_SYNC,
        data=moof.start + runs[0].number(FULL + 4, signed=True),
    )


def _defaults(tfhd: Box, header: Header) -> tuple[int, int, int]:
    """Return duration, size and flags of samples about which the ``trun`` says nothing (8.8.7)."""
    at = FULL + 4 + (8 if tfhd.flags & 0x1 else 0) + (4 if tfhd.flags & 0x2 else 0)
    found = list(header.defaults)
    for place, flag in enumerate((0x8, 0x10, 0x20)):
        if tfhd.flags & flag:
            found[place] = tfhd.number(at)
            at += 4
    return found[0], found[1], found[2]


def _samples(trun: Box, duration: int, size: int, flags: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield duration, size, flags and composition offset of each sample (8.8.8)."""
    given, count, at = trun.flags, trun.number(FULL), FULL + 4
    at += 4 if given & 0x1 else 0
    first_flags = trun.number(at) if given & 0x4 else None
    at += 4 if given & 0x4 else 0
    for number in range(count):
        sample = [duration, size, flags, 0]
        for place, flag in enumerate((0x100, 0x200, 0x400, 0x800)):
            if given & flag:
                sample[place] = trun.number(at, signed=flag == 0x800 and trun.version == 1)
                at += 4
        if number == 0 and first_flags is not None:
            sample[2] = first_flags
        yield sample[0], sample[1], sample[2], sample[3]
