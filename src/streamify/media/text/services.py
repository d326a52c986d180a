"""Services of CEA-708 as cues: what each window shows between two changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from streamify.bitstream.service import WINDOWS, Service
from streamify.bitstream.service_chars import is_korean, narrowed
from streamify.bitstream.service_window import Ink, Line, Window
from streamify.errors import counted
from streamify.media.text.place import CENTRED, COLUMNS, ROWS, settings_at
from streamify.media.text.read import Words
from streamify.media.text.spans import Style, colour_class, cue_text, escape, row_spans, tidy
from streamify.model.cue import CUE_BYTES, CUES, SERVICE_BYTES, SourceCue
from streamify.model.source import Note

PAUSE = Fraction(1, 2)
"""As of captions of CEA-608: seconds without a new character after which what was painted so far is a cue."""
_WIDTH = COLUMNS / 42
"""Of a column, 42 of which fill the screen, in those of CEA-608."""
_MARKS = re.compile(r"<[^>]*>")


@dataclass
class _Pane:
    """What is known of one window on the screen."""

    start: Fraction = Fraction(0)
    """Since when it shows what it shows."""
    touched: Fraction = Fraction(0)
    """When it last changed."""
    fresh: bool = True
    """Whether it was replaced, and no character came since."""


@dataclass(frozen=True)
class _Shown:
    """What a window showed for a while."""

    row: int
    """Its first one on the screen."""
    cue: SourceCue


@dataclass
class ServiceReader:
    """Collects the cues of one service."""

    words: Words = field(default_factory=Words)
    _shown: list[_Shown] = field(default_factory=list)
    _panes: list[_Pane] = field(default_factory=lambda: [_Pane() for _ in range(WINDOWS)])
    _states: int = 0
    """How often a window showed something else."""
    _bytes: int = 0
    """Of all cues."""
    _long: int = 0
    """Cues with too many bytes."""
    _beyond: int = 0
    """Cues behind as many bytes as a service may have."""

    def __post_init__(self) -> None:
        self._service = Service(self._changes)

    def feed(self, time: Fraction, block: bytes) -> None:
        """Take a service block of a picture, whose time is in seconds."""
        self._service.feed(time, block)

    def _changes(self, now: Fraction, number: int, replaced: bool) -> None:
        """Take note of what a window shows until now, where this is the end of it."""
        pane, window = self._panes[number], self._service.windows[number]
        ended = replaced or now - pane.touched > PAUSE
        if ended or pane.fresh:  # else characters follow each other, and there is nothing to look at
            lines = window.lines() if window is not None and window.visible else ()
            if window is not None and lines and ended:
                self._show(window, pane.start, now)
            if ended or not lines:
                pane.start = now
        pane.touched, pane.fresh = now, replaced

    def _show(self, window: Window, start: Fraction, end: Fraction | None) -> None:
        if (end is not None and end <= start) or self._states > CUES:
            return  # nobody saw it: it went at once, or came after the end; or these are no words
        self._states += 1
        lines = window.lines()
        text = cue_text(row_spans((line.cells for line in lines), _style))
        if not text:
            return
        size = len(text.encode())
        if size > CUE_BYTES:
            self._long += 1
            return
        first = round(window.place.top * ROWS) + lines[0].number + 1
        settings = _settings(window, lines, first)
        self.words.lost.update(self._service.lost)
        self._service.lost.clear()
        for number, one in enumerate(self._shown[-3:], start=max(0, len(self._shown) - 3)):
            if one.cue.end == start and (one.cue.text, one.cue.settings) == (text, settings):  # no word changed
                self._shown[number] = replace(one, cue=SourceCue(one.cue.start, end, text, settings))
                return
        self._bytes += size
        if self._bytes > SERVICE_BYTES:
            self._beyond += 1
            return
        self._shown.append(_Shown(first, SourceCue(start, end, text, settings)))

    def finish(self, until: Fraction | None, name: str) -> Words:
        """Return all cues.

        Args:
            until: When what is shown at the end is no longer shown; ``None``: nothing says so.
            name: Of the service, for notes.
        """
        self._service.end()
        for window, pane in zip(self._service.windows, self._panes, strict=True):
            if window is not None and window.visible and window.lines():
                self._show(window, pane.start, until)
        words, korean = self.words, is_korean(one.cue.text for one in self._shown)
        for cue in _stacked(self._shown):
            text = tidy(narrowed(cue.text, korean=korean, escape=escape))
            if len(text.encode()) > CUE_BYTES:
                self._long += 1
            elif _MARKS.sub("", text).strip():  # else all of its characters are blanks of 16 bits
                words.cues.append(SourceCue(cue.start, cue.end, text, cue.settings))
        words.found = len(words.cues) + self._long + self._beyond
        if self._states > CUES or len(words.cues) > CUES:
            words.cues = []
            why = f"the screen changes more than {CUES} times"
            words.leave_out(words.found, Note(kind="dropped", what=f"{name}: all of its {words.found} cues", why=why))
            return words
        long = f"{name}: {counted(self._long, 'cue')}"
        words.leave_out(self._long, Note(kind="dropped", what=long, why=f"each has more than {CUE_BYTES} bytes"))
        beyond = f"{name}: {counted(self._beyond, 'cue')} at its end"
        bound = f"of a service {SERVICE_BYTES} bytes are kept"
        words.leave_out(self._beyond, Note(kind="dropped", what=beyond, why=bound))
        return words


def _stacked(shown: list[_Shown]) -> Iterator[SourceCue]:
    """Yield cues in the order of time; those of windows that came and went together, row by row, are one."""
    together: dict[tuple[Fraction, Fraction | None, str], list[_Shown]] = {}
    for one in shown:
        together.setdefault((one.cue.start, one.cue.end, one.cue.settings), []).append(one)
    for group in sorted(together.values(), key=lambda group: group[0].cue.start):
        text = "\n".join(one.cue.text for one in sorted(group, key=lambda one: one.row))
        yield SourceCue(group[0].cue.start, group[0].cue.end, text, group[0].cue.settings)


def _style(ink: Ink) -> Style:
    return Style(italic=ink.italic, underline=ink.underline, colour=colour_class(*ink.colour))


def _settings(window: Window, lines: tuple[Line, ...], first: int) -> str:
    """Return where the words of a window stand; `first`: their first row on the screen."""
    last = first + lines[-1].number - lines[0].number
    columns = window.place.columns
    left = window.place.left(columns) * COLUMNS
    if window.centred:
        middle = left + columns * _WIDTH / 2
        spare = COLUMNS - 2 * middle
        side = (0.0, spare) if spare > 2 * CENTRED else (-spare, 0.0) if spare < -2 * CENTRED else (0.0, 0.0)
        return settings_at(first, last, *side, beside=False)
    begin = left + min(line.column for line in lines) * _WIDTH
    end = left + max(line.column + len(line.cells) for line in lines) * _WIDTH
    beside = window.rolled or abs(begin - (COLUMNS - end)) > CENTRED
    return settings_at(first, last, max(0.0, begin), max(0.0, COLUMNS - end), beside=beside)
