"""Captions inside the pictures (CEA-608, CEA-708) as cues: one channel or service, or several in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby

from streamify.bitstream.captions import TRIPLE
from streamify.bitstream.channels import Channels
from streamify.bitstream.dtvcc import Packets
from streamify.bitstream.line21 import COLUMNS, Pairs, Pen, Row, Screen
from streamify.errors import counted
from streamify.media.text.place import settings_at
from streamify.media.text.read import Words
from streamify.media.text.services import ServiceReader
from streamify.media.text.spans import Style, cue_text, row_spans
from streamify.model.caption import CHANNELS, SERVICE, is_service, service_number
from streamify.model.cue import CUES, SourceCue
from streamify.model.source import Note

PAUSE = Fraction(1, 2)
"""Seconds without a new character after which what was painted so far is a cue, and what follows the next one."""
_GREEN = "lime"
"""Name of the class of WebVTT that has the green of line 21."""


def caption_words(
    pictures: Iterable[tuple[Fraction, bytes]], names: Sequence[str], until: Fraction | None = None
) -> dict[str, Words]:
    """Return the cues of channels.

    Args:
        pictures: Times of pictures, seconds on the clock of the source, in order, and their cc_data.
        names: Channels and services: ``CC1`` to ``CC4``, ``SERVICE1`` to ``SERVICE63``.
        until: When what is shown at the end is no longer shown; ``None``: nothing says so.
    """
    pairs, packets, seen = Pairs(), Packets(), Channels()
    readers = {name: _Reader() for name in names if not is_service(name)}
    services = {service_number(name): ServiceReader() for name in names if is_service(name)}
    for time, triples in pictures:
        seen.add(triples)
        for channel, first, second in pairs.of(time, triples):
            if (reader := readers.get(channel)) is not None:
                reader.feed(time, first, second)
        for number, block in packets.of(triples):
            if (service := services.get(number)) is not None:
                service.feed(time, block)
    made = {name: reader.finish(until, f"captions {name}") for name, reader in readers.items()}
    made |= {
        SERVICE + str(number): one.finish(until, f"captions {SERVICE}{number}") for number, one in services.items()
    }
    found = {name: made[name] for name in names}
    notes = [*_notes(pairs, [name for name in seen.names if not is_service(name) and name not in readers])]
    if services:
        notes += _packet_notes(packets)
    for words in [*found.values()][:1]:
        words.notes[:0] = notes
    return found


def says(triples: bytes) -> bool:
    """Return whether cc_data holds anything but padding."""
    return any(byte & 0x7F for at in range(0, len(triples), TRIPLE) for byte in triples[at + 1 : at + TRIPLE])


def track_words(packets: Sequence[tuple[Fraction, bytes]], name: str) -> Words:
    """Return the words of captions in a track of their own: those of its first channel that says anything.

    Args:
        packets: Times, seconds, in order, and cc_data.
        name: Of the stream, for notes.
    """
    found = caption_words(packets, CHANNELS)
    speaking = [channel for channel, words in found.items() if words.found] or [CHANNELS[0]]
    words = found[speaking[0]]
    words.notes = [note for one in found.values() for note in one.notes]
    if speaking[1:]:
        why = f"a stream of captions becomes one track, of {speaking[0]}"
        words.notes.append(Note(kind="dropped", what=f"{name}: {', '.join(speaking[1:])}", why=why))
    return words


def _notes(pairs: Pairs, others: Sequence[str]) -> Iterator[Note]:
    if pairs.wrong:
        what = f"captions: {counted(pairs.wrong, 'byte')} with wrong parity"
        yield Note(kind="damaged", what=what, why="they are read as they are")
    if others:
        why = f"no track was planned for them: --caption-tracks {','.join(others)} makes some"
        yield Note(kind="info", what=f"captions {', '.join(others)}", why=why)


def _packet_notes(packets: Packets) -> Iterator[Note]:
    if packets.cut_off:
        what = f"captions: {counted(packets.cut_off, 'packet')} of CEA-708 cut off"
        yield Note(kind="damaged", what=what, why="what there is of them is read")
    if packets.missing:
        missing = f"captions: {counted(packets.missing, 'packet')} of CEA-708 missing"
        yield Note(kind="info", what=missing, why="their numbers jump: packets were lost, or the film was cut there")


@dataclass
class _Reader:
    """Collects the cues of one channel."""

    words: Words = field(default_factory=Words)
    _now: Fraction = Fraction(0)
    _start: Fraction = Fraction(0)
    """Since when the screen shows what it shows."""
    _touched: Fraction = Fraction(0)
    """When it last changed."""
    _fresh: bool = True
    """Whether it was replaced, and no character came since."""
    _states: int = 0
    """How often the screen showed something else."""

    def __post_init__(self) -> None:
        self._screen = Screen(self._changes)

    def feed(self, time: Fraction, first: int, second: int) -> None:
        self._now = time
        self._screen.feed(first, second)

    def _changes(self, replaced: bool) -> None:
        """Take note of what is shown until now, where this is the end of it."""
        if replaced or self._now - self._touched > PAUSE or (self._fresh and not self._screen.rows()):
            self._show(self._now)
            self._start = self._now
        self._touched, self._fresh = self._now, replaced

    def _show(self, end: Fraction | None) -> None:
        if end == self._start or self._states > CUES:
            return  # nobody saw it: pairs of one picture; or these are no words
        self._states += 1
        for group in _blocks(self._screen.rows()):
            self._add(group, end)
            self.words.lost.update(self._screen.lost)
            self._screen.lost.clear()

    def _add(self, rows: Sequence[Row], end: Fraction | None) -> None:
        text = cue_text(row_spans((row.cells for row in rows), _style))
        settings = _settings(rows, beside=self._screen.rolling)
        for number, cue in enumerate(self.words.cues[-3:], start=max(0, len(self.words.cues) - 3)):
            if cue.end == self._start and (cue.text, cue.settings) == (text, settings):  # it rolled up, no word changed
                self.words.cues[number] = SourceCue(cue.start, end, text, settings)
                return
        self.words.found += 1
        self.words.cues.append(SourceCue(self._start, end, text, settings))

    def finish(self, until: Fraction | None, name: str) -> Words:
        """Return all cues."""
        self._show(until)
        words = self.words
        if self._states > CUES or len(words.cues) > CUES:
            words.cues = []
            why = f"the screen changes more than {CUES} times"
            words.leave_out(words.found, Note(kind="dropped", what=f"{name}: all of its {words.found} cues", why=why))
        return words


def _blocks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield rows that follow each other, which are one cue."""
    for _, group in groupby(enumerate(rows), lambda item: item[1].number - item[0]):
        yield [row for _, row in group]


def _style(pen: Pen) -> Style:
    colour = {"green": _GREEN, "white": None}.get(pen.colour, pen.colour)
    return Style(italic=pen.italic, underline=pen.underline, colour=colour)


def _settings(rows: Sequence[Row], *, beside: bool) -> str:
    """Return where rows stand: at the bottom, in the middle or at the top, and centred or from a column on.

    Args:
        rows: From the top.
        beside: Whether they begin at their column, however long they are, as they do where rows roll up.
    """
    left, right = min(row.column for row in rows), COLUMNS - max(row.stop for row in rows)
    return settings_at(rows[0].number, rows[-1].number, left, right, beside=beside)
