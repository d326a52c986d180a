"""AAC-LC by FFmpeg's own encoder: ISO/IEC 14496-14 (mp4a, esds), ISO/IEC 23000-19, 10.4 (media profile)."""

from __future__ import annotations

import struct

from streamify.codecs.base import AudioCodec
from streamify.mp4.boxes import BoxError
from streamify.mp4.description import SampleEntry

_MPEG4_AUDIO = 0x40
"""Object type of ISO/IEC 14496-3 (14496-1, table 5)."""


class Aac(AudioCodec):
    """AAC-LC."""

    name = "aac"
    title = "AAC-LC"
    encoder = "aac"
    entries = (b"mp4a",)
    frame = 1024
    delay = 1024
    priming = 1
    layouts = {2: "stereo", 6: "5.1"}  # noqa: RUF012 - typed as a Mapping in the base class
    surround_bitrate = 384_000
    rates = (48_000, 44_100)
    options = {"aac_coder": "fast"}  # noqa: RUF012
    brands = {2: b"caac"}  # noqa: RUF012 - the core profile has up to two channels

    def channel_configuration(self, channels: int) -> tuple[str, str]:
        """Return ISO/IEC 23091-3's number of the layout: 2 is stereo, 6 is 5.1."""
        return "urn:mpeg:mpegB:cicp:ChannelConfiguration", str(channels)

    def rfc6381(self, entry: SampleEntry) -> str:
        """Walk ES_Descriptor, DecoderConfigDescriptor, DecoderSpecificInfo (14496-1, clause 7.2.6)."""
        esds = entry.boxes.get(b"esds", b"")
        at, end = _descriptor(esds, 4, len(esds), 3)
        (flags,) = _read(esds, ">B", at + 2)
        at += 3 + 2 * bool(flags & 0x80)
        if flags & 0x40:
            at += 1 + _read(esds, ">B", at)[0]
        at += 2 * bool(flags & 0x20)
        at, end = _descriptor(esds, at, end, 4)
        (kind,) = _read(esds, ">B", at)
        if kind != _MPEG4_AUDIO:
            return f"mp4a.{kind:02x}"
        at, end = _descriptor(esds, at + 13, end, 5)
        if end - at < 2:
            raise BoxError("AudioSpecificConfig is cut off")
        (word,) = _read(esds, ">H", at)
        object_type = word >> 11
        if object_type == 31:  # escape: six more bits (14496-3, clause 1.6.2.1)
            object_type = 32 + (word >> 5 & 63)
        return f"mp4a.{kind:02x}.{object_type}"


def _descriptor(data: bytes, at: int, limit: int, tag: int) -> tuple[int, int]:
    """Return where the payload of the descriptor at `at` starts and ends; sizes are 7 bits a byte (8.3.3)."""
    if at >= limit or data[at] != tag:
        raise BoxError(f"descriptor {tag} expected at byte {at} of esds")
    size = 0
    for _ in range(4):
        at += 1
        (byte,) = _read(data, ">B", at)
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
        raise BoxError(f"esds is cut off at byte {at}") from error
