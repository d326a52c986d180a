"""Recordings joined into one file although they do not have the same streams: FFmpeg takes them for one film."""

from __future__ import annotations

from itertools import islice
from typing import BinaryIO

from streamify.bitstream.base import units
from streamify.errors import SourceError

PLACES = 100
"""Places at which the first picture of a recording is looked for."""
SETS = {"h264": (4, 0, 31, {7, 8}), "hevc": (21, 1, 63, {32, 33, 34})}
"""By decoder: byte of the configuration with the width of lengths, shift and mask of the kind in the header of a unit,
and kinds of the parameter sets that a picture needs: FFmpeg takes those of the first file where a picture brings none.
"""


MATROSKA, FLV = b"\x1a\x45\xdf\xa3", b"FLV\1"
HEAD = 9
"""Bytes of an FLV's header, the last four of which say so (Adobe FLV 10.1, annex E.2)."""


def mixed(what: str) -> SourceError:
    """Return the error for a source of recordings that do not have the same streams."""
    hint = "take it apart where one recording ends and the next begins, and give each by itself"
    return SourceError("source-joined", f"it was joined of recordings that cannot be read as one: {what}", hint)


def refuse_next(file: BinaryIO, at: int) -> None:
    """Refuse a source in which another file begins that FFmpeg does not read: of FLV, or the third of Matroska.

    Raises:
        SourceError: ``source-joined``.
    """
    file.seek(at)
    head = bytes(file.read(HEAD))
    if head.startswith(MATROSKA) or is_flv(head):
        raise mixed(f"what begins at byte {at} is not read")


def is_flv(head: bytes) -> bool:
    """Return whether bytes are the beginning of an FLV."""
    return head.startswith(FLV) and head[5:HEAD] == b"\0\0\0\x09"


def has_sets(decoder: str, configuration: bytes, picture: bytes, most: int | None = None) -> bool:
    """Return whether a picture comes with parameter sets of its own (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1).

    Args:
        decoder: FFmpeg's name, one of `SETS`.
        configuration: What the container says of the decoder.
        picture: Its packet, or the beginning of that.
        most: NAL units that are looked at; ``None``: all.
    """
    at, shift, mask, needed = SETS[decoder]
    width = (configuration[at] & 3) + 1 if len(configuration) > at else 4
    kinds = (picture[start] >> shift & mask for start, end in units(picture, width) if start < end)
    return needed <= set(islice(kinds, most))
