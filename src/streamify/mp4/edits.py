"""What FFmpeg is to read in place of some bytes of an MP4, found through range reads.

Free space in front of the index that claims fewer bytes than its header, at which FFmpeg ends, has none.

Edits of length 0 in edit lists run to the end of the film. The standard says so of fragmented files (ISO/IEC 14496-12,
8.6.6.1), and players take it so in all: androidx Media3 shows all samples from the edit's start on. FFmpeg shows
nothing of the samples that the moov lists, in a fragmented file, too.

Edits that show nothing, behind the last one that does, are left out. FFmpeg (8.1) shows the film's beginning there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from streamify.model.limits import EDITS
from streamify.mp4.boxes import HEADER, SPACES, Box, BoxError, header, well_formed

TOP = 64
"""Top-level boxes in front of the moov at most, and of them those that are looked at."""
INNER = 4096
"""Boxes inside one box that are looked at."""
ENTRIES = 64
"""Entries of an edit list that are looked at."""
EMPTY = -1
"""Media time of an edit that shows nothing."""


class TooManyEditsError(BoxError):
    """An edit list is longer than any that an editor writes, and each entry costs time and memory."""


@dataclass(frozen=True)
class Patch:
    """Bytes that stand in the place of the file's own."""

    offset: int
    data: bytes


@well_formed()
def corrections(file: BinaryIO, size: int) -> tuple[Patch, ...]:
    """Return what makes FFmpeg read an MP4 as players do; usually nothing.

    Raises:
        TooManyEditsError: An edit list has more than `EDITS` entries.
        BoxError: The bytes are not boxes.
    """
    found: list[Patch] = []
    for box in _boxes(file, 0, size, TOP):
        if box.kind in (b"moov", b"moof"):
            edits = _endless_edits(file, box) if box.kind == b"moov" and box.end <= size else ()
            return (*found, *edits)
        if box.kind in SPACES and box.size == HEADER:
            file.seek(box.start)
            if bytes(file.read(4)) != (length := struct.pack(">I", HEADER)):
                found.append(Patch(box.start, length))
    return tuple(found)


def _endless_edits(file: BinaryIO, moov: Box) -> tuple[Patch, ...]:
    """Return what gives edits of length 0 the length of what they show."""
    timescale, traks, fragments = 0, [], False
    for box in _boxes(file, moov.body, moov.end, INNER):
        fragments = fragments or box.kind == b"mvex"
        if box.kind == b"mvhd":
            timescale, _ = _times(file, box)
        if box.kind == b"trak":
            traks.append(box)
    found = [_of_track(file, trak, timescale, fragments=fragments) for trak in traks]  # all: each list is counted
    return tuple(patch for patches in found for patch in patches) if timescale else ()


def _of_track(file: BinaryIO, trak: Box, timescale: int, *, fragments: bool) -> tuple[Patch, ...]:
    """Return what gives a track's edit its length, where the only one that shows anything has none, and what leaves out
    those at the end that show nothing; nothing where all samples are in fragments.
    """
    inside = {box.kind: box for box in _boxes(file, trak.body, trak.end, INNER)}
    if b"edts" not in inside or b"mdia" not in inside:
        return ()
    lists = (box for box in _boxes(file, inside[b"edts"].body, inside[b"edts"].end, INNER) if box.kind == b"elst")
    elst = next(lists, None)
    if elst is None:
        return ()
    file.seek(elst.body)
    head = bytes(file.read(8))
    wide, (count,) = head[0] == 1, struct.unpack_from(">I", head, 4)
    form, width = (">QqI", 20) if wide else (">IiI", 12)
    held = min(count, (elst.end - elst.body - 8) // width)
    if held > EDITS:
        raise TooManyEditsError(f"an edit list of {held} entries; the limit is {EDITS}")
    if not 0 < count <= ENTRIES:
        return ()
    data = bytes(file.read(count * width))
    edits = [struct.unpack_from(form, data, width * number) for number in range(count)]
    shown = [number for number, (_, begin, _) in enumerate(edits) if begin != EMPTY]
    if not shown:
        return ()
    behind = _shortened(elst, shown[-1] + 1, width) if shown[-1] + 1 < count and not fragments else ()
    if len(shown) != 1 or edits[shown[0]][0] or edits[shown[0]][1] < 0:
        return behind
    if fragments:
        if not _has_samples(file, inside[b"mdia"]):
            return ()
        timescale = 0  # how long the fragments are is not told
    media = _boxes(file, inside[b"mdia"].body, inside[b"mdia"].end, INNER)
    mdhd = next((box for box in media if box.kind == b"mdhd"), None)
    ticks, duration = _times(file, mdhd) if mdhd is not None else (0, 0)
    # Twice the track's own length: the last pictures may be shown later than they are decoded. FFmpeg takes the lesser
    # of the two for the length of the stream.
    most = (1 << (63 if wide else 32)) - 1
    length = min(-(-2 * duration * timescale // ticks), most) if ticks and duration and timescale else most
    return (*behind, Patch(elst.body + 8 + width * shown[0], struct.pack(">Q" if wide else ">I", length)))


def _has_samples(file: BinaryIO, mdia: Box) -> bool:
    """Return whether the moov lists samples of a track (8.7.3)."""
    within = [mdia]
    for kind in ((b"minf",), (b"stbl",), (b"stsz", b"stz2")):
        within = [box for one in within for box in _boxes(file, one.body, one.end, INNER) if box.kind in kind]
    for box in within:
        file.seek(box.body + 8)
        if int.from_bytes(file.read(4)):
            return True
    return False


def _shortened(elst: Box, count: int, width: int) -> tuple[Patch, ...]:
    """Return what leaves an edit list its first `count` entries; FFmpeg goes by its size, so free space follows."""
    end = elst.body + 8 + count * width
    if elst.body - elst.start != HEADER:
        return ()
    return (
        Patch(elst.start, struct.pack(">I", end - elst.start)),
        Patch(elst.body + 4, struct.pack(">I", count)),
        Patch(end, struct.pack(">I4s", elst.end - end, b"free")),
    )


def _boxes(file: BinaryIO, start: int, end: int, most: int) -> Iterator[Box]:
    """Yield the headers of boxes that lie side by side, as places in the file."""
    for _ in range(most):
        if start + 8 > end:
            return
        file.seek(start)
        box = header(bytes(file.read(16)), 0, end - start)
        yield Box(box.kind, start, start + box.body, start + box.end)
        start += box.end


def _times(file: BinaryIO, box: Box) -> tuple[int, int]:
    """Return timescale and duration of an mvhd or mdhd box."""
    file.seek(box.body)
    data = bytes(file.read(32))
    timescale, duration = struct.unpack_from(">IQ", data, 20) if data[0] else struct.unpack_from(">II", data, 12)
    return int(timescale), int(duration)
