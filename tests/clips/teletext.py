"""A transport stream with a page of teletext beside its pictures, built by hand (ETSI EN 300 472, EN 300 706)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clips.joined_sound import ffmpeg

PID, PMT = 0x0123, 0x1000
_HAMMING = (0x15, 0x02, 0x49, 0x5E, 0x64, 0x73, 0x38, 0x2F, 0xD0, 0xC7, 0x8C, 0x9B, 0xA1, 0xB6, 0xFD, 0xEA)
"""Of hamming 8/4 (EN 300 706, 8.2), by value."""

_STUFFING = b"\xff\x2c" + b"\xff" * 44


Mark = tuple[int, int, int, str]
"""Row, column, mode and character of level 1.5 (EN 300 706, 12.3.4)."""


def with_teletext(
    path: Path,
    pages: dict[str, tuple[str, int]],
    text: str = "Guten Abend",
    option: int = 0,
    marks: Sequence[Mark] = (),
    region: int | None = None,
) -> Path:
    """Make a film of 4 s with a page of subtitles from 1 to 3 s.

    Args:
        path: Of the film.
        pages: What the descriptor says: language and type by page, such as ``{"888": ("deu", 2)}``; the first has text.
        text: Of the page, as its codes.
        option: Bits C12, C13 and C14, the first of which is worth 4.
        marks: Characters of level 1.5.
        region: Of alphabets, in a packet X/28.
    """
    plain = path.with_suffix(".plain.ts")
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc=size=64x48:duration=4:rate=25", "-c:v", "libx264", "-preset", "ultrafast", plain
    )
    data, out, words = plain.read_bytes(), bytearray(), _packets(text, next(iter(pages)), option, marks, region)
    tables = 0  # ten a second; FFmpeg takes the time of teletext from the clock of the pictures beside it
    for at in range(0, len(data), 188):
        packet = data[at : at + 188]
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        out += _table(packet, pages) if pid == PMT else packet
        tables += pid == PMT
        if pid == PMT and tables % 10 == 0 and words:
            out += words.pop(0)
    path.write_bytes(bytes(out) + b"".join(words))
    return path


def _table(packet: bytes, pages: dict[str, tuple[str, int]]) -> bytes:
    body = b"".join(
        language.encode() + bytes((kind << 3 | int(page[0]) % 8, int(page[1:], 16)))
        for page, (language, kind) in pages.items()
    )
    old = packet[5:]
    length = (old[1] & 0x0F) << 8 | old[2]
    entry = bytes((6, 0xE0 | PID >> 8, PID & 255, 0xF0, len(body) + 2, 0x56, len(body))) + body
    section = old[: 3 + length - 4] + entry
    size = len(section) + 4 - 3
    section = section[:1] + bytes((0xB0 | size >> 8, size & 255)) + section[3:]
    return (packet[:5] + section + _crc(section)).ljust(188, b"\xff")


def _crc(data: bytes) -> bytes:
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value.to_bytes(4, "big")


def _packets(text: str, page: str, option: int, marks: Sequence[Mark], region: int | None) -> list[bytes]:
    """Return the transport packets of a page with its words at 1 s, and without at 3 s."""
    found = []
    for counter, (seconds, words) in enumerate(((1, text), (3, ""), (3.5, ""))):
        units = _unit(page, 0, _header(page, option))
        if words and region is not None:
            units += _unit(page, 28, _triplets([region << 10 | option << 7]))
        if words and marks:
            units += _unit(page, 26, _triplets([code for one in marks for code in _codes(one)]))
        units += _unit(page, 20, _row(words)) if words else b""
        units += _unit(page, 0, _header(f"{page[0]}FF"))  # a page is over when another one begins
        ticks = round((seconds + 1.4) * 90_000)  # FFmpeg's transport streams begin at 1.4 s
        stamp = bytes((
            0x21 | ticks >> 29 & 0x0E, ticks >> 22 & 255, 1 | ticks >> 14 & 254, ticks >> 7 & 255, 1 | ticks << 1 & 254,
        ))  # fmt: skip
        # A PES packet has a whole number of transport packets (EN 300 472, 4.1).
        count = 1 if len(units) <= 3 * 46 else 2
        payload = b"\x10" + units + _STUFFING * ((184 * count - 46) // 46 - len(units) // 46)
        size = (184 * count - 6).to_bytes(2, "big")
        pes = b"\x00\x00\x01\xbd" + size + b"\x84\x80\x24" + stamp + b"\xff" * 31 + payload
        heads = (bytes((0x47, 0x40 * (not part) | PID >> 8, PID & 255, 0x10 | counter * count + part))
                 for part in range(count))  # fmt: skip
        found.append(b"".join(head + pes[184 * part :][:184] for part, head in enumerate(heads)))
    return found


def _unit(page: str, row: int, data: bytes) -> bytes:
    magazine = int(page[0]) % 8 | (row & 1) << 3
    line = bytes((_HAMMING[magazine], _HAMMING[row >> 1])) + data
    return b"\x03\x2c" + b"\xe7\xe4" + bytes(map(_reversed, line))


def _codes(mark: Mark) -> tuple[int, int]:
    """Return the triplets that go to a row, and put a character there."""
    row, column, mode, char = mark
    return (40 + row) | 4 << 6, column | mode << 6 | ord(char) << 11


def _triplets(values: Sequence[int]) -> bytes:
    """Return a designation code of 0 and 13 triplets; what is left is the end of X/26, in Hamming 24/18 (8.3)."""
    told = [*values, *([0x3F | 0x1F << 6 | 0x7F << 11] * (13 - len(values)))]
    return bytes((_HAMMING[0],)) + b"".join(map(_coded, told))


def _coded(value: int) -> bytes:
    bits = [0] * 25  # by position, from 1
    data = [place for place in range(1, 24) if place & (place - 1)]
    for number, place in enumerate(data):
        bits[place] = value >> number & 1
    for check in (1, 2, 4, 8, 16):
        bits[check] = 1 ^ sum(bits[place] for place in range(1, 24) if place & check and place != check) & 1
    bits[24] = 1 ^ sum(bits[1:24]) & 1
    return sum(bit << place - 1 for place, bit in enumerate(bits) if place).to_bytes(3, "little")


def _header(page: str, option: int = 0) -> bytes:
    # Page, subcode with erase (C4) and subtitle (C6), control bits; then the row that a header shows.
    units, tens = int(page[2], 16), int(page[1], 16)
    control = (option & 4) >> 1 | (option & 2) << 1 | (option & 1) << 3
    digits = (units, tens, 0, 8, 0, 8, 0, control)
    return bytes(_HAMMING[one] for one in digits) + bytes(map(_odd, b" " * 32))


def _row(words: str) -> bytes:
    boxed = b"\x0b\x0b" + words.encode("ascii") + b"\x0a\x0a"
    return bytes(map(_odd, boxed.ljust(40, b" ")))


def _odd(byte: int) -> int:
    return byte | (0x80 if byte.bit_count() % 2 == 0 else 0)


def _reversed(byte: int) -> int:
    return int(f"{byte:08b}"[::-1], 2)
