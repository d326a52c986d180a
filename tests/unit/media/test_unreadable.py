"""What stands behind the last picture of a file: blocks, room, or what FFmpeg does not read."""

from __future__ import annotations

import io
import zlib

import pytest

from streamify.media.source.unreadable import unreadable_tail

PICTURE, SOUND = bytes(range(1, 251)) * 3, b"\x55" * 300
HEADER = b"\x81\0\0\x80"
EBML = bytes.fromhex("1a45dfa380")


def block(payload: bytes) -> bytes:
    """Return a SimpleBlock (RFC 9559, 5.1.3.4), its size in two bytes."""
    body = HEADER + payload
    return b"\xa3" + (0x4000 | len(body)).to_bytes(2, "big") + body


@pytest.mark.parametrize("stripped", [0, 1, 4])
@pytest.mark.parametrize(
    ("behind", "unread"),
    [(b"", 0), (b"\xff" * 900, 900), (EBML + bytes(900), 905)],
)
def test_blocks_of_a_track_whose_first_bytes_are_left_out(stripped: int, behind: bytes, unread: int) -> None:
    """FFmpeg gives the size of the picture with what the track says once, and the position of what the block has."""
    kept = PICTURE[stripped:]
    data = block(kept) + block(SOUND) * 4 + behind
    tail = unreadable_tail(io.BytesIO(data), len(data), "matroska,webm", 3, len(PICTURE))
    assert (tail.length if tail is not None else 0) == unread


@pytest.mark.parametrize(("behind", "unread"), [(b"", 0), (b"\xff" * 900, 900), (EBML + bytes(900), 905)])
def test_compressed_blocks(behind: bytes, unread: int) -> None:
    """FFmpeg gives the size of what was decompressed."""
    data = block(zlib.compress(PICTURE)) + block(SOUND) * 6 + behind
    tail = unreadable_tail(io.BytesIO(data), len(data), "matroska,webm", 3, len(PICTURE))
    assert (tail.length if tail is not None else 0) == unread


@pytest.mark.parametrize(("behind", "unread"), [(b"", 0), (b"\xff" * 900, 900)])
def test_a_size_that_looks_like_a_block(behind: bytes, unread: int) -> None:
    """The last two bytes of the first size, of three, would be a SimpleBlock of five bytes."""
    picture = bytes(0xA385 - len(HEADER))
    data = b"\xa3\x20\xa3\x85" + HEADER + picture + block(SOUND) + behind
    tail = unreadable_tail(io.BytesIO(data), len(data), "matroska,webm", 4, len(picture))
    assert (tail.length if tail is not None else 0) == unread


def test_sound_of_a_joined_file_without_pictures_is_read() -> None:
    """Only what is behind the last packet of any kind is not."""
    sound = block(SOUND) * 2
    cluster = b"\x1f\x43\xb6\x75" + (0x4000 | len(sound)).to_bytes(2, "big") + sound
    joined = EBML + b"\x18\x53\x80\x67\xff" + cluster
    film = block(PICTURE) + joined
    for behind, unread in ((b"", 0), (EBML + bytes(900), 905)):
        data = film + behind
        tail = unreadable_tail(io.BytesIO(data), len(data), "matroska,webm", 3, len(PICTURE), len(film) - len(SOUND))
        assert (tail.length if tail is not None else 0) == unread
    tail = unreadable_tail(io.BytesIO(film), len(film), "matroska,webm", 3, len(PICTURE))
    assert tail is not None  # FFmpeg gave no sound of it


def tag(payload: bytes) -> bytes:
    """Return a tag of FLV with the size behind it (FLV 10.1, annex E.3)."""
    return b"\x09" + len(payload).to_bytes(3, "big") + bytes(7) + payload + (11 + len(payload)).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("behind", "filled"), [(bytes(4096), True), (b"\xff" * 4096, True), (b"FLV\x01\x05" + bytes(4091), False)]
)
def test_room_is_no_media(behind: bytes, filled: bool) -> None:
    data = tag(PICTURE) + behind
    tail = unreadable_tail(io.BytesIO(data), len(data), "flv", 0, len(PICTURE))
    assert tail is not None
    assert (tail.length, tail.filled) == (4096, filled)


@pytest.mark.parametrize(("whole", "filled"), [(True, True), (False, False)])
def test_zeros_that_begin_in_a_packet_are_no_room(whole: bool, filled: bool) -> None:
    """As a crash leaves them at the end of a live recording, whose size nothing announces."""
    data = block(PICTURE) + block(SOUND if whole else SOUND[:40] + bytes(len(SOUND) - 40)) + bytes(4096)
    tail = unreadable_tail(io.BytesIO(data), len(data), "matroska,webm", 3, len(PICTURE))
    assert tail is not None
    assert (tail.length, tail.filled) == (4096, filled)
