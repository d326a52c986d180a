"""What lists of tracks say in Matroska files that were joined byte by byte."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import pytest

from streamify.errors import SourceError
from streamify.media.source.mixed_matroska import refuse_other_tracks

VOID = b"\xec\x80"


def element(kind: int, payload: bytes) -> bytes:
    """Return an EBML element, its size in eight bytes (RFC 8794, 4)."""
    return kind.to_bytes((kind.bit_length() + 7) // 8) + (1 << 56 | len(payload)).to_bytes(8) + payload


def track(codec: bytes, number: bytes = b"\1", *others: bytes) -> bytes:
    """Return a TrackEntry of pictures."""
    said = (element(0xD7, number), element(0x83, b"\1"), element(0x86, codec), *others)
    return element(0xAE, b"".join(said))


def matroska(*tracks: bytes, before: bytes = b"", behind: bytes = b"") -> bytes:
    """Return a file with a list of tracks; `before` stands in front of it."""
    segment = element(0x18538067, before + element(0x1654AE6B, b"".join(tracks)) + behind)
    return element(0x1A45DFA3, element(0x4282, b"matroska")) + segment


def refuse(*files: bytes) -> None:
    data = b"".join(files)
    refuse_other_tracks(io.BytesIO(data), len(data))


def test_a_number_of_a_track_may_have_any_length() -> None:
    """An integer of 4000 bytes has more digits than Python writes."""
    refuse(matroska(track(b"V_VP8")), matroska(track(b"V_VP8", b"\0" * 7 + b"\1" + b"\xff" * 4000)))
    with pytest.raises(SourceError, match="is not in the first"):
        refuse(matroska(track(b"V_VP8")), matroska(track(b"V_VP8", b"\xff" * 4000)))


def test_names_of_codecs_are_shown_as_text_of_one_line() -> None:
    with pytest.raises(SourceError) as caught:
        refuse(matroska(track(b"V_VP8")), matroska(track(b"\x1b[2J" + b"\n" * 5000)))
    assert "track 1 is V_VP8, and 1b5b324a0a0a" in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


def test_a_zero_ends_the_name_of_a_codec() -> None:
    refuse(matroska(track(b"V_VP8")), matroska(track(b"V_VP8\0")))
    with pytest.raises(SourceError, match="track 1 is V_VP8, and V_VP9 from byte"):
        refuse(matroska(track(b"V_VP8")), matroska(track(b"V_VP9\0")))


def test_a_list_of_tracks_behind_much_else_is_compared_with_none() -> None:
    refuse(matroska(track(b"V_VP8"), before=VOID * 200), matroska(track(b"V_VP9")))


Pack = Callable[[bytes], bytes]
AVC, HEVC = b"V_MPEG4/ISO/AVC", b"V_MPEGH/ISO/HEVC"


def described(codec: bytes, private: bytes, *units: bytes, packing: bytes = b"", pack: Pack = bytes) -> bytes:
    """Return a file with a picture of these NAL units, their sizes in four bytes."""
    picture = pack(b"".join(len(unit).to_bytes(4) + unit for unit in units))
    return coded(codec, private, picture, packing)


def coded(codec: bytes, private: bytes, picture: bytes = b"", packing: bytes = b"") -> bytes:
    """Return a file with one block."""
    cluster = element(0x1F43B675, element(0xE7, b"\0") + element(0xA3, b"\x81\0\0\x80" + picture))
    return matroska(track(codec, b"\1", element(0x63A2, private), packing), behind=cluster)


def compressed(algorithm: int, settings: bytes = b"") -> bytes:
    """Return what a track says of its blocks (RFC 9559, 5.1.4.1.31.6)."""
    how = element(0x4254, bytes((algorithm,))) + (element(0x4255, settings) if settings else b"")
    return element(0x6D80, element(0x6240, element(0x5034, how)))


def avcc(parameters: bytes) -> bytes:
    """Return parameter sets as ISO/IEC 14496-15, 5.3.3.1 has them."""
    return b"\1\x42\xc0\x0d\xff\xe1" + len(parameters).to_bytes(2) + parameters + b"\0"


def hvcc(**arrays: bytes) -> bytes:
    """Return arrays of NAL units by their types as ISO/IEC 14496-15, 8.3.3.1 has them."""
    lists = (bytes([int(kind[1:])]) + b"\0\1" + len(unit).to_bytes(2) + unit for kind, unit in arrays.items())
    return b"\1" + bytes(20) + b"\x03" + bytes([len(arrays)]) + b"".join(lists)


@pytest.mark.parametrize(
    ("codec", "private", "other", "units"),
    [
        (AVC, avcc(b"\x67a"), avcc(b"\x67b"), (b"\x65",)),
        (AVC, avcc(b"\x67a"), avcc(b"\x67b"), (b"\x67b", b"\x65")),
        (HEVC, hvcc(n32=b"\x40\1a"), hvcc(n32=b"\x40\1b"), (b"\x26\1",)),
        (b"A_AAC", b"\x12\x10", b"\x11\x90", ()),
    ],
)
def test_what_is_described_otherwise_is_refused(
    codec: bytes, private: bytes, other: bytes, units: tuple[bytes, ...]
) -> None:
    """FFmpeg decodes it by the first file's description."""
    first = described(codec, private, *units)
    refuse(first, first)
    with pytest.raises(SourceError, match=f"track 1 is described otherwise from byte {len(first)} on"):
        refuse(first, described(codec, other, *units))


@pytest.mark.parametrize(
    ("codec", "private", "other", "units"),
    [
        (AVC, avcc(b"\x67a"), avcc(b"\x67b"), (b"\x06\5", b"\x67b", b"\x68b", b"\x65")),
        (HEVC, hvcc(n32=b"\x40\1a"), hvcc(n32=b"\x40\1b"), (b"\x40\1b", b"\x42\1b", b"\x44\1b", b"\x26\1")),
        (HEVC, hvcc(n32=b"\x40\1a", n39=b"crf=20"), hvcc(n32=b"\x40\1a", n39=b"crf=34"), (b"\x26\1",)),
    ],
)
def test_pictures_that_bring_their_parameters_may_be_joined(
    codec: bytes, private: bytes, other: bytes, units: tuple[bytes, ...]
) -> None:
    refuse(described(codec, private, *units), described(codec, other, *units))


def test_linear_sound_of_another_rate_is_refused() -> None:
    def sound(rate: bytes) -> bytes:
        return matroska(track(b"A_PCM/INT/LIT", b"\1", element(0xE1, element(0xB5, rate) + element(0x9F, b"\1"))))

    refuse(sound(struct.pack(">f", 44100)), sound(struct.pack(">d", 44100)))
    with pytest.raises(SourceError, match="track 1 is described otherwise"):
        refuse(sound(struct.pack(">f", 44100)), sound(struct.pack(">f", 48000)))


def laced(first: bytes, tags: bytes, setup: bytes) -> bytes:
    """Return three headers as Matroska has those of Vorbis and Theora."""
    return bytes((2, len(first), len(tags))) + first + tags + setup


VOL, NAMED = b"\0\0\1\xb0\1\0\0\1\x20a", b"\0\0\1\xb2Lavc"
OPUS = b"OpusHead\1\1\x38\1\x80\xbb\0\0\0\0\0"
BITMAP = bytes(16) + b"XVID" + bytes(20)


@pytest.mark.parametrize(
    ("codec", "private", "other", "picture"),
    [
        (b"V_MPEG4/ISO/ASP", VOL, VOL + b"b", b"\0\0\1\xb6a"),
        (b"V_MS/VFW/FOURCC", BITMAP + VOL, BITMAP + VOL + b"b", b"\0\0\1\xb6a"),
        (b"V_MS/VFW/FOURCC", BITMAP, BITMAP.replace(b"XVID", b"WMV3"), b"a"),
        (b"V_AV1", b"\x81\0\x0c\0a", b"\x81\0\x0c\0b", b"\x12\0\x32\1a"),
        (b"V_FFV1", b"a", b"b", b"a"),
        (b"V_THEORA", laced(b"a", b"t", b"s"), laced(b"a", b"t", b"u"), b"a"),
        (b"A_VORBIS", laced(b"a", b"t", b"s"), laced(b"b", b"t", b"s"), b"a"),
        (b"A_OPUS", OPUS, OPUS[:9] + b"\2" + OPUS[10:], b"a"),
        (b"A_ALAC", bytes(24), bytes(5) + b"\x18" + bytes(18), b"a"),
    ],
    ids=lambda value: value.decode() if value[:2] in (b"V_", b"A_") else "",
)
def test_codecs_that_are_described_otherwise_are_refused(
    codec: bytes, private: bytes, other: bytes, picture: bytes
) -> None:
    """FFmpeg decoded the second file's ALAC to nothing, and its Vorbis at another pitch, with exit code 0."""
    first = coded(codec, private, picture)
    refuse(first, first)
    with pytest.raises(SourceError, match=f"track 1 is described otherwise from byte {len(first)} on"):
        refuse(first, coded(codec, other, picture))


@pytest.mark.parametrize(
    ("codec", "private", "other", "picture"),
    [
        (b"V_MPEG4/ISO/ASP", VOL + NAMED, VOL + NAMED + b"62", b"\0\0\1\xb6a"),
        (b"V_MPEG4/ISO/ASP", VOL, VOL + b"b", VOL + b"b\0\0\1\xb6a"),
        (b"V_MS/VFW/FOURCC", BITMAP, b"\1" * 16 + BITMAP[16:], b"a"),
        (b"V_AV1", b"\x81\0\x0c\0a", b"\x81\0\x0c\0b", b"\x12\0\x0a\1b\x32\1a"),
        (b"V_THEORA", laced(b"a", b"t", b"s"), laced(b"a", b"other", b"s"), b"a"),
        (b"A_VORBIS", laced(b"a", b"t", b"s"), laced(b"a", b"other", b"s"), b"a"),
        (b"A_OPUS", OPUS, OPUS[:10] + b"\1\0" + OPUS[12:], b"a"),
        (b"A_ALAC", bytes(24), bytes(12) + b"\1" * 8 + bytes(4), b"a"),
        (b"A_FLAC", b"fLaC", b"fLaD", b"a"),
        (b"V_VP9", b"\1\1\0", b"\1\1\2", b"a"),
    ],
    ids=lambda value: value.decode() if value[:2] in (b"V_", b"A_") else "",
)
def test_codecs_whose_packets_say_what_differs_may_be_joined(
    codec: bytes, private: bytes, other: bytes, picture: bytes
) -> None:
    refuse(coded(codec, private, picture), coded(codec, other, picture))


@pytest.mark.parametrize(
    ("packing", "pack"),
    [(compressed(0), zlib.compress), (compressed(3, b"\0\0\0\2\x67"), lambda data: data[5:])],
    ids=["zlib", "stripped"],
)
def test_parameters_are_found_in_compressed_blocks(packing: bytes, pack: Pack) -> None:
    first, other = avcc(b"\x67a"), avcc(b"\x67b")
    units = (b"\x67b", b"\x68b", b"\x65")
    refuse(*(described(AVC, one, *units, packing=packing, pack=pack) for one in (first, other)))
    with pytest.raises(SourceError, match="track 1 is described otherwise"):
        refuse(*(described(AVC, one, b"\x67b", b"\x65", packing=packing, pack=pack) for one in (first, other)))


def test_blocks_that_are_compressed_otherwise_are_refused() -> None:
    """FFmpeg would not unpack them."""
    with pytest.raises(SourceError, match="track 1 is compressed otherwise from byte"):
        refuse(coded(b"V_VP8", b""), coded(b"V_VP8", b"", packing=compressed(0)))
