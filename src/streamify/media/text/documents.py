"""TTML as words: of a file, which is one document, and of ``stpp`` in MP4, where each sample is one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby

from streamify.errors import counted
from streamify.media.text.encoding import Decoded, decode
from streamify.media.text.read import Words, encoding_notes, places
from streamify.media.text.ttml import Document, read_ttml
from streamify.media.text.ttml_paragraph import Shown
from streamify.media.text.xml import root_of
from streamify.model.cue import CUE_BYTES, CUES, SourceCue
from streamify.model.source import Note

_END = re.compile(rb"</(?:[\w.-]+:)?tt\s*>")
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def is_ttml(text: str) -> bool:
    """Return whether a text is a document of TTML, by its root element."""
    return "<" in text[:100] and root_of(text.lstrip("\ufeff \t\n")) == "tt"


def decode_xml(data: bytes, hint: str = "") -> Decoded:
    """Return the text of a document, whose declaration names its encoding (XML 1.0, 4.3.3); see `decode`."""
    declared = _DECLARED.match(data.lstrip()[:300])
    named = declared[1].decode("ascii").lower() if declared is not None else ""
    found = decode(data, named if named not in ("", "utf-8", "utf-16") else hint)
    return found if found.encoding != named else Decoded(found.text, found.encoding, True, found.damaged)


def document_words(text: str, name: str) -> Words:
    """Return the words of a document.

    Args:
        text: The document.
        name: Of the file, for notes.
    """
    document = read_ttml(text)
    words = Words(found=document.paragraphs + document.pictures, lost=document.lost)
    if not _refused(words, len(document.shown) + document.beyond, name):
        words.cues = [SourceCue(*one[:4]) for one in document.shown]
        words.split = len(words.cues) - len({one.paragraph for one in document.shown})
        for why, lines in _left_out(document):
            what = f"{name}: {counted(len(lines), 'cue')}, line {places(dict.fromkeys(lines))}"
            words.leave_out(len(lines), Note(kind="dropped", what=what, why=why))
        _name_pictures(words, document.pictures, name)
    if document.broken is not None:
        words.notes.append(Note(kind="damaged", what=f"{name}: not read to its end", why=document.broken))
    return words


def _refused(words: Words, count: int, name: str) -> bool:
    """Return whether there are too many cues, and take note of it."""
    if count <= CUES:
        return False
    why = f"a track has at most {CUES}"
    words.leave_out(words.found, Note(kind="dropped", what=f"{name}: all of its {words.found} cues", why=why))
    return True


def _left_out(document: Document) -> Iterator[tuple[str, Sequence[int]]]:
    yield "their times cannot be read", document.untimed
    yield "they are hidden, or outside of the times of what they are in", document.unseen
    yield f"each has more than {CUE_BYTES} characters", document.long


def _name_pictures(words: Words, count: int, name: str) -> None:
    why = "words as pictures (IMSC image profile) cannot become text"
    words.leave_out(count, Note(kind="dropped", what=f"{name}: {counted(count, 'image')}", why=why))


@dataclass
class _Track:
    """What the samples of a track say so far."""

    cues: list[SourceCue] = field(default_factory=list)
    split: int = 0
    shown: dict[tuple[str, str], tuple[int, Shown]] = field(default_factory=dict)
    """By words and settings the last cue that has them, and what its document says of it."""
    outside: dict[Shown, Fraction] = field(default_factory=dict)
    """What documents say for times outside of their samples, with when those begin."""

    def add(self, said: Iterable[Shown], start: Fraction, stop: Fraction | None) -> bool:
        """Take a paragraph of a sample, which shows nothing outside of its own time (ISO/IEC 14496-30, 5.5).

        Returns:
            Whether it is a cue that was not there before: one over a join is in the samples on both of its sides.
        """
        new = 0
        for one in said:
            begin = max(one.start, start)
            ends = [end for end in (one.end, stop) if end is not None]
            end = min(ends) if ends else None
            if end is not None and end <= begin:
                self.outside.setdefault(one._replace(paragraph=0), start)
                continue
            self.outside.pop(one._replace(paragraph=0), None)
            new += self._put(one, begin, end, start)
        self.split += max(0, new - 1)
        return new > 0

    def _put(self, one: Shown, begin: Fraction, end: Fraction | None, start: Fraction) -> bool:
        index, before = self.shown.get((one.text, one.settings), (-1, None))
        if before is not None:
            cue = self.cues[index]
            same = before[:2] == one[:2]
            if same or (cue.end == begin == start):
                if cue.end is not None and (end is None or end > cue.end):
                    self.cues[index] = SourceCue(cue.start, end, cue.text, cue.settings)
                self.shown[one.text, one.settings] = index, one
                return False
        if len(self.cues) <= CUES:  # what is beyond is only counted
            self.shown[one.text, one.settings] = len(self.cues), one
            self.cues.append(SourceCue(begin, end, one.text, one.settings))
        return True


def sample_words(samples: Iterable[tuple[Fraction, Fraction | None, bytes]], name: str, hint: str = "") -> Words:
    """Return the words of a track of ``stpp`` (ISO/IEC 14496-30, 5): each sample is a document.

    Args:
        samples: Start and end of each, seconds, and its bytes; images can follow the document.
        name: Of the stream, for notes.
        hint: As of `decode`.
    """
    track, words, pictures, wrong = _Track(), Words(), 0, 0
    doubtful: str | None = None
    left_out: dict[str, list[str]] = {}
    broken: dict[str, str] = {}
    for start, stop, data in samples:
        ends = [found.end() for found in _END.finditer(data)]
        decoded = decode_xml(data[: ends[-1]] if ends else data, hint)
        wrong += decoded.damaged
        doubtful = doubtful or (None if decoded.certain else decoded.encoding)
        document = read_ttml(decoded.text)
        at = f"{float(start):.3f} s"
        by_paragraph = groupby(document.shown, key=lambda one: one.paragraph)
        words.found += document.beyond + sum(track.add(said, start, stop) for _, said in by_paragraph)
        words.lost.update(document.lost)
        pictures += document.pictures
        for why, lines in _left_out(document):
            left_out.setdefault(why, []).extend([at] * len(lines))
        if document.broken is not None:
            broken[at] = document.broken
    never = {one: at for one, at in track.outside.items() if (one.text, one.settings) not in track.shown}
    left_out["they are outside of the times of their samples"] = [f"{float(at):.3f} s" for at in never.values()]
    words.found += pictures + sum(map(len, left_out.values()))
    if not _refused(words, len(track.cues), name):
        words.cues, words.split = track.cues, track.split
        for why, times in left_out.items():
            what = f"{name}: {counted(len(times), 'cue')}, in the samples at {places(dict.fromkeys(times))}"
            words.leave_out(len(times), Note(kind="dropped", what=what, why=why))
        _name_pictures(words, pictures, name)
    words.notes += encoding_notes(Decoded("", doubtful or "utf-8", doubtful is None, wrong), name)
    if broken:
        what = f"{name}: {counted(len(broken), 'sample')}, at {places(broken)}"
        words.notes.append(Note(kind="damaged", what=what, why=next(iter(broken.values()))))
    return words
