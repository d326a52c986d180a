"""What streams of bitmap subtitles show, as stretches of time that do not overlap. Pure."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from streamify.bitstream.bitmaps.base import CLEAR, Bitmap, Display, Rgba
from streamify.bitstream.bitmaps.runs import pack, unpack
from streamify.model.burn import SHOWN, BurnBitmap, Shown


class TooManyError(Exception):
    """Something is shown more often than can be drawn."""


@dataclass
class Account:
    """What became of a stream, counted while it is read."""

    shown: int = 0
    forced: int = 0
    """Of these, how many are forced, in whole or in part."""
    unordered: int = 0
    """Times that lie before the one in front of them, and are left out."""
    outside: int = 0
    """Bitmaps that lie outside of their own canvas, in whole or in part."""
    untimed: int = 0
    """Packets without a time."""
    damage: list[str] = field(default_factory=list)


Packing = Literal["runs", "zlib"]


def stretches(
    displays: Iterable[Display], account: Account, *, forced: bool = False, packing: Packing = "runs", most: int = SHOWN
) -> Iterator[Shown]:
    """Yield what is shown when; each display ends with the next one.

    Args:
        displays: In the order of the stream.
        account: Counts what happens.
        forced: Whether only bitmaps that are marked as forced are wanted.
        packing: Of the pixels that are given.
        most: How many times something may be shown.

    Raises:
        TooManyError: It is shown more often.
    """
    held: Shown | None = None
    latest: Fraction | None = None
    packer = _Packer(account, packing)
    for display in displays:
        if latest is not None and display.at < latest:
            account.unordered += 1
            continue
        latest = display.at
        before, held = held, _shown(display, account, packer, forced=forced)
        if before is None:
            continue
        until = display.at if before.end is None else min(before.end, display.at)
        if held is not None and until == held.start and (held.canvas, held.bitmaps) == (before.canvas, before.bitmaps):
            held = held.model_copy(update={"start": before.start})  # it goes on: pages and epochs are repeated
        elif until > before.start:
            yield _counted(before.model_copy(update={"end": until}), account, most)
    if held is not None:
        yield _counted(held, account, most)


def _counted(shown: Shown, account: Account, most: int) -> Shown:
    account.shown += 1
    if account.shown > most:
        raise TooManyError
    return shown


class _Packer:
    """Packs each bitmap once, however many displays in a row show it: cues of one time begin and end by turns."""

    def __init__(self, account: Account, packing: Packing) -> None:
        self._account, self._packing = account, packing
        self._canvas = (0, 0)
        self._packed: dict[int, tuple[Bitmap, BurnBitmap | None]] = {}

    def __call__(self, canvas: tuple[int, int], bitmaps: Sequence[Bitmap]) -> tuple[BurnBitmap, ...]:
        before = self._packed if canvas == self._canvas else {}
        self._canvas = canvas
        self._packed = {
            id(one): before.get(id(one)) or (one, _trimmed(one, canvas, self._account, self._packing))
            for one in bitmaps
        }
        packed = (self._packed[id(one)][1] for one in bitmaps)
        return tuple(one for one in packed if one is not None)


def _shown(display: Display, account: Account, packer: _Packer, *, forced: bool) -> Shown | None:
    account.forced += any(bitmap.forced for bitmap in display.bitmaps)
    wanted = [bitmap for bitmap in display.bitmaps if bitmap.forced or not forced]
    made = packer(display.canvas, wanted)
    if not made:
        return None
    return Shown(start=display.at, end=display.until, canvas=display.canvas, bitmaps=made)


def _trimmed(bitmap: Bitmap, canvas: tuple[int, int], account: Account, packing: Packing) -> BurnBitmap | None:
    """Return the smallest rectangle that holds all that is to be seen of a bitmap; ``None``: nothing is."""
    width, height = min(bitmap.width, canvas[0] - bitmap.x), min(bitmap.height, canvas[1] - bitmap.y)
    if (width, height) != (bitmap.width, bitmap.height):
        account.outside += 1
    if width <= 0 or height <= 0:
        return None
    colours = [bitmap.palette[number] if number < len(bitmap.palette) else CLEAR for number in range(256)]
    seen = bytes(bool(colour[3]) for colour in colours)
    rows = [bitmap.pixels[row * bitmap.width : row * bitmap.width + width] for row in range(height)]
    masks = [row.translate(seen) for row in rows]
    top = next((row for row, mask in enumerate(masks) if 1 in mask), None)
    if top is None:
        return None
    bottom = max(row for row, mask in enumerate(masks) if 1 in mask) + 1
    left = min(found for mask in masks if (found := mask.find(1)) >= 0)
    right = max(mask.rfind(1) for mask in masks) + 1
    pixels = b"".join(row[left:right] for row in rows[top:bottom])
    palette, table = _used(pixels, colours)
    pixels = pixels.translate(table)
    packed = zlib.compress(pixels) if packing == "zlib" else pack(pixels, right - left)
    return BurnBitmap(
        x=bitmap.x + left,
        y=bitmap.y + top,
        width=right - left,
        height=bottom - top,
        palette=b"".join(map(bytes, palette)).hex(),
        data=base64.b64encode(packed).decode("ascii"),
        packing=packing,
    )


def _used(pixels: bytes, colours: list[Rgba]) -> tuple[list[Rgba], bytes]:
    """Return the colours that pixels have, the clear one first where there is one, and their new numbers."""
    used = {colours[number] if colours[number][3] else CLEAR for number in set(pixels)}
    palette = sorted(used, key=lambda colour: (colour[3] > 0, colour))
    numbers = {colour: number for number, colour in enumerate(palette)}
    return palette, bytes(numbers.get(colour if colour[3] else CLEAR, 0) for colour in colours)


def pixels_of(bitmap: BurnBitmap) -> tuple[bytes, list[Rgba]]:
    """Return the pixels of a bitmap as numbers of colours, and the colours."""
    data, count = base64.b64decode(bitmap.data), bitmap.width * bitmap.height
    if bitmap.packing == "zlib":
        pixels = zlib.decompressobj().decompress(data, count).ljust(count, b"\0")
    else:
        pixels, _ = unpack(data, bitmap.width, bitmap.height)
    raw = bytes.fromhex(bitmap.palette)
    return pixels, [(raw[at], raw[at + 1], raw[at + 2], raw[at + 3]) for at in range(0, len(raw), 4)]
