"""What lists of tracks say in Matroska files that were joined byte by byte."""

from __future__ import annotations

import io
import struct

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


AVC, HEVC = b"V_MPEG4/ISO/AVC", b"V_MPEGH/ISO/HEVC"


def described(codec: bytes, private: bytes, *units: bytes) -> bytes:
    """Return a file with a picture of these NAL units, their sizes in four bytes."""
    picture = b"".join(len(unit).to_bytes(4) + unit for unit in units)
    cluster = element(0x1F43B675, element(0xE7, b"\0") + element(0xA3, b"\x81\0\0\x80" + picture))
    return matroska(track(codec, b"\1", element(0x63A2, private)), behind=cluster)


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
        (b"A_VORBIS", b"title=a", b"title=b", ()),
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
