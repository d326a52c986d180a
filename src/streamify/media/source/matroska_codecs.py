"""What decoders need of a Matroska track's description (CodecPrivate, RFC 9559, 5.1.4.1.22), codec by codec. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping

from streamify.bitstream.av1 import has_sequence
from streamify.bitstream.vorbis import laced
from streamify.media.source.ebml import children
from streamify.media.source.mixed import has_sets

PRIVATE, VIDEO, AUDIO = 0x63A2, 0xE0, 0xE1
"""CodecPrivate, and the elements of pictures and of sound."""
RATE, CHANNELS, DEPTH = 0xB5, 0x9F, 0x6264
"""SamplingFrequency, Channels and BitDepth."""
WIDTH, HEIGHT, FOURCC = 0xB0, 0xBA, 0x2EB524
"""PixelWidth, PixelHeight and UncompressedFourCC."""
ENCODINGS, ENCODING, COMPRESSION, ALGORITHM, SETTINGS = 0x6D80, 0x6240, 0x5034, 0x4254, 0x4255
"""ContentEncodings, ContentEncoding, ContentCompression, ContentCompAlgo and ContentCompSettings (5.1.4.1.31)."""
ZLIB, STRIPPED = 0, 3
"""Algorithms: that of RFC 1950, and bytes that each block lacks at its start."""
DECODERS = {b"V_MPEG4/ISO/AVC": "h264", b"V_MPEGH/ISO/HEVC": "hevc"}
"""Of codecs with NAL units, FFmpeg's names."""
MESSAGES = {39, 40}
"""NAL units of HEVC that decoding does not need, but name the encoder's options."""
VOL = range(0x20, 0x30)
"""Start codes of MPEG-4 part 2 behind which the shape of the pictures is described."""
TEXT = 0xB2
"""That of the encoder's name."""
UNITS = 32
"""NAL units that are looked at for parameter sets."""

Packing = tuple[tuple[int, bytes], ...]
"""How blocks are compressed: algorithm and settings."""


def needed(codec: bytes, said: Mapping[int, bytes]) -> bytes:
    """Return what decoders need of a TrackEntry: not the tags of Vorbis, nor the sum of FLAC."""
    private = said.get(PRIVATE, b"")
    if codec.startswith(b"A_PCM"):
        return _linear(dict(children(said.get(AUDIO, b""))))
    if codec == b"V_UNCOMPRESSED":
        shape = dict(children(said.get(VIDEO, b"")))
        return b"".join(shape.get(one, b"").lstrip(b"\0").rjust(8, b"\0") for one in (WIDTH, HEIGHT, FOURCC))
    if codec.startswith((b"A_AAC", b"A_MS/ACM")):
        return private
    take = _NEEDED.get(codec)
    return take(private) if take is not None else b""


def says_itself(codec: bytes, configuration: bytes, picture: bytes) -> bool:
    """Return whether a packet comes with the parameters that decoding needs.

    Args:
        codec: Matroska's name.
        configuration: Of the decoder, as `needed` gives it.
        picture: Its packet, or the beginning of that.
    """
    if codec in DECODERS:
        return has_sets(DECODERS[codec], configuration, picture, UNITS)
    if codec == b"V_AV1":
        return has_sequence(picture)
    return codec in (b"V_MPEG4/ISO/ASP", b"V_MS/VFW/FOURCC") and any(code in VOL for code in _codes(picture))


def packing(said: Mapping[int, bytes]) -> Packing:
    """Return how the blocks of a TrackEntry are compressed."""
    ways = (dict(children(one)) for kind, one in children(said.get(ENCODINGS, b"")) if kind == ENCODING)
    squeezed = (dict(children(one[COMPRESSION])) for one in ways if COMPRESSION in one)
    return tuple((int.from_bytes(one.get(ALGORITHM, b"")[:8]), one.get(SETTINGS, b"")) for one in squeezed)


def unpacked(block: bytes, ways: Packing, most: int) -> bytes:
    """Return the beginning of a block as it was before it was compressed; empty: that is not known here.

    Args:
        block: Its bytes, or the first of them.
        ways: As of `packing`.
        most: Bytes that are returned.
    """
    for algorithm, settings in ways:
        if algorithm == STRIPPED:
            block = settings + block
        elif algorithm == ZLIB:
            try:
                block = zlib.decompressobj().decompress(block, most)
            except zlib.error:
                return b""
        else:
            return b""
    return block


def _linear(heard: Mapping[int, bytes]) -> bytes:
    rate = heard.get(RATE, b"")
    rate = struct.pack(">d", *struct.unpack(">f", rate)) if len(rate) == 4 else rate
    return rate + b"".join(heard.get(one, b"").lstrip(b"\0").rjust(8, b"\0") for one in (CHANNELS, DEPTH))


def _without_messages(private: bytes) -> bytes:
    """Return an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1) without what names the encoder."""
    kept, at = private[:22], 23
    for _ in range(private[22] if len(private) > 22 else 0):
        begin, count = at, int.from_bytes(private[at + 1 : at + 3])
        at += 3
        for _ in range(count if at < len(private) else 0):
            at += 2 + int.from_bytes(private[at : at + 2])
        kept += private[begin:at] if private[begin : begin + 1] and private[begin] & 0x3F not in MESSAGES else b""
    return kept


def _without_text(private: bytes) -> bytes:
    """Return headers of MPEG-4 part 2 without the encoder's name (ISO/IEC 14496-2, 6.2.2)."""
    parts = private.split(b"\0\0\1")
    return b"\0\0\1".join(part for part in parts if part[:1] != bytes((TEXT,)))


def _without_tags(private: bytes) -> bytes:
    """Return the headers of Vorbis or Theora without their tags, the second of three."""
    headers = laced(private)
    return private if headers is None else headers[0] + headers[2]


def _codes(data: bytes) -> set[int]:
    """Return the start codes of a packet."""
    return {part[0] for part in data.split(b"\0\0\1")[1:] if part}


_NEEDED: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"V_MPEG4/ISO/AVC": lambda private: private,
    b"V_MPEGH/ISO/HEVC": _without_messages,
    b"V_MPEGI/ISO/VVC": lambda private: private,
    b"V_MPEG4/ISO/ASP": _without_text,
    b"V_MPEG4/ISO/SP": _without_text,
    # BITMAPINFOHEADER: the codec and what is behind it; pictures say their size, or what is behind it does.
    b"V_MS/VFW/FOURCC": lambda private: private[16:20] + _without_text(private[40:]),
    b"V_AV1": lambda private: private[4:],  # the sequence header
    b"V_FFV1": lambda private: private,
    b"V_THEORA": _without_tags,
    b"A_VORBIS": _without_tags,
    b"A_OPUS": lambda private: private[9:10] + private[16:],  # channels, gain and their order (RFC 7845, 5.1)
    b"A_ALAC": lambda private: private[:12] + private[20:24],  # but for sizes and rate of bytes
}
"""What of a CodecPrivate decoders need; other codecs say it in their packets."""
