"""PGS, the subtitles of Blu-ray Disc (HDMV presentation graphics; US patent 2009/0185789 describes the segments)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from streamify.bitstream.bitmaps.base import CLEAR, PIXELS, Bitmap, BitmapError, Bytes, Display, Rgba, rgba, sized
from streamify.bitstream.bitmaps.runs import unpack

_PALETTE, _OBJECT, _COMPOSITION, _END = 0x14, 0x15, 0x16, 0x80
_SD_LINES = 576
"""Lines of a canvas up to which colours are BT.601's."""
_OBJECTS = 64
"""Objects of an epoch that are held; the format has no more."""


@dataclass
class _Object:
    width: int
    height: int
    missing: int
    """Bytes of it that are still to come."""
    data: bytearray


@dataclass(frozen=True)
class _Placed:
    """An object on the canvas."""

    number: int
    x: int
    y: int
    forced: bool
    crop: tuple[int, int, int, int] | None
    """Left, top, width and height of the part that is shown."""


@dataclass
class _Composition:
    at: Fraction
    canvas: tuple[int, int]
    palette: int
    objects: tuple[_Placed, ...]


class PgsReader:
    """Reads PGS. A packet holds some segments; what they compose is shown once the end of the set has come."""

    def __init__(self) -> None:
        self.damage: list[str] = []
        self._palettes: dict[int, dict[int, tuple[int, int, int, int]]] = {}
        self._objects: dict[int, _Object] = {}
        self._open: int | None = None
        self._composition: _Composition | None = None

    def read(self, data: bytes, at: Fraction) -> Iterator[Display]:
        """See `Reader.read`."""
        source = Bytes(data)
        try:
            while source.left:
                kind, size = source.number(1), source.number(2)
                yield from self._segment(kind, Bytes(source.take(size)), at)
        except BitmapError as error:
            self.damage.append(str(error))

    def finish(self) -> Iterator[Display]:
        """See `Reader.finish`."""
        return iter(())

    def _segment(self, kind: int, source: Bytes, at: Fraction) -> Iterator[Display]:
        try:
            if kind == _COMPOSITION:
                self._composition = self._compose(source, at)
            elif kind == _PALETTE:
                self._colours(source)
            elif kind == _OBJECT:
                self._pixels(source)
            elif kind == _END and self._composition is not None:
                composition, self._composition = self._composition, None
                yield self._shown(composition)
        except BitmapError as error:
            self.damage.append(str(error))

    def _compose(self, source: Bytes, at: Fraction) -> _Composition:
        canvas = sized(source.number(2), source.number(2))
        source.take(1)  # frame rate
        source.take(2)  # number of the composition
        if source.number(1) & 0xC0:  # an epoch begins, or a state from which one can join it
            self._palettes.clear()
            self._objects.clear()
        source.take(1)  # whether only the palette changes
        palette, count = source.number(1), source.number(1)
        return _Composition(at, canvas, palette, tuple(self._place(source) for _ in range(count)))

    def _place(self, source: Bytes) -> _Placed:
        number, _, flags = source.number(2), source.number(1), source.number(1)
        x, y = source.number(2), source.number(2)
        crop = None
        if flags & 0x80:
            crop = source.number(2), source.number(2), source.number(2), source.number(2)
        return _Placed(number, x, y, bool(flags & 0x40), crop)

    def _colours(self, source: Bytes) -> None:
        palette = self._palettes.setdefault(source.number(1), {})
        source.take(1)  # version
        while source.left:
            entry, luma, red, blue, alpha = source.take(5)
            palette[entry] = luma, blue, red, alpha

    def _pixels(self, source: Bytes) -> None:
        number = source.number(2)
        source.take(1)  # version
        if source.number(1) & 0x80:  # the first part
            self._objects.pop(number, None)
            size = source.number(3) - 4
            width, height = sized(source.number(2), source.number(2))
            if len(self._objects) >= _OBJECTS:
                raise BitmapError(f"more than {_OBJECTS} objects in an epoch")
            if size + sum(len(one.data) + one.missing for one in self._objects.values()) > PIXELS:
                raise BitmapError(f"more than {PIXELS} bytes of objects in an epoch")
            self._objects[number] = _Object(width, height, size, bytearray())
            self._open = number
        if number != self._open or number not in self._objects:
            raise BitmapError("a part of an object without its beginning")
        found = self._objects[number]
        part = source.take(source.left)
        if len(part) > found.missing:
            del self._objects[number]
            raise BitmapError("an object is longer than it says")
        found.data += part
        found.missing -= len(part)

    def _shown(self, composition: _Composition) -> Display:
        bitmaps: list[Bitmap] = []
        palette = self._palettes.get(composition.palette)
        if composition.objects and palette is None:
            self.damage.append("a composition without its palette")
            return Display(composition.at, composition.canvas, ())
        hd = composition.canvas[1] > _SD_LINES
        last = max(palette, default=-1) if palette else -1
        colours: tuple[Rgba, ...] = tuple(
            rgba(*palette[entry], hd=hd) if palette is not None and entry in palette else CLEAR
            for entry in range(last + 1)
        )
        pixels_left = PIXELS
        for placed in composition.objects:
            found = self._objects.get(placed.number)
            if found is None or found.missing:
                self.damage.append("an object is missing" if found is None else "an object is not whole")
                continue
            pixels_left -= found.width * found.height
            if pixels_left < 0:
                self.damage.append(f"more than {PIXELS} pixels at the same time")
                break
            pixels, whole = unpack(bytes(found.data), found.width, found.height)
            if not whole:
                self.damage.append("run lengths do not fill the object")
            bitmap = Bitmap(placed.x, placed.y, found.width, found.height, pixels, colours, placed.forced)
            bitmaps.append(_cropped(bitmap, placed.crop) if placed.crop is not None else bitmap)
        return Display(composition.at, composition.canvas, tuple(bitmaps))


def _cropped(bitmap: Bitmap, crop: tuple[int, int, int, int]) -> Bitmap:
    left, top, width, height = crop
    width, height = min(width, bitmap.width - left), min(height, bitmap.height - top)
    if width <= 0 or height <= 0:
        raise BitmapError("a part of an object that lies outside of it")
    pixels = b"".join(
        bitmap.pixels[row * bitmap.width + left : row * bitmap.width + left + width] for row in range(top, top + height)
    )
    return Bitmap(bitmap.x, bitmap.y, width, height, pixels, bitmap.palette, bitmap.forced)
