"""Readers of bitmap subtitles: expected values by hand from the formats; damage takes nothing down."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from fractions import Fraction

import pytest

from streamify.bitstream.bitmaps.base import PIXELS, Bitmap, Display, Reader
from streamify.bitstream.bitmaps.dvb import DvbReader
from streamify.bitstream.bitmaps.pgs import PgsReader
from streamify.bitstream.bitmaps.runs import pack, unpack
from streamify.bitstream.bitmaps.vobsub import VobSubReader

AT = Fraction(5)


def segment(kind: int, data: bytes) -> bytes:
    return struct.pack(">BH", kind, len(data)) + data


def pgs(*, width: int = 4, runs: bytes = bytes([1, 0, 0x82, 2, 0, 1, 0, 0] * 2), palette: int = 0) -> bytes:
    """Return a packet that shows 4x2 pixels: colours 1, 2, 2 and 0 on both lines."""
    composition = struct.pack(">HHBHBBBB", 1920, 1080, 0x10, 0, 0x80, 0, palette, 1) + struct.pack(
        ">HBBHH", 7, 0, 0x40, 100, 900
    )
    colours = bytes([0, 0, 1, 235, 128, 128, 255, 2, 16, 128, 128, 128])
    data = struct.pack(">HH", width, 2) + runs
    pixels = struct.pack(">HBB", 7, 0, 0xC0) + len(data).to_bytes(3, "big") + data
    return segment(0x16, composition) + segment(0x14, colours) + segment(0x15, pixels) + segment(0x80, b"")


def test_pgs() -> None:
    [shown] = PgsReader().read(pgs(), AT)
    [bitmap] = shown.bitmaps
    assert (shown.at, shown.canvas, shown.until) == (AT, (1920, 1080), None)
    assert (bitmap.x, bitmap.y, bitmap.width, bitmap.height, bitmap.forced) == (100, 900, 4, 2, True)
    assert bitmap.pixels == bytes([1, 2, 2, 0] * 2)
    assert bitmap.palette == ((0, 0, 0, 0), (255, 255, 255, 255), (0, 0, 0, 128))


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (pgs(runs=bytes([1, 0, 0x82, 2])), "run lengths do not fill the object"),
        (pgs(palette=3), "a composition without its palette"),
        (pgs(width=5000), "a bitmap of 5000x2, the limit is 4096x4096"),
        (pgs()[:-12], "it ends too early"),
    ],
)
def test_damaged_pgs_is_told(packet: bytes, said: str) -> None:
    reader = PgsReader()
    list(reader.read(packet, AT))
    assert said in reader.damage
    [shown] = reader.read(pgs(), AT + 1)  # the next epoch is whole
    assert shown.bitmaps[0].pixels == bytes([1, 2, 2, 0] * 2)


def vobsub(*commands: tuple[int, bytes]) -> bytes:
    """Return a unit of 8x2 pixels: on both lines 3 of colour 1, then colour 2 up to the end."""
    lines = [bytes([0xD0, 0x00, 0x20])] * 2  # 3 << 2 | 1 in one nibble, then 0x0002
    pixels = b"".join(lines)
    at, out = 4 + len(pixels), b""
    for number, (delay, data) in enumerate(commands):
        here = at + len(out)
        following = here + 4 + len(data) + 1 if number < len(commands) - 1 else here
        out += struct.pack(">HH", delay, following) + data + b"\xff"
    return struct.pack(">HH", at + len(out), at) + pixels + out


def box(alphas: int = 0xF1F0) -> bytes:
    left, right, top, bottom = 16, 23, 32, 33
    place = bytes([left >> 4, (left & 15) << 4 | right >> 8, right & 255])
    place += bytes([top >> 4, (top & 15) << 4 | bottom >> 8, bottom & 255])
    return bytes([3, 0x32, 0x10, 4, alphas >> 8, alphas & 255, 5, *place, 6]) + struct.pack(">HH", 4, 7)


HEADER = b"size: 720x576\npalette: 000000, ff0000, 00ff00, 0000ff\n"


def test_vobsub() -> None:
    reader = VobSubReader(HEADER, (1, 1))
    assert list(reader.read(vobsub((0, box() + b"\x01"), (100, b"\x02")), AT)) == []  # another may come before its end
    [shown, gone] = reader.finish()
    [bitmap] = shown.bitmaps
    assert (shown.at, shown.canvas, gone.at, gone.bitmaps) == (AT, (720, 576), AT + Fraction(100 * 1024, 90_000), ())
    assert (bitmap.x, bitmap.y, bitmap.width, bitmap.height, bitmap.forced) == (16, 32, 8, 2, False)
    assert bitmap.pixels == bytes([1, 1, 1, 2, 2, 2, 2, 2] * 2)
    assert bitmap.palette == ((0, 0, 0, 0), (255, 0, 0, 255), (0, 255, 0, 17), (0, 0, 255, 255))


def test_a_vobsub_that_fades_and_one_that_nothing_ends() -> None:
    reader = VobSubReader(HEADER, (1, 1))
    fading = vobsub((0, box(0x1110) + b"\x00"), (10, bytes([4, 0xFF, 0xF0])), (900, b"\x02"))
    list(reader.read(fading, AT))
    shown = list(reader.read(vobsub((0, box() + b"\x01")), AT + 2))
    assert [(one.at - AT, one.bitmaps[0].palette[1][3]) for one in shown] == [(0, 17), (Fraction(10_240, 90_000), 255)]
    assert shown[0].bitmaps[0].forced
    [endless] = reader.finish()
    assert (endless.at, endless.until) == (AT + 2, None)


def test_a_vobsub_without_colours_is_grey() -> None:
    reader = VobSubReader(b"", (720, 480))
    assert reader.guessed
    list(reader.read(vobsub((0, box(0xF0F0) + b"\x01")), AT))
    [shown] = reader.finish()
    assert shown.canvas == (720, 480)
    assert shown.bitmaps[0].palette == ((0, 0, 0, 0), (0, 0, 0, 255), (0, 0, 0, 0), (255, 255, 255, 255))


def dvb(bits: int = 4, pixels: bytes = bytes([0x11, 0x10, 0x20, 0x20, 0x00, 0x00, 0xF0]), seconds: int = 5) -> bytes:
    """Return a display set: a region of 4x2 pixels in its page, both fields alike."""
    depth = {2: 1, 4: 2, 8: 3}[bits]

    def part(kind: int, data: bytes) -> bytes:
        return struct.pack(">BBHH", 0x0F, kind, 1, len(data)) + data

    return (
        part(0x10, bytes([seconds, 0x08, 1, 0]) + struct.pack(">HH", 50, 400))
        + part(0x11, bytes([1, 0x08]) + struct.pack(">HH", 4, 2) + bytes([depth << 2, 9, 0, 0]) + bytes(2 + 4))
        + part(0x12, bytes([9, 0, 1, 0xE1, 235, 128, 128, 0, 2, 0xE1, 16, 128, 128, 127]))
        + part(0x13, struct.pack(">HBHH", 0, 0, len(pixels), 0) + pixels)
        + part(0x80, b"")
    )


@pytest.mark.parametrize(
    ("bits", "pixels"),
    [
        (2, bytes([0x10, 0b01_10_10_00, 0b01_000000, 0xF0])),  # 1, 2, 2, one of 0, end
        (4, bytes([0x11, 0x12, 0x20, 0xC0, 0x00, 0xF0])),  # 1, 2, 2, 0 by 1100, end
        (8, bytes([0x12, 1, 2, 2, 0, 1, 0, 0, 0xF0])),
        (8, bytes([0x10, 0b01_10_10_00, 0b01_000000, 0xF0])),  # coded in 2 bits, shown by the table of 8
    ],
)
def test_dvb(bits: int, pixels: bytes) -> None:
    reader = DvbReader(b"\0\1\0\1")
    [shown] = reader.read(dvb(bits, pixels), AT)
    [bitmap] = shown.bitmaps
    assert reader.damage == []
    assert (shown.canvas, shown.until, bitmap.x, bitmap.y) == ((720, 576), AT + 5, 50, 400)
    ink = bitmap.pixels[:4]
    assert bitmap.pixels == ink * 2
    if pixels[0] == 0x10 and bits == 8:
        assert ink == bytes([0x77, 0x88, 0x88, 0x00])  # EN 300 743, 10.5
    else:
        assert ink == bytes([1, 2, 2, 0])
        assert bitmap.palette[1:3] == ((255, 255, 255, 255), (0, 0, 0, 128))
    assert list(DvbReader(b"\0\2\0\2").read(dvb(bits, pixels), AT)) == []  # of another page


@pytest.mark.parametrize("packet", [pgs(), vobsub((0, box() + b"\x01"), (9, b"\x02")), dvb()])
@pytest.mark.parametrize(
    "make", [PgsReader, lambda: VobSubReader(HEADER, (720, 576)), lambda: DvbReader(b"")], ids=["pgs", "vobsub", "dvb"]
)
def test_no_bytes_take_a_reader_down(packet: bytes, make: Callable[[], Reader]) -> None:
    chance = random.Random(7)
    reader, shown = make(), list[Display]()
    for number in range(300):
        data = bytearray(packet)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        shown += reader.read(bytes(data[: chance.randrange(1, len(data) + 1)]), AT + number)
    shown += reader.finish()
    for bitmap in (bitmap for one in shown for bitmap in one.bitmaps):
        assert isinstance(bitmap, Bitmap)
        assert len(bitmap.pixels) == bitmap.width * bitmap.height


def area(shown: list[Display]) -> int:
    return max(sum(bitmap.width * bitmap.height for bitmap in one.bitmaps) for one in shown)


def test_small_packets_do_not_become_many_pixels() -> None:
    """Each packet is of a few bytes and would be hundreds of millions of pixels."""
    objects = b"".join(struct.pack(">HBBHH", 7, 0, 0, 0, 0) for _ in range(200))
    composition = struct.pack(">HHBHBBBB", 1920, 1080, 0x10, 0, 0x80, 0, 0, 200) + objects
    pixels = struct.pack(">HBB", 7, 0, 0xC0) + (4).to_bytes(3, "big") + struct.pack(">HH", 4096, 2048)
    colours = bytes([0, 0, 1, 235, 128, 128, 255])
    pgs_reader = PgsReader()
    packet = segment(0x16, composition) + segment(0x14, colours) + segment(0x15, pixels) + segment(0x80, b"")
    assert area(list(pgs_reader.read(packet, AT))) == PIXELS
    assert f"more than {PIXELS} pixels at the same time" in pgs_reader.damage

    def part(kind: int, data: bytes) -> bytes:
        return struct.pack(">BBHH", 0x0F, kind, 1, len(data)) + data

    region = struct.pack(">HH", 4096, 2048) + bytes([2 << 2, 9, 0, 0])
    packet = part(0x10, bytes([5, 0x08]) + b"".join(struct.pack(">BBHH", number % 9, 0, 0, 0) for number in range(900)))
    packet += b"".join(part(0x11, bytes([number, 0x08]) + region) for number in range(9))
    packet += part(0x11, bytes([0, 0x08]) + region + struct.pack(">HHH", 3, 0, 0) * 300)
    dvb_reader = DvbReader(b"")
    assert area(list(dvb_reader.read(packet, AT))) == PIXELS
    assert f"more than {PIXELS} pixels in regions" in dvb_reader.damage
    assert "more than 256 objects in regions" in dvb_reader.damage

    def large(top: int) -> bytes:
        return bytes([5, 0, 0x0F, 0xFF, top >> 4, (top & 15) << 4 | 0x0F, 0xFF, 6, 0, 4, 0, 4])

    unit = vobsub((0, box() + b"\x01"), *((number, large(number)) for number in range(1, 200)))
    vobsub_reader = VobSubReader(HEADER, (1, 1))
    list(vobsub_reader.read(unit, AT))
    shown = list(vobsub_reader.finish())
    assert sum(bitmap.width * bitmap.height for one in shown for bitmap in one.bitmaps) <= PIXELS
    assert f"more than {PIXELS} pixels in a unit" in vobsub_reader.damage


def test_run_lengths_both_ways() -> None:
    chance = random.Random(3)
    pixels = b"".join(
        bytes([chance.choice((0, 0, 1, 200))]) * chance.choice((1, 2, 3, 63, 64, 300)) for _ in range(400)
    )
    pixels = pixels[: len(pixels) // 321 * 321]
    assert unpack(pack(pixels, 321), 321, len(pixels) // 321) == (pixels, True)
    assert unpack(b"\0\xff\xff\x09" * 100_000, 16, 2) == (bytes([9] * 16 + [0] * 16), False)  # a line without an end
