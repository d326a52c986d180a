"""DVB subtitles (ETSI EN 300 743)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from streamify.bitstream.bitmaps.base import CLEAR, PIXELS, Bitmap, BitmapError, Bytes, Display, Rgba, rgba, sized
from streamify.bitstream.bitmaps.dvb_pixels import draw

_SYNC = 0x0F
_PAGE, _REGION, _CLUT, _OBJECT, _DISPLAY = 0x10, 0x11, 0x12, 0x13, 0x14
_CANVAS = (720, 576)
"""Of a stream that defines none (5.1.3)."""
_HELD = 256
"""Regions, tables of colours and objects that are held at most."""


@dataclass
class _Region:
    width: int
    height: int
    bits: int
    clut: int
    pixels: bytearray
    objects: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Where each object lies in it."""


@dataclass
class _Page:
    at: Fraction
    seconds: int
    """After which it goes; 0: nothing says."""
    regions: tuple[tuple[int, int, int], ...]
    """Number, left and top of each."""


class DvbReader:
    """Reads DVB subtitles; what a packet composes is shown once all of it was read.

    Args:
        header: Extradata of the stream: the page that it is about, and one that it shares with others; empty: any.
    """

    def __init__(self, header: bytes) -> None:
        self.damage: list[str] = []
        wanted = (int.from_bytes(header[:2], "big"), int.from_bytes(header[2:4], "big")) if len(header) >= 4 else ()
        self._wanted = frozenset(wanted)
        self._canvas, self._origin = _CANVAS, (0, 0)
        self._regions: dict[int, _Region] = {}
        self._cluts: dict[int, dict[tuple[int, int], Rgba]] = {}
        self._page: _Page | None = None

    def read(self, data: bytes, at: Fraction) -> Iterator[Display]:
        """See `Reader.read`."""
        source = Bytes(data[2:] if data[:2] == b"\x20\0" else data)
        changed = False
        try:
            while source.left >= 6:
                if source.number(1) != _SYNC:
                    break
                kind, page, size = source.number(1), source.number(2), source.number(2)
                if page in self._wanted or not self._wanted:
                    changed = self._segment(kind, Bytes(source.take(size)), at) or changed
                else:
                    source.take(size)
        except BitmapError as error:
            self.damage.append(str(error))
        if changed and self._page is not None:
            yield self._shown(self._page)

    def finish(self) -> Iterator[Display]:
        """See `Reader.finish`."""
        return iter(())

    def _segment(self, kind: int, source: Bytes, at: Fraction) -> bool:
        """Take a segment; return whether it is a page."""
        try:
            if kind == _PAGE:
                self._compose(source, at)
                return True
            if kind == _REGION:
                self._region(source)
            elif kind == _CLUT:
                self._colours(source)
            elif kind == _OBJECT:
                self._object(source)
            elif kind == _DISPLAY:
                window = source.number(1) & 0x08
                self._canvas = sized(source.number(2) + 1, source.number(2) + 1)
                left, _, top, _ = (source.number(2) for _ in range(4)) if window else (0, 0, 0, 0)
                self._origin = left, top
        except BitmapError as error:
            self.damage.append(str(error))
        return False

    def _compose(self, source: Bytes, at: Fraction) -> None:
        seconds, flags = source.number(1), source.number(1)
        if flags >> 2 & 3 in (1, 2):  # a point to begin at, or a new epoch
            self._regions.clear()
            self._cluts.clear()
        regions: dict[int, tuple[int, int, int]] = {}
        while source.left >= 6:
            number, _ = source.number(1), source.take(1)
            regions.setdefault(number, (number, source.number(2), source.number(2)))
        self._page = _Page(at, seconds, tuple(regions.values()))

    def _region(self, source: Bytes) -> None:
        number, flags = source.number(1), source.number(1)
        width, height = sized(source.number(2), source.number(2))
        depth, clut = source.number(1), source.number(1)
        bits = {1: 2, 2: 4, 3: 8}.get(depth >> 2 & 7)
        if bits is None:
            raise BitmapError("a region of an unknown depth")
        eight, fewer = source.number(1), source.number(1)
        background = {2: fewer >> 2 & 3, 4: fewer >> 4, 8: eight}[bits]
        found = self._regions.get(number)
        if found is None or (found.width, found.height, found.bits) != (width, height, bits):
            if len(self._regions) >= _HELD:
                raise BitmapError(f"more than {_HELD} regions")
            others = sum(len(one.pixels) for key, one in self._regions.items() if key != number)
            if others + width * height > PIXELS:
                raise BitmapError(f"more than {PIXELS} pixels in regions")
            found = _Region(width, height, bits, clut, bytearray(width * height))
            self._regions[number] = found
        found.clut = clut
        if flags & 0x08:
            found.pixels[:] = bytes([background]) * (width * height)
        found.objects.clear()
        placed = sum(len(places) for one in self._regions.values() for places in one.objects.values())
        while source.left >= 6:
            key, x, y = source.number(2), source.number(2), source.number(2)
            if x >> 14 in (1, 2):
                source.take(2)
            placed += 1
            if placed > _HELD:
                raise BitmapError(f"more than {_HELD} objects in regions")
            found.objects.setdefault(key, []).append((x & 0xFFF, y & 0xFFF))

    def _colours(self, source: Bytes) -> None:
        number = source.number(1)
        source.take(1)  # version
        if number not in self._cluts and len(self._cluts) >= _HELD:
            raise BitmapError(f"more than {_HELD} tables of colours")
        clut = self._cluts.setdefault(number, {})
        while source.left >= 4:
            entry, flags = source.number(1), source.number(1)
            if flags & 1:
                luma, red, blue, clear = source.take(4)
            else:
                value = source.number(2)
                luma, red, blue, clear = (
                    value >> 10 << 2, (value >> 6 & 15) << 4, (value >> 2 & 15) << 4, (value & 3) << 6,
                )  # fmt: skip
            colour = rgba(luma, blue, red, 255 - clear, hd=False) if luma else CLEAR
            clut.update({(bits, entry): colour for bits, flag in ((2, 0x80), (4, 0x40), (8, 0x20)) if flags & flag})

    def _object(self, source: Bytes) -> None:
        number, flags = source.number(2), source.number(1)
        if flags >> 2 & 3:
            raise BitmapError("an object of characters, which is no bitmap")
        top, bottom = source.number(2), source.number(2)
        first = source.take(min(top, source.left))
        second = source.take(min(bottom, source.left)) if bottom else first
        for region in self._regions.values():
            for x, y in region.objects.get(number, ()):
                for begin, data in ((y, first), (y + 1, second)):
                    try:
                        draw(region.pixels, region.width, region.bits, data, x, begin, keep=bool(flags & 0x02))
                    except BitmapError as error:
                        self.damage.append(str(error))

    def _shown(self, page: _Page) -> Display:
        found = []
        for number, x, y in page.regions:
            region = self._regions.get(number)
            if region is None:
                self.damage.append("a region is missing")
                continue
            clut = self._cluts.get(region.clut, {})
            palette = tuple(
                clut.get((region.bits, entry), _default(region.bits, entry)) for entry in range(1 << region.bits)
            )
            left, top = self._origin
            found.append(Bitmap(left + x, top + y, region.width, region.height, bytes(region.pixels), palette))
        return Display(page.at, self._canvas, tuple(found), page.at + page.seconds if page.seconds else None)


def _default(bits: int, entry: int) -> Rgba:
    """Return a colour of the table that holds where a stream defines none (EN 300 743, 10)."""
    if not entry:
        return CLEAR
    if bits == 2:
        return ((0, 0, 0, 0), (255, 255, 255, 255), (0, 0, 0, 255), (127, 127, 127, 255))[entry]
    if bits == 4 or entry < 8:
        level, alpha = (255 if entry < 8 else 127, 255) if bits == 4 else (255, 63)
        return level * bool(entry & 1), level * bool(entry & 2), level * bool(entry & 4), alpha
    strong, weak, base, alpha = {
        0x00: (170, 85, 0, 255), 0x08: (170, 85, 0, 127), 0x80: (85, 43, 127, 255), 0x88: (85, 43, 0, 255),
    }[entry & 0x88]  # fmt: skip
    red, green, blue = (base + weak * bool(entry & bit) + strong * bool(entry & bit << 4) for bit in (1, 2, 4))
    return red, green, blue, alpha
