"""How much sound a packet holds, read from its first bytes: rate, channels and samples. No FFmpeg."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from streamify.bitstream.vorbis import Lengths, Vorbis


@dataclass(frozen=True, slots=True)
class PacketSound:
    """What a packet holds, as it is coded: HE-AAC counts the samples of its core."""

    rate: int
    """Samples per second."""
    channels: int
    """0: the packet does not say."""
    samples: int


SoundReader = Callable[[bytes], PacketSound | None]
"""From a packet to what it holds; ``None``: it cannot be read, and nothing is expected of it."""


def sound_reader(codec: str, extradata: bytes, rate: int, channels: int) -> SoundReader | None:
    """Return what counts the samples of a codec's packets, taken in order, or ``None`` where packets do not say.

    Args:
        codec: FFmpeg's name of the codec or of its decoder.
        extradata: Of the stream.
        rate: Samples per second that the container claims.
        channels: That the container claims.
    """
    name = codec.removesuffix("float").removesuffix("_fixed").removeprefix("lib")
    if name in ("mp1", "mp2", "mp3"):
        return mpeg_audio
    if name in ("ac3", "eac3"):
        return dolby
    if name in ("dca", "dts"):
        return dts
    if name == "aac":
        config = aac_config(extradata)
        return _Aac(config, PacketSound(rate, channels, 1024) if rate else None) if config or not extradata else None
    if name == "opus":
        count = extradata[9] if len(extradata) > 9 else channels
        return lambda data: opus(data, count)
    if name == "flac":
        return lambda data: flac(data, rate)
    if name in ("g722", "adpcm_g722") and rate and channels:
        return lambda data: PacketSound(rate, channels, 2 * len(data) // channels)
    if name == "vorbis":
        found = Vorbis.of(extradata)
        if found is None:
            return None
        lengths = Lengths(found)
        return lambda data: PacketSound(found.rate, found.channels, lengths.samples(data))
    bits = _pcm_bits(name)
    if bits and rate and channels:
        return lambda data: PacketSound(rate, channels, len(data) * 8 // (bits * channels))
    return None


def _pcm_bits(name: str) -> int:
    if name in ("pcm_alaw", "pcm_mulaw"):
        return 8
    found = re.fullmatch(r"pcm_[suf](\d+)(le|be)?", name)
    return int(found[1]) if found else 0


class _Aac:
    """Reads packets with an ADTS header; others hold what the configuration says, or else what the container does."""

    def __init__(self, config: PacketSound | None, claimed: PacketSound | None) -> None:
        self._config, self._claimed = config, claimed

    def __call__(self, data: bytes) -> PacketSound | None:
        found = adts(data)
        if found is not None:
            self._claimed = None
        return found or self._config or self._claimed


AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
AAC_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)


def adts(data: bytes) -> PacketSound | None:
    """Read an ADTS header (ISO/IEC 14496-3, 1.A.2.2)."""
    if len(data) < 7 or data[0] != 0xFF or data[1] & 0xF6 != 0xF0 or data[2] >> 2 & 15 >= len(AAC_RATES):
        return None
    channels = AAC_CHANNELS[(data[2] & 1) << 2 | data[3] >> 6]
    return PacketSound(AAC_RATES[data[2] >> 2 & 15], channels, 1024 * ((data[6] & 3) + 1))


def aac_config(extradata: bytes) -> PacketSound | None:
    """Read an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): what each packet holds; ``None`` for low-delay kinds."""
    bits = _Bits(extradata)
    kind, rate, channels = _object_type(bits), _rate(bits), bits.take(4)
    if kind in (5, 29):  # SBR, PS: the core follows
        _rate(bits)
        kind = _object_type(bits)
    if bits.over or not rate or kind not in (1, 2, 3, 4, 6, 7, 17, 19, 20, 22):
        return None
    return PacketSound(
        rate, AAC_CHANNELS[channels] if channels < len(AAC_CHANNELS) else 0, 960 if bits.take(1) else 1024
    )


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data[:16]), 8 * len(data[:16])
        self.over = False

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            self.over = True
            return 0
        return self._value >> self._left & (1 << count) - 1


def _object_type(bits: _Bits) -> int:
    kind = bits.take(5)
    return 32 + bits.take(6) if kind == 31 else kind


def _rate(bits: _Bits) -> int:
    index = bits.take(4)
    if index == 15:
        return bits.take(24)
    return AAC_RATES[index] if index < len(AAC_RATES) else 0


MPEG_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def mpeg_audio(data: bytes) -> PacketSound | None:
    """Read the header of an MPEG-1, 2 or 2.5 audio frame (ISO/IEC 11172-3, 2.4.1.3)."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    version, layer, index = data[1] >> 3 & 3, 4 - (data[1] >> 1 & 3), data[2] >> 2 & 3
    if version == 1 or layer == 4 or index == 3:
        return None
    samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
    return PacketSound(MPEG_RATES[version][index], 1 if data[3] >> 6 == 3 else 2, samples)


DOLBY_RATES = (48000, 44100, 32000)
DOLBY_CHANNELS = (2, 1, 2, 3, 3, 4, 4, 5)


def dolby(data: bytes) -> PacketSound | None:
    """Read the frames of AC-3 or E-AC-3 in a packet (ETSI TS 102 366, 4.4 and E.1.2); dependent ones add no time."""
    if len(data) < 8 or data[:2] != b"\x0b\x77":
        return None
    kind = data[5] >> 3
    if kind <= 10:
        if data[4] >> 6 == 3:
            return None
        mode = data[6] >> 5
        skip = 3 + 2 * (mode & 1 and mode != 1) + 2 * (mode >> 2) + 2 * (mode == 2)
        lfe = int.from_bytes(data[6:8]) >> 15 - skip & 1
        return PacketSound(DOLBY_RATES[data[4] >> 6] >> max(kind - 8, 0), DOLBY_CHANNELS[mode] + lfe, 1536)
    found: PacketSound | None = None
    at = 0
    while at + 6 <= len(data) and data[at : at + 2] == b"\x0b\x77" and data[at + 5] >> 3 > 10:
        stream, number, code = data[at + 2] >> 6, data[at + 2] >> 3 & 7, data[at + 4] >> 6
        if stream != 1 and not number:
            half = data[at + 4] >> 4 & 3
            if code == 3 and half == 3:
                return found
            rate = DOLBY_RATES[half] // 2 if code == 3 else DOLBY_RATES[code]
            blocks = 6 if code == 3 else (1, 2, 3, 6)[half]
            channels = DOLBY_CHANNELS[data[at + 4] >> 1 & 7] + (data[at + 4] & 1)
            found = PacketSound(rate, channels, 256 * blocks + (found.samples if found is not None else 0))
        at += 2 * (((data[at + 2] & 7) << 8 | data[at + 3]) + 1)
    return found


DTS_RATES = (0, 8000, 16000, 32000, 0, 0, 11025, 22050, 44100, 0, 0, 12000, 24000, 48000, 0, 0)
DTS_CHANNELS = (1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 6, 6, 6, 7, 8, 8)


def dts(data: bytes) -> PacketSound | None:
    """Read the header of a DTS core frame (ETSI TS 102 114, 5.3)."""
    if len(data) < 11 or data[:4] != b"\x7f\xfe\x80\x01":
        return None
    value = int.from_bytes(data[4:11])
    blocks, mode, rate = value >> 42 & 127, value >> 22 & 63, DTS_RATES[value >> 18 & 15]
    if not rate or blocks < 5:
        return None
    return PacketSound(rate, DTS_CHANNELS[mode] if mode < len(DTS_CHANNELS) else 0, 32 * (blocks + 1))


OPUS_FRAMES = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
"""Samples at 48 kHz of a frame, by configuration (RFC 6716, table 2)."""


def opus(data: bytes, channels: int) -> PacketSound | None:
    """Read the first byte of an Opus packet (RFC 6716, 3.1)."""
    if not data:
        return None
    code = data[0] & 3
    frames = (1, 2, 2)[code] if code < 3 else data[1] & 63 if len(data) > 1 else 0
    return PacketSound(48000, channels, OPUS_FRAMES[data[0] >> 3] * frames)


FLAC_RATES = (0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)


def flac(data: bytes, rate: int) -> PacketSound | None:
    """Read the header of a FLAC frame (RFC 9639, 9.1)."""
    if len(data) < 8 or data[0] != 0xFF or data[1] & 0xFC != 0xF8:
        return None
    size, code = data[2] >> 4, data[2] & 15
    at = 4 + max(1, 8 - (data[4] ^ 0xFF).bit_length())
    if size == 1:
        samples = 192
    elif size < 6:
        samples = 576 << size - 2
    elif size > 7:
        samples = 256 << size - 8
    else:
        samples = 1 + int.from_bytes(data[at : at + size - 5])
        at += size - 5
    channels = data[3] >> 4
    if code < len(FLAC_RATES):
        found = FLAC_RATES[code] or rate
    else:
        found = int.from_bytes(data[at : at + (1 if code == 12 else 2)]) * {12: 1000, 13: 1, 14: 10}.get(code, 0)
    return PacketSound(found, channels + 1 if channels < 8 else 2, samples) if found else None
