"""Packets of Dirac and VC-2 with and without a picture."""

from __future__ import annotations

import struct

import pytest

from streamify.bitstream.dirac import DiracReader


def unit(code: int, payload: bytes, *, last: bool = False) -> bytes:
    return b"BBCD" + struct.pack(">BII", code, 0 if last else 13 + len(payload), 0) + payload


HEADER, END, PADDING, PICTURE = unit(0x00, b"\1" * 9), unit(0x10, b"", last=True), unit(0x30, b"\0" * 40), 0xE8


@pytest.mark.parametrize(
    ("packet", "pictures"),
    [
        (HEADER + unit(PICTURE, b"\0\0\0\7" + b"x" * 100, last=True), 1),
        (unit(PICTURE, b"\0\0\0\7"), 1),
        (END, 0),
        (HEADER, 0),
        (PADDING + END, 0),
        (b"", 0),
        (b"not of its kind", 1),
        (HEADER + b"damaged", 1),
    ],
)
def test_pictures_of_a_packet(packet: bytes, pictures: int) -> None:
    assert len(DiracReader(b"").read(packet)) == pictures
