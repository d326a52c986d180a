"""What readers of words return, whatever the words come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from streamify.errors import counted
from streamify.media.text.ass import AssText
from streamify.media.text.encoding import Decoded
from streamify.model.cue import SourceCue
from streamify.model.source import Note

NAMED = 5
"""Places that a note names; the rest are counted."""


@dataclass
class Words:
    """Cues of one stream or file, in the order in which it has them."""

    cues: list[SourceCue] = field(default_factory=list)
    found: int = 0
    """Cues that are there, read or not: packets that are not empty, or lines of times."""
    left_out: int = 0
    """Of these, how many are not in `cues`."""
    split: int = 0
    """Cues beyond one a packet."""
    triples: int | None = None
    """Triples of cc_data that they were read from, where they are captions."""
    notes: list[Note] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    """Kinds of styling that are not kept, with the number of cues that had them."""

    def leave_out(self, count: int, note: Note) -> None:
        """Take note of cues that cannot be kept, if there are any."""
        if count:
            self.left_out += count
            self.notes.append(note)

    def styled(self, found: AssText) -> None:
        """Take note of what of a cue's styling is not kept."""
        self.lost.update(found.lost)

    def all_notes(self, name: str) -> Iterator[Note]:
        """Yield what is to be said, with one line for all styling."""
        yield from self.notes
        if self.lost:
            kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(self.lost.items())[:12])
            yield Note(kind="converted", what=f"{name}: styling without {kinds}", why="WebVTT has nothing like it")


def places(items: Iterable[object]) -> str:
    """Return places for people, the first ones by name."""
    found = [str(item) for item in items]
    return ", ".join(found[:NAMED]) + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")


def encoding_notes(decoded: Decoded, name: str) -> Iterator[Note]:
    """Yield what is to be said of how a text was read."""
    if not decoded.certain:
        yield Note(kind="converted", what=f"{name}: read as {decoded.encoding}", why="it is not UTF-8")
    if decoded.damaged:
        why = f"{decoded.encoding} has no such bytes"
        yield Note(kind="damaged", what=f"{name}: {counted(decoded.damaged, 'character')}", why=why)
