"""What lists of tracks say in Matroska files that were joined byte by byte."""

from __future__ import annotations

import io

import pytest

from streamify.errors import SourceError
from streamify.media.source.mixed import refuse_other_tracks

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
