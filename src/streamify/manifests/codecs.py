"""What an init segment says about its track: ISO/IEC 14496-12, -14, -15 and RFC 6381."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from streamify.mp4.boxes import Box, BoxError, boxes, find, first

_VISUAL = 78
"""Bytes of a visual sample entry before its boxes (14496-12, clause 12.1.3)."""
_AUDIO = 28
"""Bytes of an audio sample entry before its boxes (clause 12.2.3)."""


class CodecError(BoxError):
    """The init segment is well formed, but its codec cannot be named."""


@dataclass(frozen=True)
class InitFacts:
    """One track as its init segment describes it."""

    codecs: str
    """RFC 6381."""
    track_id: int
    handler: str
    """``vide`` or ``soun``."""
    timescale: int
    media_time: int
    """Where the edit list starts the presentation on the media timeline, ticks; 0 where there is none."""
    edits: int
    """Entries of the edit list."""
    brands: tuple[str, ...]
    """Major brand first, then the compatible ones."""
    width: int = 0
    """Of the sample entry, pixels; 0 for audio."""
    height: int = 0
    channels: int = 0
    """Of the sample entry; 0 for video."""
    sample_rate: int = 0


def codecs_of(init: bytes) -> str:
    """Return the RFC 6381 codecs string of an init segment with one track.

    Raises:
        CodecError: The sample entry is neither H.264 nor MPEG-4 audio.
        BoxError: The bytes are damaged.
    """
    stbl = first(init, "moov/trak/mdia/minf/stbl")
    return _codecs(init, _entry(init, stbl))


def init_facts(init: bytes) -> InitFacts:
    """Return all that an init segment says.

    Raises:
        CodecError: As in `codecs_of`.
        BoxError: The bytes are damaged, or there is not exactly one track.
    """
    traks = list(find(init, "moov/trak"))
    if len(traks) != 1:
        raise BoxError(f"an init segment of one track was expected; this one has {len(traks)}")
    trak = traks[0]
    tkhd = first(init, "tkhd", trak.body, trak.end)
    mdhd = first(init, "mdia/mdhd", trak.body, trak.end)
    hdlr = first(init, "mdia/hdlr", trak.body, trak.end)
    (track_id,) = _read(init, ">I", tkhd.body + (20 if init[tkhd.body] else 12))
    (timescale,) = _read(init, ">I", mdhd.body + (20 if init[mdhd.body] else 12))
    handler = init[hdlr.body + 8 : hdlr.body + 12].decode("latin-1")
    entry = _entry(init, first(init, "mdia/minf/stbl", trak.body, trak.end))
    width = height = channels = rate = 0
    if handler == "vide":
        width, height = _read(init, ">HH", entry.body + 24)
    elif handler == "soun":
        (channels,) = _read(init, ">H", entry.body + 16)
        (rate,) = _read(init, ">I", entry.body + 24)
    edits, media_time = _edit_list(init, trak)
    return InitFacts(
        _codecs(init, entry), track_id, handler, timescale, media_time, edits, brands(init), width, height, channels,
        rate >> 16,
    )  # fmt: skip


def brands(data: bytes) -> tuple[str, ...]:
    """Return the brands of the leading ``ftyp`` or ``styp``, major first; empty where there is none."""
    for item in boxes(data):
        if item.kind in (b"ftyp", b"styp"):
            names = [data[item.body : item.body + 4]]
            names += [data[at : at + 4] for at in range(item.body + 8, item.end - 3, 4)]
            return tuple(name.decode("latin-1") for name in names)
        break
    return ()


def _edit_list(init: bytes, trak: Box) -> tuple[int, int]:
    for elst in find(init, "edts/elst", trak.body, trak.end):
        wide = init[elst.body]
        (count,) = _read(init, ">I", elst.body + 4)
        if count == 0:
            return 0, 0
        (media_time,) = _read(init, ">q", elst.body + 16) if wide else _read(init, ">i", elst.body + 12)
        return count, media_time
    return 0, 0


def _entry(init: bytes, stbl: Box) -> Box:
    stsd = first(init, "stsd", stbl.body, stbl.end)
    for entry in boxes(init, stsd.body + 8, stsd.end):
        return entry
    raise BoxError("stsd holds no sample entry")


def _codecs(init: bytes, entry: Box) -> str:
    if entry.kind in (b"avc1", b"avc3"):
        avcc = first(init, "avcC", entry.body + _VISUAL, entry.end)
        profile, compatible, level = _read(init, ">BBB", avcc.body + 1)
        return f"{entry.kind.decode()}.{profile:02x}{compatible:02x}{level:02x}"
    if entry.kind == b"mp4a":
        return _mp4a(init, first(init, "esds", entry.body + _AUDIO, entry.end))
    raise CodecError(f"sample entry {entry.kind.decode('latin-1')!r}: only avc1, avc3 and mp4a can be named")


def _mp4a(init: bytes, esds: Box) -> str:
    """Walk ES_Descriptor, DecoderConfigDescriptor, DecoderSpecificInfo (14496-1, clause 7.2.6)."""
    at, end = _descriptor(init, esds.body + 4, esds.end, 3)
    (flags,) = _read(init, ">B", at + 2)
    at += 3 + 2 * bool(flags & 0x80)
    if flags & 0x40:
        at += 1 + _read(init, ">B", at)[0]
    at += 2 * bool(flags & 0x20)
    at, end = _descriptor(init, at, end, 4)
    (kind,) = _read(init, ">B", at)
    if kind != 0x40:
        return f"mp4a.{kind:02x}"
    at, end = _descriptor(init, at + 13, end, 5)
    if end - at < 2:
        raise BoxError("AudioSpecificConfig is cut off")
    (word,) = _read(init, ">H", at)
    object_type = word >> 11
    if object_type == 31:  # escape: six more bits (14496-3, clause 1.6.2.1)
        object_type = 32 + (word >> 5 & 63)
    return f"mp4a.{kind:02x}.{object_type}"


def _descriptor(init: bytes, at: int, limit: int, tag: int) -> tuple[int, int]:
    """Return where the payload of the descriptor at `at` begins and ends; sizes are 7 bits a byte (8.3.3)."""
    if at >= limit or init[at] != tag:
        raise BoxError(f"descriptor {tag} expected at byte {at} of the init segment")
    size = 0
    for _ in range(4):
        at += 1
        (byte,) = _read(init, ">B", at)
        size = size << 7 | byte & 127
        if not byte & 128:
            break
    at += 1
    if at + size > limit:
        raise BoxError(f"descriptor {tag} reaches past its container")
    return at, at + size


def _read(data: bytes, form: str, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error as error:
        raise BoxError(f"init segment is cut off at byte {at}") from error
