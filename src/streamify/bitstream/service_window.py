"""A window of CEA-708: rows of characters, a pen, and where on the screen it stands (CTA-708-E, 8.4 and 8.10). Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

COLUMNS: Final = 64
"""Of a row, whatever its window has (SetPenLocation, 8.10.5.9): what is written beyond goes to the next row."""
WHITE: Final = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Ink:
    """How characters look."""

    colour: tuple[int, int, int] = WHITE
    """Red, green, blue, 0 to 255."""
    italic: bool = False
    underline: bool = False
    silent: bool = False
    """They are not to be shown (text tag 15)."""


PLAIN: Final = Ink()
Cell = tuple[str, Ink]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a window that holds words."""

    number: int
    """From 0 at the top of the window."""
    column: int
    """Of its first character, from 0."""
    cells: tuple[Cell, ...]
    """From the first character to the last; gaps are blanks."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a window stands: the parameters of DefineWindow (8.10.5.2)."""

    rows: int
    columns: int
    point: int
    """Which of its points the anchor is: 0 at the top left, 8 at the bottom right, row by row."""
    down: float
    """Of the anchor, from 0 at the top of the safe title area to 1."""
    across: float
    """Of the anchor, from 0 at the left to 1."""

    @property
    def top(self) -> float:
        """Of the window, as `down`: a row is a fifteenth of the area."""
        return self.down - self.rows / 15 * (self.point // 3) / 2

    def left(self, columns: int) -> float:
        """Return the left edge, as `across`, of so many columns; 42 of them fill the area."""
        return self.across - columns / 42 * (self.point % 3) / 2


@dataclass(slots=True)
class Window:
    """One of the eight windows of a service."""

    place: Place
    visible: bool
    priority: int = 0
    centred: bool = False
    """Justified to the middle, else to the left."""
    wraps: bool = False
    ink: Ink = PLAIN
    rolled: bool = False
    """Whether rows moved up in it since it was made."""
    row: int = 0
    column: int = 0
    cells: dict[int, dict[int, Cell]] = field(default_factory=dict)
    """By row and column."""

    def lines(self) -> tuple[Line, ...]:
        """Return the rows that hold words, from the top."""
        return tuple(filter(None, (_line(number, self.cells[number]) for number in sorted(self.cells))))

    @property
    def full(self) -> bool:
        """Whether the next character does not fit into its row: no pen can be placed behind `COLUMNS` either."""
        return self.column >= (self.place.columns if self.wraps else COLUMNS)

    def write(self, char: str) -> None:
        """Put a character at the pen. In a window that wraps, a word that does not fit goes to the next row whole."""
        if self.full:
            self._wrap()
        self.cells.setdefault(self.row, {})[self.column] = (char, self.ink)
        self.column += 1

    def _wrap(self) -> None:
        row = self.cells.get(self.row, {})
        blanks = [column for column, (char, _) in row.items() if char in " \u00a0"]
        word = sorted(column for column in row if column > max(blanks, default=self.column))
        moved = [row.pop(column) for column in word]
        self.advance()
        for cell in moved:
            self.cells.setdefault(self.row, {})[self.column] = cell
            self.column += 1

    def rolls(self) -> bool:
        """Return whether a carriage return would move rows up, out of the window."""
        return self.row + 1 >= self.place.rows

    def advance(self) -> None:
        """Go to the start of the next row; from the last one all move up (7.1.4.2)."""
        if self.rolls():
            self.cells = {row - 1: cells for row, cells in self.cells.items() if row}
            self.rolled = True
        else:
            self.row += 1
        self.column = 0

    def back(self) -> None:
        """Remove the character before the pen."""
        self.column = max(0, self.column - 1)
        self.cells.get(self.row, {}).pop(self.column, None)

    def clear(self, row: int | None = None) -> None:
        """Remove all words, or those of a row."""
        self.cells = {} if row is None else {number: cells for number, cells in self.cells.items() if number != row}

    def put(self, place: Place) -> None:
        """Take another place and size, with the words that fit into its rows."""
        self.place = place
        self.cells = {row: cells for row, cells in self.cells.items() if row < place.rows}
        self.row = min(self.row, place.rows - 1)


def _line(number: int, cells: dict[int, Cell]) -> Line | None:
    shown = {column: cell for column, cell in cells.items() if not cell[1].silent}
    columns = [column for column, (char, _) in shown.items() if char.strip()]
    if not columns:
        return None
    first, last = min(columns), max(columns)
    return Line(number, first, tuple(shown.get(column, (" ", PLAIN)) for column in range(first, last + 1)))
