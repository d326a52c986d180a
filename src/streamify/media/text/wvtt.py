"""Samples of ``wvtt``, WebVTT in MP4 (ISO/IEC 14496-30, 6), as cues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

from streamify.errors import counted
from streamify.media.text.encoding import Decoded
from streamify.media.text.read import Words, encoding_notes, places
from streamify.media.text.vtt import read_vtt
from streamify.model.cue import CUE_BYTES, CUES, SourceCue
from streamify.model.source import Note
from streamify.mp4.boxes import boxes, well_formed

_Key = tuple[bytes, ...]


def vtt_words(samples: Iterable[tuple[Fraction, Fraction | None, bytes]], name: str) -> Words:
    """Return the words of a track.

    A sample holds all cues that are shown during its time, so that a cue is in several samples side by side: it is
    counted once. Which are the same is told by ``vsid``, or else by what they say.

    Args:
        samples: Start and end of each, seconds, and its bytes.
        name: Of the stream, for notes.
    """
    words, active, until = Words(), dict[_Key, list[int | None]](), Fraction(-1)
    empty = long = wrong = 0
    damaged = []
    for start, stop, data in samples:
        before, active = (active if until == start else {}), {}
        until = stop if stop is not None else start
        try:
            held = [*_cues(data)]
        except ValueError:
            damaged.append(f"{float(start):.3f} s")
            continue
        for key, settings, payload in held:
            ones, place = before.get(key, []), None
            if ones:
                place = ones.pop(0)
                if place is not None:
                    words.cues[place] = replace(words.cues[place], end=stop)
            else:
                words.found += 1
                text = payload.decode("utf-8", "replace")
                wrong += text.count("\ufffd") - payload.count("\ufffd".encode())
                found = read_vtt(text, settings.decode("utf-8", "replace"))
                words.styled(found)
                long += len(payload) > CUE_BYTES
                empty += not found.text and len(payload) <= CUE_BYTES
                if found.text and len(payload) <= CUE_BYTES and len(words.cues) <= CUES:
                    place = len(words.cues)
                    words.cues.append(SourceCue(start, stop, found.text, found.settings))
            active.setdefault(key, []).append(place)
    if len(words.cues) > CUES:
        what, why = f"{name}: all of its {words.found} cues", f"a track has at most {CUES}"
        words.cues = []
        words.leave_out(words.found, Note(kind="dropped", what=what, why=why))
        return words
    words.leave_out(empty, Note(kind="dropped", what=f"{name}: {counted(empty, 'cue')}", why="they hold no words"))
    why = f"each has more than {CUE_BYTES} bytes"
    words.leave_out(long, Note(kind="dropped", what=f"{name}: {counted(long, 'cue')}", why=why))
    words.notes += encoding_notes(Decoded("", "utf-8", certain=True, damaged=wrong), name)
    if damaged:
        what = f"{name}: {counted(len(damaged), 'sample')}, at {places(damaged)}"
        words.notes.append(Note(kind="damaged", what=what, why="their boxes cannot be read"))
    return words


def _cues(sample: bytes) -> Iterator[tuple[_Key, bytes, bytes]]:
    """Yield what tells each cue of a sample from others, its settings and its text.

    Raises:
        BoxError: The boxes are damaged.
    """
    with well_formed():
        for one in boxes(sample):
            if one.kind != b"vttc":  # vtte says that nothing is shown, vtta holds comments
                continue
            parts = {part.kind: sample[part.body : part.end] for part in boxes(sample, one.body, one.end)}
            key = tuple(parts.get(kind, b"") for kind in (b"vsid", b"iden", b"sttg", b"payl"))
            yield key, parts.get(b"sttg", b""), parts.get(b"payl", b"")
