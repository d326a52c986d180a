"""Films with bitmap subtitles, whose pixels and times are known from what they are made of."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clips.joined_sound import ffmpeg

WHITE, BLACK, RED, HALF = 1, 2, 3, 4
"""Numbers of colours in the palette; 0 is clear."""
COLOURS = {WHITE: (235, 128, 128, 255), BLACK: (16, 128, 128, 255), RED: (81, 240, 90, 255), HALF: (235, 128, 128, 128)}
"""Luma, Cr, Cb and alpha of BT.601, as palettes of PGS have them."""


@dataclass(frozen=True)
class Card:
    """A rectangle with a border, shown for a while."""

    start: float
    """Seconds."""
    end: float | None
    """``None``: nothing ends it but the next one."""
    x: int
    y: int
    width: int
    height: int
    colour: int = WHITE
    forced: bool = False
    begins: bool = True
    """Whether an epoch begins with it; else it moves the object of the card before, which is not sent again."""
    pixels: list[list[int]] = field(default_factory=list)
    """In place of the rectangle."""

    def lines(self) -> list[list[int]]:
        if self.pixels:
            return self.pixels
        edge = max(2, self.height // 8)
        return [
            [
                BLACK if min(x, y, self.width - 1 - x, self.height - 1 - y) < edge else self.colour
                for x in range(self.width)
            ]
            for y in range(self.height)
        ]


def sup(path: Path, cards: Sequence[Card], canvas: tuple[int, int]) -> Path:
    """Write a file of PGS."""
    out, number = bytearray(_nothing(0, 0, canvas)), 1  # FFmpeg moves a file to begin at 0
    for card in cards:
        at, state = round(card.start * 90_000), 0x80 if card.begins else 0x00
        flags = 0x40 if card.forced else 0
        composition = struct.pack(">HHBHBBBB", *canvas, 0x10, number, state, 0, 0, 1)
        composition += struct.pack(">HBBHH", 0, 0, flags, card.x, card.y)
        out += _segment(0x16, composition, at)
        out += _segment(0x17, struct.pack(">BBHHHH", 1, 0, card.x, card.y, card.width, card.height), at)
        if card.begins:
            out += _segment(0x14, b"\0\0" + b"".join(bytes([key, *value]) for key, value in COLOURS.items()), at)
            out += b"".join(_segment(0x15, part, at) for part in _object(card))
        out += _segment(0x80, b"", at)
        number += 1
        if card.end is not None:
            out += _nothing(round(card.end * 90_000), number, canvas)
            number += 1
    out += _nothing(90_000 * 3600, number, canvas)  # which tells FFmpeg where the last one ends
    path.write_bytes(bytes(out))
    return path


def _nothing(at: int, number: int, canvas: tuple[int, int]) -> bytes:
    """Return a composition that shows nothing."""
    shown = _segment(0x16, struct.pack(">HHBHBBBB", *canvas, 0x10, number, 0, 0, 0, 0), at)
    return shown + _segment(0x80, b"", at)


def _segment(kind: int, data: bytes, at: int) -> bytes:
    return b"PG" + struct.pack(">IIBH", at, 0, kind, len(data)) + data


def _object(card: Card, most: int = 4000) -> list[bytes]:
    """Return the parts of an object, each in a segment of its own."""
    runs = b"".join(_runs(line) for line in card.lines())
    data = struct.pack(">HH", card.width, card.height) + runs
    data = len(data).to_bytes(3, "big") + data
    parts = [data[at : at + most] for at in range(0, len(data), most)]
    last = len(parts) - 1
    return [
        struct.pack(">HBB", 0, 0, (0x80 if not number else 0) | (0x40 if number == last else 0)) + part
        for number, part in enumerate(parts)
    ]


def _runs(line: Sequence[int]) -> bytes:
    out = bytearray()
    for colour, group in itertools.groupby(line):
        left = len(list(group))
        while left:
            count = min(left, 16_383)
            left -= count
            if colour and count == 1:
                out.append(colour)
            elif count < 64:
                out += bytes([0, 0x80 | count, colour] if colour else [0, count])
            else:
                out += bytes(
                    [0, 0xC0 | count >> 8, count & 255, colour] if colour else [0, 0x40 | count >> 8, count & 255]
                )
    return bytes(out) + b"\0\0"


def film(
    path: Path,
    size: tuple[int, int] = (320, 180),
    *,
    seconds: int = 10,
    rate: str = "25",
    colour: str = "0x406080",
    options: Sequence[str] = (),
) -> Path:
    """Make a film of one colour, in which whatever is drawn stands out; ``testsrc2``: of moving pictures."""
    shape = f"size={size[0]}x{size[1]}:rate={rate}:duration={seconds}"
    ffmpeg(
        "-f", "lavfi", "-i", f"testsrc2={shape}" if colour == "testsrc2" else f"color=c={colour}:{shape}",
        "-pix_fmt", "yuv420p",
        *options, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-g", "50", path,
    )  # fmt: skip
    return path


def subtitled(
    path: Path,
    cards: Sequence[Sequence[Card]],
    *,
    codec: str = "copy",
    languages: Sequence[str] = ("eng",),
    canvas: tuple[int, int] | None = None,
    size: tuple[int, int] = (320, 180),
    **pictures: object,
) -> Path:
    """Make a film with streams of bitmap subtitles.

    Args:
        path: Of the film; its ending says the container.
        cards: Of each stream.
        codec: FFmpeg's encoder: ``copy`` (PGS), ``dvdsub``, ``dvbsub``.
        languages: Of each stream.
        canvas: Of the subtitles; ``None``: that of the pictures.
        size: Of the pictures.
        pictures: As of `film`.
    """
    bare = film(path.with_name(f"bare-{path.stem}.mkv"), size, **pictures)  # type: ignore[arg-type]
    inputs, options = ["-i", str(bare)], ["-map", "0", "-c:v", "copy", "-c:s", codec]
    for number, stream in enumerate(cards):
        words = sup(path.with_name(f"{path.stem}-{number}.sup"), stream, canvas or size)
        inputs += ["-fix_sub_duration"] if codec != "copy" else []  # a file of PGS says no ends
        inputs += ["-i", str(words)]
        options += ["-map", str(number + 1), f"-metadata:s:s:{number}", f"language={languages[number]}"]
    ffmpeg(*inputs, *options, path)
    return path
