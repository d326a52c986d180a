"""Whether a file holds as many bytes as its container announces: a cut-off upload must not become a short stream."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import BinaryIO

from streamify.errors import SourceError
from streamify.media.source.ebml import SEGMENT, vint
from streamify.media.source.open_end import has_clusters, open_end
from streamify.mp4.boxes import BoxError, well_formed
from streamify.mp4.movie import Track, children, read_layout, read_track
from streamify.mp4.tables import read_chunks, read_sizes

ELEMENTS = 10_000
"""Chunks, or elements, that are passed on the way; a file that holds more before its media is none that was cut off."""
HEAD = 1 << 16
"""Bytes of a file in which a header is looked for."""
LARGEST = 1 << 50
"""Bytes of a file; a header that says more does not say its size."""
PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""GUID of ASF's File Properties object."""
BROADCAST = 1
"""Its flag of a file whose size was not known when it was written."""
SLACK = 8
"""Bytes; some writers count a chunk's own header or its padding in."""
EXACT = frozenset({"matroska", "mov", "ogg"})
"""Containers whose sizes are exact: of one byte less a picture is missing."""


def missing_bytes(file: BinaryIO, size: int, format_name: str, tracks: Sequence[int]) -> int:
    """Return how many bytes of what a container announces the file does not hold.

    Matroska and WebM by the Segment's size (RFC 9559, 5.1) where a cluster is missing or, where it was left open, by
    that of the last element; MP4
    by what the index says of its tracks or, in fragments, by the last top-level box (ISO/IEC 14496-12, 8.7 and 4.2);
    AVI, WAV, RF64, AIFF and CAF by the chunks that hold media; FLV by `filesize` of onMetaData (FLV 10.1, E.5); ASF by
    the file's size in File Properties (ASF 01.20.03, 3.2); Ogg by the sizes in its last page (RFC 3533, 6). Other
    containers announce none, and neither do other recordings whose sizes were left open.

    Args:
        file: The source, positioned anywhere.
        size: Its size, bytes.
        format_name: FFmpeg's name of the demuxer.
        tracks: Of an MP4: ids of those that are used. What is missing of others is missed by nobody.
    """
    kind = format_name.split(",")[0]
    announced = _mp4(file, size, tracks) if kind == "mov" else _EXTENTS.get(kind, _unknown)(file, size)
    missing = announced - size
    return missing if missing > (0 if kind in EXACT else SLACK) else 0


AGAIN = "copy or upload it again from the original"


def cut_off(missing: int, size: int, seconds: str = "", hint: str = AGAIN) -> SourceError:
    """Return the error for a file of `size` bytes of which `missing` bytes are not there."""
    what = f"the file is cut off: at least {missing} of {size + missing} bytes are missing{seconds}"
    return SourceError("source-truncated", what, hint)


def _unknown(_file: BinaryIO, _size: int) -> int:
    return 0


def _mp4(file: BinaryIO, size: int, tracks: Sequence[int]) -> int:
    """Return where samples, or fragments, end; 0: not beyond the end of the file."""
    try:
        layout = read_layout(file, size)
        last = layout.boxes[-1] if layout.boxes else None
        if last is None or last.kind not in (b"mdat", b"moof"):
            return 0
        if layout.first(b"moof") is not None:
            return last.end
        file.seek(last.start)
        if last.end <= size and file.read(4) != bytes(4):  # a size of 0: whatever there is (4.2)
            return 0
        found = [_samples_end(track) for number in tracks if (track := read_track(file, layout, number)) is not None]
    except BoxError:
        return 0  # what follows the media is not boxes, or the index is damaged: FFmpeg's reading decides
    missed = not found or max(found) > size
    return max(last.end, *found) if missed else 0


@well_formed()
def _samples_end(track: Track) -> int:
    tables = children(track.trak, "mdia/minf/stbl")
    sizes = read_sizes(track.trak, tables)
    return max(read_chunks(track.trak, tables, len(sizes)).ends(sizes)) if sizes else 0


def _matroska(file: BinaryIO, size: int) -> int:
    at = 0
    for _ in range(ELEMENTS):
        if at + 12 > size:
            break
        file.seek(at)
        head = bytes(file.read(12))
        kind, begin = vint(head, 0, marker=True)
        length, begin = vint(head, begin, marker=False)
        if kind == SEGMENT and length is None:
            return open_end(file, size)  # a recording whose size was left open (RFC 8794, 6.2)
        if kind is None or length is None:
            return 0
        end = at + begin + length
        if kind == SEGMENT:
            return 0 if end > size and has_clusters(file, size, end - size) else end
        at = end
    return 0


def _riff(file: BinaryIO, size: int) -> int:
    """Return where the chunk of samples ends: ``data`` of WAV, ``movi`` of AVI, in each of its RIFF parts."""
    end = 0
    at = wide = 0
    left = ELEMENTS
    while left and at + 12 <= size:
        left -= 1
        file.seek(at)
        form, length = struct.unpack("<4sI", file.read(8))
        # Only a first part can be one whose length stands elsewhere: what follows it is in it.
        if form != b"RIFF" and (at or form not in (b"RF64", b"BW64")):
            break
        last = min(size, at + 8 + length) if _closed(length) and form == b"RIFF" else size
        for kind, begin, count in islice(_chunks(file, at + 12, last, "<4sI"), left):
            left -= 1
            if kind == b"ds64" and count >= 16:
                file.seek(begin + 8)
                (wide,) = struct.unpack("<Q", file.read(8))
            elif kind == b"data":
                end = max(end, begin + (wide if form != b"RIFF" else _closed(count)))
            elif kind == b"LIST":
                file.seek(begin)
                if file.read(4) == b"movi":
                    end = max(end, begin + _closed(count))
        if form != b"RIFF" or not _closed(length):
            break
        at += 8 + length + length % 2
    return end


def _closed(length: int) -> int:
    """Return a 32-bit length, or 0 where it is one of those that stand for "not known" in recordings and pipes."""
    return 0 if length >= 0xFFFFFF00 or 0x7FFF0000 <= length <= 0x80000100 else length


def _aiff(file: BinaryIO, size: int) -> int:
    return max((begin + _closed(n) for kind, begin, n in _chunks(file, 12, size, ">4sI") if kind == b"SSND"), default=0)


def _caf(file: BinaryIO, size: int) -> int:
    return max((begin + n for kind, begin, n in _chunks(file, 8, size, ">4sq") if kind == b"data"), default=0)


def _chunks(file: BinaryIO, at: int, size: int, layout: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start of the payload and its length of the chunks from `at` on, to the end of the file."""
    width = struct.calcsize(layout)
    even = layout.endswith("I")
    for _ in range(ELEMENTS):
        if at + width > size:
            return
        file.seek(at)
        kind, length = struct.unpack(layout, file.read(width))
        if kind in (b"RIFF", b"\0\0\0\0") or length < 0:
            return
        yield kind, at + width, length
        at += width + length + (length % 2 if even else 0)


def _flv(file: BinaryIO, size: int) -> int:
    file.seek(0)
    head = bytes(file.read(min(size, HEAD)))
    at = head.find(b"\0\x08filesize\0", max(0, head.find(b"onMetaData")))
    if b"onMetaData" not in head or at < 0 or at + 19 > len(head):
        return 0
    (announced,) = struct.unpack_from(">d", head, at + 11)
    return int(announced) if 0 < announced < LARGEST else 0


def _asf(file: BinaryIO, size: int) -> int:
    file.seek(0)
    head = bytes(file.read(min(size, HEAD)))
    at = head.find(PROPERTIES)
    if at < 0 or at + 92 > len(head):
        return 0
    (announced,), (flags,) = struct.unpack_from("<Q", head, at + 40), struct.unpack_from("<I", head, at + 88)
    return int(announced) if announced < LARGEST and not flags & BROADCAST else 0


OGG_CAPTURE, OGG_HEADER, OGG_PAGE = b"OggS\0", 27, 65_307
"""What a page begins with; bytes of the fixed part of its header, and of the largest page (RFC 3533, 6)."""


def _ogg(file: BinaryIO, size: int) -> int:
    """Return where the last page ends; where its header is cut off, where that ends at least."""
    start = max(0, size - OGG_PAGE)
    file.seek(start)
    tail = bytes(file.read(size - start))
    at = tail.rfind(OGG_CAPTURE)
    if at < 0:
        return 0
    if at + OGG_HEADER > len(tail):
        return start + at + OGG_HEADER
    lacing = tail[at + OGG_HEADER : at + OGG_HEADER + tail[at + OGG_HEADER - 1]]
    end = at + OGG_HEADER + tail[at + OGG_HEADER - 1] + sum(lacing)
    begun = end < len(tail) and OGG_CAPTURE.startswith(tail[end:])
    return start + end + (OGG_HEADER if begun else 0)


_EXTENTS: dict[str, Callable[[BinaryIO, int], int]] = {
    "matroska": _matroska,
    "avi": _riff,
    "wav": _riff,
    "aiff": _aiff,
    "caf": _caf,
    "flv": _flv,
    "asf": _asf,
    "ogg": _ogg,
}
