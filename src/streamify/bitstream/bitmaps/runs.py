"""Run lengths of pixels as PGS has them (Blu-ray Disc, HDMV presentation graphics), both ways.

A byte other than 0 is a pixel. After a 0 comes: ``00LLLLLL`` a run of colour 0, ``01LLLLLL LLLLLLLL`` a longer one,
``10LLLLLL CCCCCCCC`` a run of another colour, ``11LLLLLL LLLLLLLL CCCCCCCC`` a longer one, ``00000000`` the end of the
line.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    rb"[^\0]+|\0\0|\0[\x01-\x3f]|\0[\x40-\x7f].|\0[\x80-\xbf].|\0[\xc0-\xff]..",
    re.DOTALL,
)
_RUN = re.compile(rb"(.)\1*", re.DOTALL)
_LONGEST = 0x3FFF


def unpack(data: bytes, width: int, height: int) -> tuple[bytes, bool]:
    """Return ``width x height`` pixels, and whether the data held exactly these; what is missing has colour 0."""
    lines: list[bytes] = []
    line: list[bytes] = []
    x, at, whole = 0, 0, True
    while at < len(data) and len(lines) < height:
        found = _TOKEN.match(data, at)
        if found is None:
            break
        at, token = found.end(), found[0]
        if token == b"\0\0":
            whole = whole and x == width
            lines.append(b"".join(line)[:width].ljust(width, b"\0"))
            line, x = [], 0
        elif x <= width:  # a line that goes on and on takes no memory
            run = _run(token)
            x += len(run)
            line.append(run)
    if len(lines) < height and line:
        lines.append(b"".join(line)[:width].ljust(width, b"\0"))
        whole = whole and x == width
    whole = whole and len(lines) == height
    return b"".join(lines).ljust(width * height, b"\0"), whole


def _run(token: bytes) -> bytes:
    if token[0]:
        return token
    count = token[1] & 0x3F
    if token[1] & 0x40:
        count = count << 8 | token[2]
    colour = token[-1:] if token[1] & 0x80 else b"\0"
    return colour * count


def pack(pixels: bytes, width: int) -> bytes:
    """Return the run lengths of lines of `width` pixels."""
    return b"".join(_packed(pixels[at : at + width]) for at in range(0, len(pixels), width))


def _packed(line: bytes) -> bytes:
    out = bytearray()
    for found in _RUN.finditer(line):
        left, colour = found.end() - found.start(), found[0][0]
        while left:
            count = min(left, _LONGEST)
            left -= count
            if colour and count < 3:
                out += found[1] * count
            elif count < 0x40:
                out += bytes((0, count | 0x80, colour) if colour else (0, count))
            else:
                high, low = count >> 8, count & 0xFF
                out += bytes((0, high | 0xC0, low, colour) if colour else (0, high | 0x40, low))
    return bytes(out) + b"\0\0"
