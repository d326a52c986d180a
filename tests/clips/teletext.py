"""A transport stream with a page of teletext beside its pictures, built by hand (ETSI EN 300 472, EN 300 706)."""

from __future__ import annotations

from pathlib import Path

from clips.joined_sound import ffmpeg

PID, PMT = 0x0123, 0x1000
_HAMMING = (0x15, 0x02, 0x49, 0x5E, 0x64, 0x73, 0x38, 0x2F, 0xD0, 0xC7, 0x8C, 0x9B, 0xA1, 0xB6, 0xFD, 0xEA)
"""Of hamming 8/4 (EN 300 706, 8.2), by value."""

_STUFFING = b"\xff\x2c" + b"\xff" * 44


def with_teletext(path: Path, pages: dict[str, tuple[str, int]], text: str = "Guten Abend") -> Path:
    """Make a film of 4 s with a page of subtitles from 1 to 3 s.

    Args:
        path: Of the film.
        pages: What the descriptor says: language and type by page, such as ``{"888": ("deu", 2)}``; the first has text.
        text: Of the page.
    """
    plain = path.with_suffix(".plain.ts")
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc=size=64x48:duration=4:rate=25", "-c:v", "libx264", "-preset", "ultrafast", plain
    )
    data, out, words = plain.read_bytes(), bytearray(), _packets(text, next(iter(pages)))
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


def _packets(text: str, page: str) -> list[bytes]:
    """Return the transport packets of a page with its words at 1 s, and without at 3 s."""
    found = []
    for counter, (seconds, words) in enumerate(((1, text), (3, ""), (3.5, ""))):
        units = _unit(page, 0, _header(page)) + (_unit(page, 20, _row(words)) if words else b"")
        units += _unit(page, 0, _header(f"{page[0]}FF"))  # a page is over when another one begins
        ticks = round((seconds + 1.4) * 90_000)  # FFmpeg's transport streams begin at 1.4 s
        stamp = bytes((
            0x21 | ticks >> 29 & 0x0E, ticks >> 22 & 255, 1 | ticks >> 14 & 254, ticks >> 7 & 255, 1 | ticks << 1 & 254,
        ))  # fmt: skip
        payload = b"\x10" + units + _STUFFING * (3 - len(units) // 46)
        head = b"\x00\x00\x01\xbd" + (184 - 6).to_bytes(2, "big") + b"\x84\x80\x24" + stamp + b"\xff" * 31
        found.append(bytes((0x47, 0x40 | PID >> 8, PID & 255, 0x10 | counter)) + head + payload)
    return found


def _unit(page: str, row: int, data: bytes) -> bytes:
    magazine = int(page[0]) % 8 | (row & 1) << 3
    line = bytes((_HAMMING[magazine], _HAMMING[row >> 1])) + data
    return b"\x03\x2c" + b"\xe7\xe4" + bytes(map(_reversed, line))


def _header(page: str) -> bytes:
    # Page, subcode with erase (C4) and subtitle (C6), control bits; then the row that a header shows.
    units, tens = int(page[2], 16), int(page[1], 16)
    digits = (units, tens, 0, 8, 0, 8, 0, 0)
    return bytes(_HAMMING[one] for one in digits) + bytes(map(_odd, b" " * 32))


def _row(words: str) -> bytes:
    boxed = b"\x0b\x0b" + words.encode("ascii") + b"\x0a\x0a"
    return bytes(map(_odd, boxed.ljust(40, b" ")))


def _odd(byte: int) -> int:
    return byte | (0x80 if byte.bit_count() % 2 == 0 else 0)


def _reversed(byte: int) -> int:
    return int(f"{byte:08b}"[::-1], 2)
