"""Tags and comments are counted before FFmpeg reads them, because it compares each one with all others.

Where a container's headers come in many reads, the time that opening takes is enough of a limit; see `opening`.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from heapq import nsmallest
from typing import BinaryIO

from streamify.errors import SourceError
from streamify.media.source.ebml import CLUSTER, EBML, SEGMENT, children, element
from streamify.model.limits import METADATA
from streamify.mp4.boxes import BoxError, well_formed

HEAD = 1 << 16
"""Bytes of a file in which comments begin."""
ELEMENTS = 10_000
"""Elements of Matroska that are looked at on the way to its tags, or blocks of FLAC on the way to its comments."""
LARGEST = 16 << 20
"""Bytes of all lists of tags of Matroska, with those of the SeekHeads that name them."""
LISTS = 64
"""Places of a SeekHead at which lists of tags are looked for."""
SEEK_HEAD, TAGS, TAG, TARGETS, SIMPLE_TAG = 0x114D9B74, 0x1254C367, 0x7373, 0x63C0, 0x67C8
SEEK, SEEK_ID, SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
COMMENTS = (b"OpusTags", b"\x03vorbis", b"\x81theora", b"OVP80\x02\x20")
"""What comes before the comments in a packet of Ogg (RFC 7845, 5.2; Vorbis I, 4.2.1)."""
FLAC_COMMENTS = 4
"""Type of a metadata block (RFC 9639, 8.6)."""

LEAVE_OUT = "leave its tags out: ffmpeg -i SOURCE -map_metadata -1 -c copy OUT.mkv"


def too_complex(what: str, hint: str = LEAVE_OUT) -> SourceError:
    """Return the error for a source whose headers hold too much."""
    return SourceError("source-too-complex", what, hint)


def refuse_metadata(file: BinaryIO, size: int) -> None:
    """Refuse a source with more tags or comments than any honest file has.

    Args:
        file: The source, positioned anywhere.
        size: Of the source, bytes.

    Raises:
        SourceError: ``source-too-complex``.
    """
    file.seek(0)
    head = bytes(file.read(HEAD))
    count = 0
    try:
        if head[:4] == EBML.to_bytes(4):
            count = _matroska(file, size)
        elif head[:4] == b"OggS":
            count = max((_comments(head, head.find(mark) + len(mark)) for mark in COMMENTS if mark in head), default=0)
        elif head[:4] == b"fLaC":
            count = _flac(file)
    except BoxError:
        return  # damaged: FFmpeg says of what it can make anything
    if count > METADATA:
        raise too_complex(f"it has more than {METADATA} tags of one kind")


@well_formed()
def _comments(data: bytes, at: int) -> int:
    """Return how many comments there are behind the name of who wrote them (Vorbis I, 5.2.1)."""
    (vendor,) = struct.unpack_from("<I", data, at)
    (count,) = struct.unpack_from("<I", data, at + 4 + vendor)
    return int(count)


@well_formed()
def _flac(file: BinaryIO) -> int:
    at, last, found, blocks = 4, 0, 0, 0
    while not last:
        if blocks == ELEMENTS:
            raise too_complex(f"it has more than {ELEMENTS} blocks of metadata")
        file.seek(at)
        head = bytes(file.read(4))
        last, length = head[0] >> 7, int.from_bytes(head[1:4])
        if head[0] & 0x7F == FLAC_COMMENTS:
            found = max(found, _comments(bytes(file.read(min(length, HEAD))), 0))
        at, blocks = at + 4 + length, blocks + 1
    return found


@well_formed()
def _matroska(file: BinaryIO, size: int) -> int:
    """Return the most tags that name one thing: the file, or what their targets say (RFC 9559, 5.1.8)."""
    most = 0
    for tags in _tag_lists(file, size):
        counts = Counter[bytes]()
        for kind, body in children(tags):
            if kind != TAG:
                continue
            target = b""
            for inner, value in children(body):
                if inner == TARGETS:
                    target = value
                elif inner == SIMPLE_TAG:
                    counts[target] += 1 + value.count(SIMPLE_TAG.to_bytes(2))
            most = max(most, counts[target])
            if most > METADATA:
                return most
    return most


def _tag_lists(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the payloads of lists of tags: in front of the clusters, or where a SeekHead says."""
    at, segment, told, left = 0, 0, set[int](), LARGEST

    def read(begin: int, end: int) -> bytes:
        nonlocal left
        left -= end - begin
        if left < 0:
            raise too_complex(f"it has more than {LARGEST >> 20} MiB of tags")
        file.seek(begin)
        return bytes(file.read(end - begin))

    for _ in range(ELEMENTS):
        if at >= size:
            break
        kind, body, end = element(file, at, size)
        if kind == SEGMENT:
            segment, at = body, body
            continue
        if kind == CLUSTER:
            break
        if kind == TAGS:
            told.discard(at)
            yield read(body, end)
        if kind == SEEK_HEAD:
            told.update(segment + place for place in _places(read(body, end)))
        at = end
    for place in nsmallest(LISTS, (one for one in told if at <= one < size)):
        kind, body, end = element(file, place, size)
        if kind == TAGS:
            yield read(body, end)


def _places(data: bytes) -> Iterator[int]:
    """Yield where lists of tags are, by a SeekHead (RFC 9559, 5.1.1), bytes from the start of the segment's payload."""
    for kind, body in children(data):
        entry = dict(children(body)) if kind == SEEK else {}
        if entry.get(SEEK_ID) == TAGS.to_bytes(4):
            yield int.from_bytes(entry.get(SEEK_POSITION, b""))
