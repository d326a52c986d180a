"""Where a scanned container can be cut, so that header and byte range make a file of their own.

Each `Cutter` turns the byte range of some packets into pieces. Timestamps inside stay the source's own (MPEG-TS:
modulo 2**33 ticks). Whether a cut reproduces the packets of the whole file is proven per source (`index.py`).
"""

from __future__ import annotations

import base64
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import BinaryIO

from streamify.media.source.ebml import CLUSTER, EBML, INFO, INSIDE, SEGMENT, TRACKS, element
from streamify.media.source.transport import TS_PACKET, TS_SEARCH, tables
from streamify.model.plan import Inline, Range, Splice
from streamify.mp4.boxes import BoxError
from streamify.mp4.movie import read_layout

Cutter = Callable[[int, int | None], Splice | None]
"""From the position of the first packet and that of the first packet no longer needed (``None``: to the end)."""

ELEMENTS = 5_000_000
"""Elements that are looked at in clusters of unknown size: ten hours of pictures and sound have three million."""
NEVER = 1 << 62
"""More bytes than an element can have (RFC 8794, 6.2)."""
SCANNED = 1 << 20
"""Bytes in which a cluster is looked for at once."""
HEADER_LIMIT = 256 * 1024
"""Bytes of header that may stand in every segment of a plan."""


def units_cutter(head: bytes, starts: list[int], ends: list[int], positions: list[int], format_name: str) -> Cutter:
    """Cut at the borders of clusters or fragments that lie in file order.

    Only where the first packet is also the first of the stream in its unit: readers rely on that.
    """
    ordered = sorted(positions)

    def cut(first: int, stop: int | None) -> Splice | None:
        begin = bisect_right(starts, first) - 1
        last = len(ends) - 1 if stop is None else bisect_right(starts, stop) - 1
        if first < 0 or begin < 0 or last < begin or ordered[bisect_left(ordered, starts[begin])] != first:
            return None
        span = Range(offset=starts[begin], length=ends[last] - starts[begin])
        return Splice(pieces=(Inline.of(head), span), format=format_name)

    return cut


def pinned(cutter: Cutter) -> Cutter:
    """Leave fragments at their places, for such as hold absolute offsets: a free box hides what is before them."""

    def cut(first: int, stop: int | None) -> Splice | None:
        splice = cutter(first, stop)
        if splice is None:
            return None
        head, span = splice.pieces
        if isinstance(head, Range) or not isinstance(span, Range):
            raise TypeError("a cut is a header and a range")
        data = base64.b64decode(head.data)
        gap = span.offset - len(data)
        if not gap:
            return splice
        if gap < 16:
            return None
        data += struct.pack(">I4sQ", 1, b"free", gap)
        hidden = Range(offset=len(data), length=gap - 16)
        return Splice(pieces=(Inline.of(data), hidden, span), format=splice.format)

    return cut


def fragmented_mp4(file: BinaryIO, size: int, positions: list[int]) -> tuple[Cutter, ...]:
    """Return ways to cut at moof boxes, behind ftyp and moov."""
    layout = read_layout(file, size)
    head = b""
    for kind in (b"ftyp", b"moov"):
        box = layout.first(kind)
        if box is not None:
            if box.size > HEADER_LIMIT:
                return ()
            file.seek(box.start)
            head += bytes(file.read(box.size))
    fragments = [box for box in layout.boxes if box.kind == b"moof"]
    starts = [box.start for box in fragments if box.end <= size]
    if not starts or not head:
        return ()
    stop = fragments[len(starts)].start if len(starts) < len(fragments) else size
    cutter = units_cutter(head, starts, [*starts[1:], stop], positions, "mov")
    return cutter, pinned(cutter)


def matroska(file: BinaryIO, size: int, positions: list[int]) -> tuple[Cutter, ...]:
    """Return a way to cut at clusters, behind the EBML header, Info and Tracks.

    The segment gets an unknown size; SeekHead, Cues and Tags are left out, because they point into the whole file.
    """
    try:
        head, starts, ends = walk_matroska(file, size)
    except BoxError:
        return ()
    if not starts or len(head) > HEADER_LIMIT or max(positions) >= ends[-1]:
        return ()  # behind its end FFmpeg reads on, in files that were joined: a cut would not
    return (units_cutter(head, starts, ends, positions, "matroska"),)


def walk_matroska(file: BinaryIO, size: int) -> tuple[bytes, list[int], list[int]]:
    """Return what has to stand before clusters, and where they start and end.

    Raises:
        BoxError: They cannot be cut out.
    """
    ebml, body, after = element(file, 0, size)
    if ebml != EBML:
        raise BoxError("no EBML header")
    file.seek(0)
    head = bytes(file.read(after)) + SEGMENT.to_bytes(4, "big") + b"\x01" + b"\xff" * 7
    segment, body, end = element(file, after, size)
    if segment != SEGMENT:
        raise BoxError("no Segment")
    kept: dict[int, bytes] = {}
    starts: list[int] = []
    ends: list[int] = []
    at, stop, left = body, min(end, size), ELEMENTS
    while at < stop:
        try:
            kind, body, end = element(file, at, stop)
        except BoxError:
            if not starts or _has_cluster(file, at, stop):
                raise
            ends[-1] = stop
            break
        if kind in (INFO, TRACKS) and kind not in kept:
            if starts or end - at > HEADER_LIMIT:
                raise BoxError("the header is not before the clusters")
            file.seek(at)
            kept[kind] = bytes(file.read(end - at))
        elif kind == CLUSTER:
            if end == stop and element(file, at, NEVER)[2] == NEVER:  # of unknown size
                end, left = _cluster_end(file, body, stop, left)
            starts.append(at)
            ends.append(end)
        at = end
    if len(kept) != 2:
        raise BoxError("no Info or no Tracks")
    return head + kept[INFO] + kept[TRACKS], starts, ends


def _cluster_end(file: BinaryIO, at: int, stop: int, left: int) -> tuple[int, int]:
    """Return where a cluster ends by its elements, of which the first is given, and how many more may be looked at.

    Of a damaged one without others behind it, all that follows is a part, as for readers.
    """
    while at < stop:
        try:
            kind, _, end = element(file, at, stop)
        except BoxError:
            if _has_cluster(file, at, stop):
                raise
            return stop, left
        if kind not in INSIDE:
            break
        left -= 1
        if left < 0:
            raise BoxError("too many elements")
        at = end
    return at, left


def _has_cluster(file: BinaryIO, at: int, stop: int) -> bool:
    """Whether another cluster seems to begin behind damage."""
    mark = CLUSTER.to_bytes(4, "big")
    while at < stop:
        file.seek(at)
        data = bytes(file.read(min(SCANNED, stop - at)))
        if mark in data:
            return True
        if len(data) < len(mark):
            break
        at += len(data) - len(mark) + 1
    return False


def mpegts(file: BinaryIO, size: int, positions: list[int]) -> tuple[Cutter, ...]:
    """Return a way to cut at 188-byte packets, behind the first PAT and the PMTs it names."""
    file.seek(0)
    data = bytes(file.read(min(TS_SEARCH, size)))
    if any(data[at] != 0x47 for at in range(0, min(len(data), 50 * TS_PACKET), TS_PACKET)):
        return ()
    head = tables(data)
    if head is None:
        return ()
    ordered = sorted(position for position in positions if position >= 0)

    def cut(first: int, stop: int | None) -> Splice | None:
        if first < 0 or first % TS_PACKET or (stop is not None and stop < 0):
            return None
        end = size
        if stop is not None:
            # Two pictures more: a packet of video is complete only where the next one begins.
            place = bisect_left(ordered, stop) + 2
            end = ordered[place] + TS_PACKET if place < len(ordered) else size
        if end <= first:
            return None  # where PIDs change, FFmpeg gives the last packet of the first one behind all others
        return Splice(pieces=(Inline.of(head), Range(offset=first, length=end - first)), format="mpegts")

    return (cut,)
