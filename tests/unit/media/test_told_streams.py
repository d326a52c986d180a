"""Which audio streams a file has at later places: none that are only bytes of a picture, and all that are."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from streamify.media.source.flv import HEADER, LOOKS, tag_behind
from streamify.media.source.told_streams import ToldStreams, late_sounds, told_streams

PICTURES, SOUND = 9, 8
MP3, FLV1 = 0x2F, 0x22


def tag(kind: int, time: int, body: bytes) -> bytes:
    """Return a tag of an FLV file and its size (Adobe FLV 10.1, annex E.4.1)."""
    head = bytes([kind]) + len(body).to_bytes(3, "big") + (time & 0xFFFFFF).to_bytes(3, "big") + bytes(4)
    return head + body + struct.pack(">I", 11 + len(body))


def mp3(time: int) -> bytes:
    """Return 26 ms of silence: MPEG-1 layer III, 128 kbit/s, 44.1 kHz, stereo."""
    return tag(SOUND, time, bytes([MP3]) + b"\xff\xfb\x90\x00" + bytes(413))


def picture(time: int, seed: int) -> bytes:
    """Return a picture of H.263 as Flash has it, 160 x 120, whose other bytes are noise."""
    head = f"{1:017b}{0:05b}{0:08b}{0:03b}{160:08b}{120:08b}{0:02b}{0:01b}{10:05b}{0:01b}"
    noise = np.random.default_rng(seed).integers(0, 256, 20_000, np.uint8).tobytes()
    return tag(PICTURES, time, bytes([FLV1]) + int(head.ljust(64, "0"), 2).to_bytes(8, "big") + noise)


def late(data: bytes, start: int) -> int:
    """Return how many audio streams are found later on in a file whose first bytes tell of none."""
    told = told_streams(lambda: io.BytesIO(data[:start]), None)
    assert not told.audio
    return late_sounds(lambda: io.BytesIO(data), told, 0, len(data))


@pytest.mark.parametrize("seed", [3, 22, 25])
def test_bytes_of_a_picture_that_look_like_sound_are_no_stream(seed: int) -> None:
    """These do where FFmpeg begins at a quarter of the file."""
    film = HEADER + b"".join(picture(40 * number, seed) for number in range(50))
    assert late(film, len(film)) == 0


def test_sound_that_begins_late_is_one() -> None:
    start = HEADER + b"".join(picture(40 * number, 3) for number in range(20))
    rest = b"".join(picture(40 * number, 3) + mp3(40 * number) for number in range(20, 50))
    assert late(start + rest, len(start)) == 1


def pack(stream: int, payload: bytes) -> bytes:
    """Return a pack of a program stream with a PES packet (ISO/IEC 13818-1, 2.5.3.3 and 2.4.3.6)."""
    head = bytes.fromhex("000001ba44000400040103e803f8")
    return head + b"\0\0\1" + bytes([stream]) + struct.pack(">H", 3 + len(payload)) + b"\x80\0\0" + payload


@pytest.mark.parametrize(("stream", "count"), [(0xE2, 0), (0xC0, 1)])
def test_pictures_of_a_program_stream_that_look_like_mp3_are_no_sound(stream: int, count: int) -> None:
    """FFmpeg goes by the bytes, not by the stream_id, which says that they are pictures."""
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    data = b"".join(pack(stream, frame * 4) for _ in range(400))
    assert late_sounds(lambda: io.BytesIO(data), ToldStreams("mpeg", 0, {}, alone=True), 0, len(data)) == count


class Counted(io.BytesIO):
    """A file that counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        return super().read(size)


def test_bytes_that_look_like_tags_everywhere_take_no_time_without_end() -> None:
    """Each twelfth of these does, with a body of one byte, and none has another behind it."""
    file = Counted((bytes([SOUND, 0, 0, 1]) + bytes(7) + b"\xff") * 60_000)
    assert tag_behind(file, 0, len(file.getbuffer())) is None
    assert file.reads <= 3 * LOOKS + 2
