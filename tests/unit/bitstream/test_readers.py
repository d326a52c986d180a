"""The order that is read from a bitstream is the one in which FFmpeg's decoder gives pictures out."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from clips.containers import Chunk, chunks, packed
from clips.numbered import encode as numbered
from streamify.bitstream.mpeg import Mpeg4Reader, fields
from streamify.bitstream.readers import reader
from streamify.bitstream.theora import TheoraReader

COUNT = 60

ENCODERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "h264": ("libx264", "mp4", {"preset": "ultrafast", "bf": "3", "g": "20", "x264-params": "b-pyramid=normal"}),
    "h264-annex-b": ("libx264", "mpegts", {"bf": "2", "g": "15", "x264-params": "open-gop=1:b-adapt=0"}),
    "h264-slices": ("libx264", "mpegts", {"preset": "ultrafast", "bf": "2", "x264-params": "slices=4:b-adapt=0"}),
    "h264-fields": ("libx264", "mpegts", {"flags": "+ildct+ilme", "bf": "2", "x264-params": "tff=1:b-adapt=0"}),
    "h264-without-b": ("libx264", "mp4", {"preset": "ultrafast", "bf": "0"}),
    "hevc": ("libx265", "mp4", {"x265-params": "bframes=4:b-pyramid=1:keyint=24:log-level=none"}),
    "hevc-annex-b": ("libx265", "mpegts", {"x265-params": "bframes=3:open-gop=1:keyint=24:log-level=none"}),
    "mpeg1": ("mpeg1video", "mpegts", {"bf": "2", "g": "12"}),
    "mpeg2": ("mpeg2video", "mpegts", {"bf": "2", "g": "15"}),
    "mpeg2-fields": ("mpeg2video", "mpegts", {"bf": "2", "flags": "+ildct+ilme"}),
    "mpeg4": ("mpeg4", "mp4", {"bf": "2", "g": "20"}),
    "vp8": ("libvpx", "webm", {"auto-alt-ref": "1", "lag-in-frames": "10", "deadline": "realtime"}),
    "vp9": ("libvpx-vp9", "webm", {"lag-in-frames": "10", "deadline": "realtime", "cpu-used": "8"}),
    "av1": ("libsvtav1", "mp4", {"preset": "12"}),
    "mjpeg": ("mjpeg", "matroska", {}),
}


def encode(encoder: str, muxer: str, options: dict[str, str]) -> bytes:
    """Return a short film with movement."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=muxer) as container:
        stream = container.add_stream(encoder, rate=25, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = 160, 96
        stream.pix_fmt = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
        texture = np.random.default_rng(1).integers(0, 255, (96, 160, 3), np.uint8)
        for number in range(COUNT):
            frame = av.VideoFrame.from_ndarray(np.roll(texture, 3 * number, axis=1), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ENCODERS)
def test_pictures_come_out_in_the_order_that_is_read(name: str) -> None:
    with av.open(io.BytesIO(encode(*ENCODERS[name])), "r") as container:
        context = container.streams.video[0].codec_context
        bitstream = reader(context.name, bytes(context.extradata or b""))
        kept: list[tuple[Any, Any]] = []
        for packet in container.demux(video=0):
            if packet.size:
                first = [one for one in bitstream.read(bytes(packet)) if not one.second]
                assert len(first) <= 1
                kept.append((packet, first[0] if first and first[0].shown else None))
        shown = sorted((one.sequence, one.order, at) for at, (_, one) in enumerate(kept) if one is not None)
        assert len(shown) == COUNT
        ranks = {at: rank for rank, (_, _, at) in enumerate(shown)}
        context.thread_count = 1
        out: list[int | None] = []
        for at, (packet, _) in enumerate(kept):
            packet.pts = ranks.get(at)
            out += [frame.pts for frame in context.decode(packet)]
        out += [frame.pts for frame in context.decode(None)]
        assert out == list(range(COUNT))


def test_packets_without_a_picture_are_none() -> None:
    h264 = reader("h264", b"")
    assert h264.read(b"\0\0\0\1\x09\xf0") == []  # an access unit delimiter
    assert h264.read(b"\0\0\0\1\x06\x05\x04abcd\x80") == []  # a message
    theora = reader("theora", b"")
    for header in (b"\x80theora", b"\x81theora", b"\x82theora"):
        assert theora.read(header) == []
    assert [len(theora.read(picture)) for picture in (b"\x2a", b"\x6a", b"")] == [1, 1, 0]
    mpeg4 = reader("mpeg4", b"\0\0\1\x20" + bytes.fromhex("08c488800cf5"))
    assert len(mpeg4.read(b"\0\0\1\xb6\x10\x00\x10\x00")) <= 1


PACKED: dict[str, tuple[str, Callable[[list[Chunk]], list[Chunk]], int]] = {
    "one": ("1", lambda given: given, 0),
    "two": ("2", lambda given: given, 0),
    "sequence-header-for-an-empty-one": ("1", lambda given: given[:10] + given[11:], 1),
    "key-picture-for-an-empty-one": ("1", lambda given: [*given[:10], bare(given[11]), *given[12:]], 1),
    "anchor-for-an-empty-one": ("1", lambda given: given[:4] + given[5:], 2),
    "three-in-one": ("2", lambda given: [*given[:4], joined(given[4:6]), given[6], *given[6:]], 1),
    "nothing-behind-the-last": ("1", lambda given: given[:6], 1),
    "empty-ones-of-key-pictures": ("1", lambda given: [of_a_key_picture(one) for one in given], 0),
    "empty-ones-of-key-pictures-behind-two": ("2", lambda given: [of_a_key_picture(one) for one in given], 0),
}
"""B pictures between anchors, what is done to the packets of a packed film, and how many pictures that loses."""


def joined(given: list[Chunk]) -> Chunk:
    return Chunk(b"".join(one.data for one in given), given[0].key)


def bare(one: Chunk) -> Chunk:
    """Return a picture without the headers before it."""
    return Chunk(one.data[one.data.index(b"\0\0\1\xb6") :], one.key)


def of_a_key_picture(one: Chunk) -> Chunk:
    """Return an empty picture as Xvid writes it for a key picture: an I picture that is not coded."""
    return one if len(one.data) > 7 else Chunk(one.data[:4] + bytes([one.data[4] & 0x3F]) + one.data[5:], True)


@pytest.mark.parametrize("name", PACKED)
def test_of_packed_mpeg4_is_promised_what_comes_out_and_the_rest_is_counted(name: str, tmp_path: Path) -> None:
    between, change, lost = PACKED[name]
    options = {"bf": between, "b_strategy": "0", "g": "12", "sc_threshold": "1000000000", "q:v": "3"}
    given = change(packed(chunks(numbered(tmp_path / "a.avi", range(25), "mpeg4", "avi", options))))
    bitstream = Mpeg4Reader(b"")
    promised: list[tuple[int, int]] = []
    missed = 0
    context = av.CodecContext.create("mpeg4", "r")
    context.thread_count = 1
    frames = []
    for number, one in enumerate(given):
        promised += [(coded.order, number) for coded in bitstream.read(one.data)]
        missed += bitstream.lost
        packet = av.Packet(one.data)
        packet.pts = number
        frames += context.decode(packet)
    frames += context.decode(None)
    assert [frame.pts for frame in frames] == [number for _, number in sorted(promised)]
    assert missed + bitstream.pending == lost


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg2video", "mpeg4"])
def test_what_cannot_be_read_counts_as_a_picture_to_be_missed(codec: str) -> None:
    assert len(reader(codec, b"").read(b"\x11" * 200)) == 1


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg2video", "mpeg4", "vp8", "vp9", "av1", "prores"])
def test_no_bytes_end_a_reader(codec: str) -> None:
    dice = np.random.default_rng(7)
    bitstream = reader(codec, bytes(dice.integers(0, 255, 60, np.uint8)))
    for size in (0, 1, 2, 3, 5, 9, 30, 200):
        for _ in range(40):
            data = bytes(dice.integers(0, 255, size, np.uint8))
            bitstream.read(data)
            bitstream.read(b"\0\0\1" + data)
            bitstream.read(b"\0\0\1" + bytes([7 + int(dice.integers(0, 2)) * 94]) + data)


class Counted(bytes):
    """Bytes that count those that are copied out of them."""

    copied = 0

    def __getitem__(self, key: Any) -> Any:
        given = bytes.__getitem__(self, key)
        self.copied += len(given) if isinstance(given, bytes) else 0
        return given


def test_the_other_field_is_made_of_the_last_one_alone() -> None:
    """Two fields in a packet (ISO/IEC 13818-2, 6.2.3 and 6.2.3.1): headers of a P picture, top and bottom, and slices.

    Many of them are read without a copy of what is behind each.
    """
    heads = [b"\0\0\1\0\1\x50\0\0\0\0\1\xb5\x8f\xff" + bytes([0xF0 | parity, 0x41, 0x80]) for parity in (1, 2)]
    slices = b"\0\0\1\1" + b"\x55" * 9
    data = Counted((heads[0] + slices + heads[1] + slices) * 500)
    found = fields(data)
    assert len(found) == 1000
    assert data.copied < len(data)
    last = found[-1]
    assert last is not None
    assert (last.number, last.parity, last.is_b, last.begins) == (5, 2, False, False)
    assert last.other(data) == heads[0] + slices


@pytest.mark.parametrize("codec", ["vp8", "vp9", "av1", "h264", "hevc", "mpeg2video", "mpeg4"])
def test_zeros_in_place_of_a_packet_are_a_picture_to_be_missed(codec: str) -> None:
    (coded,) = reader(codec, b"").read(bytes(500))
    assert coded.shown
    assert not coded.leads


@pytest.mark.parametrize(
    ("first", "second", "other"),
    [
        ((25, 1), (25, 1), False),
        ((25, 1), (25_000, 1000), False),
        ((25, 1), (25_000, 1001), True),
        ((0, 0), (25, 1), False),
    ],
)
def test_rates_of_chained_theora(first: tuple[int, int], second: tuple[int, int], other: bool) -> None:
    """Headers by hand (Theora specification, 6.2): sizes, then the rate. Of none FFmpeg takes 25."""
    headers = [b"\x80theora" + bytes(15) + struct.pack(">II", *rate) for rate in (first, second)]
    reader = TheoraReader(b"\0\x2a" + headers[0])
    assert reader.read(headers[1]) == []
    assert reader.other_rate is other
