"""VobSub, the subtitles of DVD-Video: sub-picture units of four colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from streamify.bitstream.bitmaps.base import CLEAR, PIXELS, Bitmap, BitmapError, Bytes, Display, Rgba, sized

_DELAY = Fraction(1024, 90_000)
"""Seconds of a unit of the delay of a command."""
_PARAMETERS = {0x00: 0, 0x01: 0, 0x02: 0, 0x03: 2, 0x04: 2, 0x05: 6, 0x06: 4}
"""Bytes behind each command."""
_SIZE = re.compile(rb"size:\s*(\d{1,5})x(\d{1,5})")
_PALETTE = re.compile(rb"palette:((?:[\s,]*[0-9a-fA-F]{6}){1,16})")
_LEVELS = ((), (255,), (0, 255), (0, 128, 255), (0, 85, 170, 255))
"""Of grey, for as many opaque colours, where the file that names them is not there."""
_SEQUENCES = 1000
"""Sequences of commands of a unit at most."""


@dataclass
class _State:
    """What commands have set so far."""

    colours: tuple[int, ...] = (0, 0, 0, 0)
    alphas: tuple[int, ...] = (0, 0, 0, 0)
    box: tuple[int, int, int, int] | None = None
    """Left, right, top and bottom, all inside."""
    fields: tuple[int, int] | None = None
    """Where the lines of both fields begin."""
    shown: bool = False
    forced: bool = False
    decoded: int = 0
    """Pixels of the unit so far."""


class VobSubReader:
    """Reads VobSub.

    Args:
        header: Extradata of the stream: lines of an ``.idx`` file, with ``size`` and ``palette``.
        canvas: Size of the pictures, where the header says none.
    """

    def __init__(self, header: bytes, canvas: tuple[int, int]) -> None:
        self.damage: list[str] = []
        size, palette = _SIZE.search(header), _PALETTE.search(header)
        named = (int(size[1]), int(size[2])) if size is not None else (0, 0)
        self._canvas = named if min(named) > 0 and max(named) <= 4096 else canvas
        found = re.findall(rb"[0-9a-fA-F]{6}", palette[1]) if palette is not None else []
        self._palette = [(int(one[:2], 16), int(one[2:4], 16), int(one[4:], 16)) for one in found]
        self._pixels: tuple[object, bytes] | None = None
        self._later: list[Display] = []

    @property
    def guessed(self) -> bool:
        """Whether the source names no colours, so that those are greys."""
        return not self._palette

    def read(self, data: bytes, at: Fraction) -> Iterator[Display]:
        """See `Reader.read`."""
        later, self._later = self._later, []
        yield from (display for display in later if display.at < at)  # the next unit ends what this one planned
        try:
            self._later.extend(self._commands(data, at))
        except BitmapError as error:
            self.damage.append(str(error))

    def finish(self) -> Iterator[Display]:
        """See `Reader.finish`."""
        yield from self._later

    def _commands(self, data: bytes, at: Fraction) -> Iterator[Display]:
        source = Bytes(data)
        size, position = source.number(2), source.number(2)
        if size > len(data) or position > size - 4:
            raise BitmapError("it ends too early")
        state, before = _State(), -1
        for _ in range(_SEQUENCES):
            if position <= before:
                return
            before = position
            source = Bytes(data, position, size)
            time, following = at + source.number(2) * _DELAY, source.number(2)
            self._sequence(source, state)
            bitmaps = (self._bitmap(data[:size], state),) if state.shown else ()
            yield Display(time, self._canvas, bitmaps)
            position = following

    def _sequence(self, source: Bytes, state: _State) -> None:
        while (command := source.number(1)) != 0xFF:
            if command == 0x07:  # colours that change within lines: none but menus have them
                source.take(max(0, source.number(2) - 2))
                continue
            if command not in _PARAMETERS:
                raise BitmapError(f"an unknown command, {command:#04x}")
            given = source.take(_PARAMETERS[command])
            if command in (0x00, 0x01):
                state.shown, state.forced = True, command == 0x00
            elif command == 0x02:
                state.shown = False
            elif command == 0x03:
                state.colours = _nibbles(given)
            elif command == 0x04:
                state.alphas = _nibbles(given)
            elif command == 0x05:
                left, right = given[0] << 4 | given[1] >> 4, (given[1] & 15) << 8 | given[2]
                top, bottom = given[3] << 4 | given[4] >> 4, (given[4] & 15) << 8 | given[5]
                state.box = left, right, top, bottom
            else:
                state.fields = int.from_bytes(given[:2], "big"), int.from_bytes(given[2:], "big")

    def _bitmap(self, data: bytes, state: _State) -> Bitmap:
        if state.box is None or state.fields is None:
            raise BitmapError("it says no place")
        left, right, top, bottom = state.box
        width, height = sized(right - left + 1, bottom - top + 1)
        key = state.box, state.fields, data
        if self._pixels is None or self._pixels[0] != key:  # else only colours have changed
            state.decoded += width * height
            if state.decoded > PIXELS:
                raise BitmapError(f"more than {PIXELS} pixels in a unit")
            self._pixels = key, self._decoded(data, state.fields, width, height)
        return Bitmap(left, top, width, height, self._pixels[1], self._colours(state), state.forced)

    def _decoded(self, data: bytes, fields: tuple[int, int], width: int, height: int) -> bytes:
        lines = [b""] * height
        for parity, begin in enumerate(fields):
            at, whole = 2 * begin, True
            for row in range(parity, height, 2):
                lines[row], at, here = _line(data, at, width)
                whole = whole and here
            if not whole:
                self.damage.append("run lengths do not fill the picture")
        return b"".join(lines)

    def _colours(self, state: _State) -> tuple[Rgba, ...]:
        if self.guessed:
            return _greys(state)
        found: list[Rgba] = []
        for number, alpha in zip(state.colours, state.alphas, strict=True):
            red, green, blue = self._palette[number] if number < len(self._palette) else (0, 0, 0)
            found.append((red, green, blue, alpha * 17))
        return tuple(found)


def _nibbles(given: bytes) -> tuple[int, ...]:
    """Return the values of colours 0 to 3; the last comes first."""
    return given[1] & 15, given[1] >> 4, given[0] & 15, given[0] >> 4


def _greys(state: _State) -> tuple[Rgba, ...]:
    """Return greys from dark to light, in the order of the colours that are not clear."""
    opaque = list(dict.fromkeys(colour for colour, alpha in zip(state.colours, state.alphas, strict=True) if alpha))
    levels = _LEVELS[len(opaque)]
    found: list[Rgba] = []
    for colour, alpha in zip(state.colours, state.alphas, strict=True):
        level = levels[opaque.index(colour)] if alpha else 0
        found.append((level, level, level, alpha * 17) if alpha else CLEAR)
    return tuple(found)


def _line(data: bytes, at: int, width: int) -> tuple[bytes, int, bool]:
    """Return the pixels of a line, where the next one begins (in nibbles), and whether all of it was there."""
    runs: list[bytes] = []
    x, end = 0, 2 * len(data)
    while x < width:
        value = 0
        for enough in (0x4, 0x10, 0x40, 0):  # one to four nibbles: the longer, the longer the run
            if at >= end:
                return b"".join(runs).ljust(width, b"\0"), at, False
            byte = data[at >> 1]
            value = value << 4 | (byte & 15 if at & 1 else byte >> 4)
            at += 1
            if value >= enough:
                break
        count = value >> 2
        count = min(count or width, width - x)  # 0: up to the end of the line
        runs.append(bytes([value & 3]) * count)
        x += count
    return b"".join(runs), at + (at & 1), True
