"""Matroska files joined into one whose tracks of one number are not of one kind and codec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, NamedTuple

from streamify.media.source.ebml import CLUSTER, EBML, SEGMENT, TRACKS, children, element, vint
from streamify.media.source.matroska_codecs import Packing, needed, packing, says_itself, unpacked
from streamify.media.source.mixed import mixed
from streamify.mp4.boxes import BoxError

HEADER = 256 * 1024
"""Bytes of a list of tracks that is looked at."""
FILES = 2
"""Files joined in Matroska that FFmpeg reads; it ends at the third (seen in 8.1)."""
ELEMENTS = 100
"""Elements looked at in front of a list of tracks."""
ENTRY, NUMBER, TYPE, CODEC = 0xAE, 0xD7, 0x83, 0x86
"""TrackEntry, TrackNumber, TrackType and CodecID (RFC 9559, 5.1.4)."""
BLOCKS = 1000
"""Elements looked at for the first block of a track."""
NAME, WIDEST = 32, 8
"""Bytes of a codec's name that are shown, and of an integer."""
KINDS = {1: "pictures", 2: "sound"}

_Tracks = dict[int, tuple[int, bytes]]
"""Kind and codec of tracks by their numbers."""


def refuse_other_tracks(file: BinaryIO, size: int) -> None:
    """Refuse a Matroska file that is joined of some whose tracks of one number are not of one kind and codec.

    Args:
        file: The source, positioned anywhere.
        size: Its size, bytes.

    Raises:
        SourceError: ``source-joined``.
    """
    try:
        parts = list(_parts(file, size))
    except BoxError:
        return  # damaged: FFmpeg says of what it can make anything
    for other in parts[1:]:
        _compare(file, size, parts[0], other)


def refuse_other_tracks_at(file: BinaryIO, size: int, places: Iterable[int]) -> None:
    """Refuse such a file whose size was left open, so that only its clock tells where the next one begins.

    Args:
        file: The source; its position is moved.
        size: Its size, bytes.
        places: Byte offsets of the first packets behind breaks of a stream's clock; -1: not known.

    Raises:
        SourceError: ``source-joined``.
    """
    mark = EBML.to_bytes(4, "big")
    for place in places:
        file.seek(start := max(0, place - HEADER))
        at = bytes(file.read(max(0, place - start))).rfind(mark)
        if at < 0 or start + at == 0:
            continue
        try:
            first, other = next(_parts(file, size)), next(_parts(file, size, start + at))
        except (BoxError, StopIteration):
            continue  # what looks like a header is none
        _compare(file, size, first, other)


class _Part(NamedTuple):
    """A file that was joined with others."""

    begin: int
    tracks: _Tracks
    private: Mapping[int, bytes]
    """How tracks are decoded, of codecs that do not say so themselves, by their numbers."""
    packing: Mapping[int, Packing]
    """How their blocks are compressed."""
    behind: int
    """Byte behind the list of tracks."""


def _compare(file: BinaryIO, size: int, first: _Part, other: _Part) -> None:
    if not first.tracks:
        return  # its list of tracks stands behind what is looked at
    for number, (kind, codec) in other.tracks.items():
        before = first.tracks.get(number)
        if before is None and kind in KINDS:
            raise mixed(f"track {number}, {KINDS[kind]} from byte {other.begin} on, is not in the first")
        if before is None or (kind not in KINDS and before[0] not in KINDS):
            continue
        if before != (kind, codec):
            raise mixed(f"track {number} is {_named(before[1])}, and {_named(codec)} from byte {other.begin} on")
        if first.packing[number] != other.packing[number]:
            raise mixed(f"track {number} is compressed otherwise from byte {other.begin} on")
        if first.private[number] != other.private[number] and not _says_itself(file, size, number, other):
            raise mixed(f"track {number} is described otherwise from byte {other.begin} on")


def _says_itself(file: BinaryIO, size: int, number: int, part: _Part) -> bool:
    """Return whether the first block of a track has the parameters that decoding needs."""
    at, codec = part.behind, part.tracks[number][1]
    try:
        for _ in range(BLOCKS):
            kind, body, after = element(file, at, size)
            if kind in (0xA3, 0xA1):
                file.seek(body)
                data = bytes(file.read(min(after - body, HEADER)))
                of, begin = vint(data, 0, marker=False)
                if of == number:
                    picture = unpacked(data[begin + 3 :], part.packing[number], HEADER)
                    return says_itself(codec, part.private[number], picture)
            at = body if kind in (CLUSTER, 0xA0) else after
    except BoxError:
        pass  # the end, or damaged
    return False


def _named(codec: bytes) -> str:
    """Return a codec's name as people read it, which a file may give as any bytes."""
    text = codec[:NAME].decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() else codec[:NAME].hex()


def _parts(file: BinaryIO, size: int, at: int = 0) -> Iterator[_Part]:
    """Yield where each file begins that was joined, and its tracks."""
    for _ in range(FILES):
        if at >= size:
            return
        head, _, after = element(file, at, size)
        if head != EBML:
            return
        segment, body, end = element(file, after, size)
        if segment != SEGMENT:
            return
        yield _part(file, at, body, end)
        at = end


def _part(file: BinaryIO, begin: int, at: int, end: int) -> _Part:
    found: _Tracks = {}
    private: dict[int, bytes] = {}
    packed: dict[int, Packing] = {}
    for _ in range(ELEMENTS):
        if at >= end:
            break
        kind, body, after = element(file, at, end)
        if kind == TRACKS:
            file.seek(body)
            for entry, payload in children(bytes(file.read(min(after - body, HEADER)))):
                if entry == ENTRY:
                    said = dict(children(payload))
                    number, sort = (int.from_bytes(said.get(one, b"")[:WIDEST]) for one in (NUMBER, TYPE))
                    codec = said.get(CODEC, b"").partition(b"\0")[0]  # a zero ends it (RFC 8794, 13)
                    found[number], private[number], packed[number] = (sort, codec), needed(codec, said), packing(said)
            at = after
            break
        at = after
    return _Part(begin, found, private, packed, at)


def refuse_unread(file: BinaryIO, size: int, last: int) -> None:
    """Refuse a Matroska file behind whose last packet another one begins, which FFmpeg does not read."""
    file.seek(last)
    data = bytes(file.read(HEADER))
    at = last + data.find(EBML.to_bytes(4, "big"))
    if at < last:
        return
    refuse_other_tracks_at(file, size, [last + len(data)])
    try:
        part = next(_parts(file, size, at))
    except (BoxError, StopIteration):
        return  # what looks like a header is none
    if part.tracks:
        raise mixed(f"what begins at byte {at} is not read")
