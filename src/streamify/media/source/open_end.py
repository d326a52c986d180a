"""Whether Matroska or WebM that ends early, or whose size was left open, ends in the middle of its media."""

from __future__ import annotations

from typing import BinaryIO

from streamify.media.source.ebml import CLUSTER, INSIDE, TIMESTAMP, vint

TAIL = 16 << 20
"""Bytes at the end of a file in which its last cluster is looked for: muxers begin one every few seconds."""
FIRST = frozenset({TIMESTAMP, 0xBF, 0xEC})
"""Ids of the elements with which a cluster begins."""
CUES = 0x1C53BB6B
"""Id of the index: muxers write it in front of all clusters or, once these are there, behind them."""
LEAST = 12
"""Bytes of a cluster that has a block at least."""
BEHIND = frozenset({CLUSTER, CUES, 0x1254C367, 0x1941A469, 0x1043A770, 0x114D9B74})
"""Ids of the elements that may follow one."""


def open_end(file: BinaryIO, size: int) -> int:
    """Return where the media ends that reaches beyond the file; 0: none does, or no cluster is found.

    Args:
        file: The source, positioned anywhere.
        size: Its size, bytes.
    """
    begin, data, end = _last(file, size)
    return begin + end if end > len(data) else 0


def has_clusters(file: BinaryIO, size: int, missing: int) -> bool:
    """Return whether all clusters of a Segment are there that lacks some bytes, and but what follows them is cut off.

    Args:
        file: The source, positioned anywhere.
        size: Its size, bytes.
        missing: Bytes that it lacks.
    """
    _, data, at = _last(file, size)
    if not at:
        return False
    while at < len(data):
        kind, after = vint(data, at, marker=True)
        if kind == CUES:
            return True
        length, body = vint(data, after, marker=False)
        if kind not in BEHIND or length is None:
            return False
        at = body + length
    return at == len(data) and missing < LEAST


def _last(file: BinaryIO, size: int) -> tuple[int, bytes, int]:
    """Return where the tail of a file begins, the tail, and where in it the last cluster ends; 0: none is found."""
    begin = max(0, size - TAIL)
    file.seek(begin)
    data = bytes(file.read(size - begin))
    mark = CLUSTER.to_bytes(4, "big")
    at = data.rfind(mark)
    while at >= 0:
        end = _end_of(data, at)
        if end is not None:
            return begin, data, end
        at = data.rfind(mark, 0, at)
    return begin, data, 0


def _end_of(data: bytes, at: int) -> int | None:
    """Return where the cluster at a place ends or, where its size is open, its last element; ``None``: there is none,
    but bytes of a picture.
    """
    length, body = vint(data, at + 4, marker=False)
    if vint(data, body, marker=True)[0] not in FIRST:
        return None
    if length is not None:
        return body + length
    at = body
    while at < len(data):
        kind, after = vint(data, at, marker=True)
        length, begin = vint(data, after, marker=False)
        if kind is None or begin == after or length is None:
            return len(data)  # too little of it is there
        if kind not in INSIDE:
            return at if kind in BEHIND else None
        at = begin + length
    return at
