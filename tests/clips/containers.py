"""AVI and VFW-in-Matroska by hand: what FFmpeg's muxers do not write, such as packed pictures and empty chunks."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av

STEP = 40
"""Milliseconds a picture."""


@dataclass(frozen=True)
class Chunk:
    """What a container holds at one place: usually a picture."""

    data: bytes
    key: bool = False


def chunks(film: Path) -> list[Chunk]:
    """Return the packets of a film in decode order."""
    with av.open(str(film)) as container:
        return [Chunk(bytes(packet), packet.is_keyframe) for packet in container.demux(video=0) if packet.size]


def packed(given: Sequence[Chunk]) -> list[Chunk]:
    """Pack MPEG-4 pictures as DivX and Xvid do: the first B picture is in the chunk of the anchor before it.

    Those that follow have a chunk each, and an empty one stands behind the last.

    Args:
        given: Pictures in decode order.
    """
    found: list[Chunk] = []
    inside, anchor = False, b""
    for one in given:
        if not _is_b(one.data):
            if inside:
                found.append(Chunk(_not_coded(anchor)))
            inside, anchor = False, one.data
            found.append(one)
        elif inside:
            found.append(one)
        else:
            found[-1] = Chunk(found[-1].data + one.data, found[-1].key)
            inside = True
    if inside:
        found.append(Chunk(_not_coded(anchor)))
    first = found[0].data
    start = first.index(b"\0\0\1\xb6")
    return [Chunk(first[:start] + b"\0\0\1\xb2DivX503b1393p" + first[start:], True), *found[1:]]


def _is_b(data: bytes) -> bool:
    return data[data.index(b"\0\0\1\xb6") + 4] >> 6 == 2


def _not_coded(anchor: bytes) -> bytes:
    """Return a P picture that is not coded (ISO/IEC 14496-2, 6.2.5), at the time of the anchor that it stands for."""
    start = anchor.index(b"\0\0\1\xb6") + 4
    head = "".join(f"{byte:08b}" for byte in anchor[start : start + 8])
    seconds_end = head.index("0", 2) + 1
    time = head[seconds_end + 1 : seconds_end + 6]  # 5 bits of 25 pictures a second, between two marker bits
    bits = "010" + "1" + time + "1" + "0" + "01111" + "01111111"
    return b"\0\0\1\xb6" + int(bits, 2).to_bytes(3, "big")


def _riff(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def write_avi(path: Path, given: Sequence[Chunk], fourcc: bytes, size: tuple[int, int]) -> Path:
    """Write an AVI of 25 chunks a second; an empty chunk shows the picture before it again."""
    width, height = size
    avih = struct.pack("<10I16x", STEP * 1000, 0, 0, 0x10, len(given), 0, 1, 1 << 20, width, height)
    strh = struct.pack("<4s4sIHHIIIIIIII8x", b"vids", fourcc, 0, 0, 0, 0, 1, 25, 0, len(given), 1 << 20, 0, 0)
    strl = _riff(b"LIST", b"strl", _riff(b"strh", strh), _riff(b"strf", bitmap(fourcc, size)))
    body, index = b"movi", b""
    for one in given:
        index += struct.pack("<4sIII", b"00dc", 0x10 if one.key else 0, len(body), len(one.data))
        body += _riff(b"00dc", one.data)
    header = _riff(b"LIST", b"hdrl", _riff(b"avih", avih), strl)
    path.write_bytes(_riff(b"RIFF", b"AVI ", header, _riff(b"LIST", body), _riff(b"idx1", index)))
    return path


def bitmap(fourcc: bytes, size: tuple[int, int]) -> bytes:
    """Return a BITMAPINFOHEADER."""
    return struct.pack("<IiiHH4sIiiII", 40, *size, 1, 24, fourcc, size[0] * size[1] * 3, 0, 0, 0, 0)


def _element(kind: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + (1 << 56 | len(data)).to_bytes(8, "big") + data


def _number(kind: int, value: int) -> bytes:
    return _element(kind, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def write_vfw(path: Path, given: Sequence[Chunk], fourcc: bytes, size: tuple[int, int]) -> Path:
    """Write a Matroska file in VFW mode, in which the times of blocks are those of decoding."""
    head = _element(0x1A45DFA3, _element(0x4282, b"matroska"), _number(0x4287, 2), _number(0x4285, 2))
    info = _element(0x1549A966, _number(0x2AD7B1, 1_000_000), _element(0x4489, struct.pack(">d", STEP * len(given))))
    video = _element(0xE0, _number(0xB0, size[0]), _number(0xBA, size[1]))
    track = _element(0xAE, _number(0xD7, 1), _number(0x73C5, 1), _number(0x83, 1), _number(0x9C, 0),
                     _number(0x23E383, STEP * 1_000_000), _element(0x86, b"V_MS/VFW/FOURCC"),
                     _element(0x63A2, bitmap(fourcc, size)), video)  # fmt: skip
    clusters: list[list[bytes]] = []
    starts: list[int] = []
    for place, one in enumerate(given):
        if one.key or not clusters or place * STEP - starts[-1] > 5000:
            clusters.append([])
            starts.append(place * STEP)
        block = b"\x81" + struct.pack(">hB", place * STEP - starts[-1], 0x80 if one.key else 0) + one.data
        clusters[-1].append(_element(0xA3, block))
    body = b"".join(_element(0x1F43B675, _number(0xE7, start), *blocks)
                    for start, blocks in zip(starts, clusters, strict=True))  # fmt: skip
    path.write_bytes(head + _element(0x18538067, info, _element(0x1654AE6B, track), body))
    return path


def opened(data: bytes, *, clusters: bool) -> bytes:
    """Return a Matroska file whose segment has no size, as a live one has none; nor have its clusters, if wanted."""
    found, at = bytearray(data), data.index(bytes.fromhex("18538067")) + 4
    places = [at]
    while clusters and (at := data.find(bytes.fromhex("1f43b675"), at + 4)) >= 0:
        places.append(at + 4)
    for place in places:
        width = 9 - data[place].bit_length()
        found[place : place + width] = ((2 << 7 * width) - 1).to_bytes(width, "big")
    return bytes(found)
