"""Captions of line 21 (CEA-608-E): what a channel shows, pair by pair. Pure.

FFmpeg's ``cc_dec`` reads one channel of a field, has no clock in PyAV, and cannot be flushed there; it serves as the
second reader by which `verify` looks at the words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from streamify.bitstream.captions import CAPTION, TEXT, TRIPLE
from streamify.bitstream.line21_chars import ALONE, BASIC, FRENCH, GERMAN, SPECIAL

ROWS, COLUMNS = 15, 32
REPEATED = Fraction(1, 10)
"""Seconds within which a control code that comes again is its repetition (CEA-608-E, 8.4: in the next frame; encoders
at 60 pictures a second put empty pairs in between)."""

COLOURS: Final = ("white", "green", "blue", "cyan", "red", "yellow", "magenta")
"""In the order of preamble address codes and mid-row codes (CEA-608-E, tables 51 and 53)."""
_ROW: Final = ((11, 11), (1, 2), (3, 4), (12, 13), (14, 15), (5, 6), (7, 8), (9, 10))
"""Rows of a preamble address code by the low bits of its first byte; the second where 0x20 is set in the other."""


@dataclass(frozen=True, slots=True)
class Pen:
    """How characters look."""

    colour: str = "white"
    italic: bool = False
    underline: bool = False


PLAIN: Final = Pen()
Cell = tuple[str, Pen]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the screen that holds words."""

    number: int
    """From 1 at the top to 15."""
    column: int
    """Of its first character, from 0 to 31."""
    cells: tuple[Cell, ...]
    """From the first character to the last; gaps are blanks."""

    @property
    def stop(self) -> int:
        """The column after the last character."""
        return self.column + len(self.cells)


class Pairs:
    """Takes the pairs of cc_data to the channels that they are for: CC1 to CC4.

    Repetitions of control codes are left out, and what belongs to texts (T1 to T4) and to extended data services.
    """

    def __init__(self) -> None:
        self._channel: list[str | None] = ["CC1", None]
        """By field: the channel that characters belong to; in front of any control code CC1, as a film may be cut."""
        self._latest: list[tuple[int, int, Fraction] | None] = [None, None]
        """By field: the control code before, where what comes now can be its repetition."""
        self._texts: set[str] = set()
        """Channels that show a text at the moment."""
        self._data = False
        """Whether what comes in field 2 are extended data services (CEA-608-E, 9)."""
        self.wrong = 0
        """Bytes whose parity is wrong; they are read nevertheless, as files exist that have none."""

    def of(self, time: Fraction, triples: bytes) -> Iterator[tuple[str, int, int]]:
        """Yield channel and pair, in order; of control codes as channel 1 of field 1 has them.

        Args:
            time: Of the picture, seconds.
            triples: Of cc_data.
        """
        for at in range(0, len(triples) - TRIPLE + 1, TRIPLE):
            flags, first, second = triples[at : at + TRIPLE]
            if not flags & 0x04 or flags & 3 > 1 or not (first | second) & 0x7F:
                continue
            self.wrong += 2 - (first.bit_count() & 1) - (second.bit_count() & 1)
            yield from self._pair(flags & 1, first & 0x7F, second & 0x7F, time)

    def _pair(self, field: int, first: int, second: int, time: Fraction) -> Iterator[tuple[str, int, int]]:
        if first < 0x10:
            if field and first:
                self._data = first != 0x0F
            self._latest[field] = None
            if first or (field and self._data):
                return
        elif first < 0x20:
            before = self._latest[field]
            if before is not None and before[:2] == (first, second) and time - before[2] <= REPEATED:
                self._latest[field] = None
                return
            self._latest[field] = (first, second, time)
            self._data = self._data and not field
            channel = self._channel[field] = f"CC{1 + 2 * field + bool(first & 0x08)}"
            first &= 0x17
            if first in (0x14, 0x15) and second in range(0x20, 0x30):
                first = 0x14  # field 2 has 0x15
                if second in TEXT:
                    self._texts.add(channel)
                elif second in CAPTION:
                    self._texts.discard(channel)
        else:
            self._latest[field] = None
            if field and self._data:
                return
        found = self._channel[field]
        erases = (first, second) in ((0x14, 0x2C), (0x14, 0x2E))
        if found is not None and (found not in self._texts or erases):
            yield found, first, second


class Screen:
    """The two memories of a channel and its cursor (CEA-608-E, annex C)."""

    def __init__(self, before: Callable[[bool], None] = lambda _: None) -> None:
        """Begin with nothing shown.

        Args:
            before: Called before what is shown changes: with ``True`` where it is replaced, erased or rolled up, with
                ``False`` where characters come to it or go.
        """
        self._before = before
        self._shown: dict[int, dict[int, Cell]] = {}
        """Cells by row and column."""
        self._hidden: dict[int, dict[int, Cell]] = {}
        self._mode = "pop-on"
        """``pop-on``, ``roll-up`` or ``paint-on``; before a code says which, nothing is shown unless one that ends a
        pop-on caption follows: a film that was cut begins in the middle of one."""
        self._depth = 2
        self._row, self._column = ROWS, 0
        self._pen = PLAIN
        self.lost: set[str] = set()
        """Kinds of styling that were met and are not kept, since it was emptied."""

    @property
    def rolling(self) -> bool:
        """Whether the mode is roll-up."""
        return self._mode == "roll-up"

    def rows(self) -> tuple[Row, ...]:
        """Return the rows that are shown and hold words, from the top."""
        return tuple(filter(None, (_row(number, self._shown[number]) for number in sorted(self._shown))))

    def feed(self, first: int, second: int) -> None:
        """Take a pair, as `Pairs` gives it."""
        if first >= 0x20:
            self._write(BASIC.get(first, chr(first)))
            if second >= 0x20:
                self._write(BASIC.get(second, chr(second)))
        elif first < 0x10:
            if second >= 0x20:
                self._write(BASIC.get(second, chr(second)))
        elif second >= 0x40:
            self._address(first & 7, second)
        elif first == 0x14:
            self._control(second)
        elif first == 0x11:
            if second < 0x30:
                self._mid_row(second)
            else:
                self._write(SPECIAL[second - 0x30])
        elif first in (0x12, 0x13):
            self._extended((FRENCH if first == 0x12 else GERMAN)[second - 0x20])
        elif first == 0x17 and 0x21 <= second <= 0x23:
            self._column = min(COLUMNS - 1, self._column + second - 0x20)
        elif first == 0x10 or (first == 0x17 and 0x2D <= second <= 0x2F):
            self.lost.add("background")

    def _control(self, code: int) -> None:
        match code:
            case 0x20:
                self._mode = "pop-on"
            case 0x25 | 0x26 | 0x27:
                self._roll_up(code - 0x23)
            case 0x29:
                self._mode = "paint-on"
            case 0x21:
                self._backspace()
            case 0x24:
                self._erase_right()
            case 0x28:
                self.lost.add("flashing")
                self._write(" ")
            case 0x2C:
                if any(self._shown.values()):
                    self._before(True)
                self._shown = {}
            case 0x2D:
                self._return()
            case 0x2E:
                self._hidden = {}
            case 0x2F:
                self._mode = "pop-on"
                if any(self._shown.values()) or any(self._hidden.values()):
                    self._before(True)
                self._shown, self._hidden = self._hidden, self._shown

    @property
    def _memory(self) -> dict[int, dict[int, Cell]]:
        return self._hidden if self._mode == "pop-on" else self._shown

    def _changing(self) -> None:
        if self._mode != "pop-on":
            self._before(False)

    def _write(self, char: str) -> None:
        self._changing()
        self._column = min(self._column, COLUMNS - 1)
        self._memory.setdefault(self._row, {})[self._column] = (char, self._pen)
        self._column += 1

    def _extended(self, char: str) -> None:
        """Take the place of the character before, which is there for decoders that do not know this one (8.3)."""
        self._column = max(0, self._column - 1)
        self._write(char)

    def _backspace(self) -> None:
        if self._column:
            self._column -= 1
            self._remove(lambda column: column == self._column)

    def _erase_right(self) -> None:
        self._remove(lambda column: column >= self._column)

    def _remove(self, gone: Callable[[int], bool]) -> None:
        row = self._memory.get(self._row, {})
        if columns := [column for column in row if gone(column)]:
            self._changing()
            for column in columns:
                del row[column]

    def _mid_row(self, code: int) -> None:
        """A mid-row code takes a blank, and changes colour or slant behind it (8.2)."""
        self._write(" ")
        kind = (code >> 1) & 7
        self._pen = (
            replace(self._pen, italic=True, underline=bool(code & 1))
            if kind == 7
            else Pen(COLOURS[kind], underline=bool(code & 1))
        )

    def _address(self, rows: int, code: int) -> None:
        """A preamble address code: row, indent or colour, underline (8.1)."""
        row = _ROW[rows][bool(code & 0x20)]
        kind = (code >> 1) & 15
        colour = COLOURS[kind] if kind < 7 else "white"
        self._pen = Pen(colour, italic=kind == 7, underline=bool(code & 1))
        self._column = (kind - 8) * 4 if kind >= 8 else 0
        if self._mode == "roll-up" and row != self._row:
            self._move(row)
        self._row = row

    def _roll_up(self, depth: int) -> None:
        if self._mode != "roll-up":
            if any(self._shown.values()):
                self._before(True)
            self._shown, self._hidden = {}, {}
            self._mode, self._row, self._column, self._pen = "roll-up", ROWS, 0, PLAIN
        elif any(row <= self._row - depth for row, cells in self._shown.items() if cells):
            self._before(True)
            self._shown = {row: cells for row, cells in self._shown.items() if row > self._row - depth}
        self._depth = depth

    def _move(self, row: int) -> None:
        """Move what is shown with its base row (C.4)."""
        if any(self._shown.values()):
            self._before(True)
        by = row - self._row
        top = max(1, row - self._depth + 1)
        self._shown = {old + by: cells for old, cells in self._shown.items() if top <= old + by <= row}

    def _return(self) -> None:
        """Roll up; in other modes a carriage return does nothing."""
        if self._mode != "roll-up":
            return
        if any(self._shown.values()):
            self._before(True)
        top = max(1, self._row - self._depth + 1)
        self._shown = {row - 1: cells for row, cells in self._shown.items() if top < row <= self._row}
        self._column, self._pen = 0, PLAIN


def _row(number: int, cells: dict[int, Cell]) -> Row | None:
    columns = [column for column, (char, _) in cells.items() if char != ALONE and char.strip()]
    if not columns:
        return None
    first, last = min(columns), max(columns)
    return Row(number, first, tuple(cells.get(column, (" ", PLAIN)) for column in range(first, last + 1)))
