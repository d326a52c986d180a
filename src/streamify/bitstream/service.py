"""A service of CEA-708 (CTA-708-E, 7 and 8): codes become words in windows. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from streamify.bitstream.service_chars import extended, single, wide
from streamify.bitstream.service_codes import EXT1, P16, length
from streamify.bitstream.service_window import PLAIN, Ink, Place, Window

WINDOWS = 8
_CENTRED, _WRAPS = frozenset({3, 6}), frozenset({4, 5, 6})
"""Predefined window styles that centre and that wrap (8.12)."""
_UNDELAYED = (0x8E, 0x8F)
"""DelayCancel and Reset, which end a delay."""
_BUFFER = 128
"""Bytes that are held while a delay lasts; where they are full, it ends (8.10.5.13)."""


class Service:
    """The windows of a service.

    Args:
        before: Called before what a window shows changes, with the time, its number, and whether it is replaced, erased
            or rolled up; else characters come to it or go.
    """

    def __init__(self, before: Callable[[Fraction, int, bool], None] = lambda *_: None) -> None:
        self._before = before
        self.windows: list[Window | None] = [None] * WINDOWS
        self._current = 0
        self._rest = b""
        """A code whose end is in the next block."""
        self._now = Fraction(0)
        self._until: Fraction | None = None
        """When a delay ends."""
        self._held: deque[tuple[Fraction, bytes]] = deque()
        self.lost: set[str] = set()
        """Kinds of styling that were met and are not kept, since it was emptied."""

    def feed(self, time: Fraction, block: bytes) -> None:
        """Take the payload of a service block, and the time of its picture, seconds."""
        self.at(time)
        for code in self._codes(block):
            if code[0] in _UNDELAYED:
                while self._until is not None:  # what was held may begin further delays
                    self._resume(time)
            if self._until is None:
                self._now = time
                self._execute(code)
            else:
                self._held.append((time, code))
                if sum(len(held) for _, held in self._held) > _BUFFER:
                    self._resume(time)

    def at(self, time: Fraction) -> None:
        """Let time pass."""
        while self._until is not None and time >= self._until:
            self._resume(self._until)

    def end(self) -> None:
        """Execute what a delay still holds."""
        while self._until is not None:
            self._resume(self._until)

    def _resume(self, time: Fraction) -> None:
        """End a delay: what came meanwhile is executed, up to the next delay."""
        self._until = None
        while self._held and self._until is None:
            came, code = self._held.popleft()
            self._now = max(time, came)
            self._execute(code)

    def _codes(self, block: bytes) -> Iterator[bytes]:
        data, at = self._rest + block, 0
        while at < len(data) and at + (size := length(data, at)) <= len(data):
            yield data[at : at + size]
            at += size
        self._rest = data[at:]

    def _execute(self, code: bytes) -> None:
        first = code[0]
        if first == EXT1:
            if code[1] >= 0xA0 or 0x20 <= code[1] < 0x80:
                self._write(extended(code[1]))
        elif first == P16:
            self._write(wide(code[1], code[2]))
        elif 0x20 <= first < 0x80 or first >= 0xA0:
            self._write(single(first))
        elif first < 0x20:
            self._control(first)
        else:
            self._command(first, code[1:])

    def _write(self, text: str) -> None:
        if (window := self.windows[self._current]) is not None:
            for char in text:
                self._changing(self._current, replaced=window.full and window.rolls())
                window.write(char)

    def _changing(self, number: int, *, replaced: bool) -> None:
        window = self.windows[number]
        if window is not None and window.visible and (not replaced or window.cells):
            self._before(self._now, number, replaced)

    def _control(self, code: int) -> None:
        """Codes of C0: backspace, form feed, carriage return, horizontal carriage return (7.1.4)."""
        number = self._current
        window = self.windows[number]
        if window is None or code not in (0x08, 0x0C, 0x0D, 0x0E):
            return
        self._changing(number, replaced=code == 0x0C or (code == 0x0D and window.rolls()))
        match code:
            case 0x08:
                window.back()
            case 0x0C:
                window.clear()
                window.row = window.column = 0
            case 0x0D:
                window.advance()
            case 0x0E:
                window.clear(window.row)
                window.column = 0

    def _command(self, code: int, given: bytes) -> None:
        """Commands of C1 (8.10.5)."""
        window = self.windows[self._current]
        match code:
            case _ if code < 0x88:
                self._current = code - 0x80
            case 0x88 | 0x89 | 0x8A | 0x8B | 0x8C:
                for number in range(WINDOWS):
                    if given[0] >> number & 1:
                        self._change(code, number)
            case 0x8D:
                self._until = self._now + Fraction(given[0], 10)
            case 0x8F:
                for number in range(WINDOWS):
                    self._change(0x8C, number)
            case 0x90 if window is not None:
                window.ink = Ink(
                    window.ink.colour, bool(given[1] & 0x80), bool(given[1] & 0x40), silent=given[0] >> 4 == 15
                )
                self._styles(given[0] & 3 != 1, "size")
                self._styles(bool(given[1] & 7), "font")
            case 0x91 if window is not None:
                window.ink = replace(window.ink, colour=_colour(given[0]))
                self._styles(given[0] >> 6 == 1, "flashing")
                self._styles(given[1] not in (0x00, 0xC0), "background")
            case 0x92 if window is not None:
                window.row, window.column = min(given[0] & 15, window.place.rows - 1), given[1] & 63
            case 0x97 if window is not None:
                window.centred, window.wraps = given[2] & 3 == 2, bool(given[2] & 0x40)
                self._styles(given[2] >> 4 & 3 > 1, "vertical writing")
            case _ if code >= 0x98:
                self._define(code - 0x98, given)

    def _styles(self, met: bool, kind: str) -> None:
        if met:
            self.lost.add(kind)

    def _change(self, code: int, number: int) -> None:
        """Clear, show, hide, toggle or delete a window."""
        window = self.windows[number]
        if window is None:
            return
        shown = window.visible
        if code in (0x88, 0x8C) or (shown and code in (0x8A, 0x8B)):
            self._changing(number, replaced=True)
        match code:
            case 0x88:
                window.clear()
            case 0x89 | 0x8A | 0x8B:
                if not shown and code != 0x8A:
                    self._before(self._now, number, True)
                window.visible = not shown if code == 0x8B else code == 0x89
            case 0x8C:
                self.windows[number] = None

    def _define(self, number: int, given: bytes) -> None:
        """DefineWindow: make a window, or change the one there is, which keeps its words and its pen (8.10.5.2)."""
        relative, point = bool(given[1] & 0x80), min(given[3] >> 4, 8)
        down, across = given[1] & 0x7F, given[2]
        place = Place(
            rows=(given[3] & 15) + 1, columns=(given[4] & 63) + 1, point=point,
            down=down / (99 if relative else 74), across=across / (99 if relative else 209),
        )  # fmt: skip
        visible, style, pen = bool(given[0] & 0x20), given[5] >> 3 & 7, given[5] & 7
        window = self.windows[number]
        self._current = number
        if window is None:
            window = self.windows[number] = Window(place, visible)
            if visible:
                self._before(self._now, number, True)
            style = style or 1
        elif (window.place, window.visible) != (place, visible):
            self._changing(number, replaced=True)
            if visible and not window.visible:
                self._before(self._now, number, True)
            window.put(place)
            window.visible = visible
        window.priority = given[0] & 7
        if style:
            window.centred, window.wraps = style in _CENTRED, style in _WRAPS
        if pen:
            window.ink = PLAIN


def _colour(value: int) -> tuple[int, int, int]:
    """Return red, green and blue of two bits each (8.8)."""
    return (value >> 4 & 3) * 85, (value >> 2 & 3) * 85, (value & 3) * 85
