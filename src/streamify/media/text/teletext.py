"""Pages of teletext as cues: each is shown until it is replaced or erased."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import Any, BinaryIO

from av.packet import Packet

from streamify.bitstream.teletext import Page, TeletextReader
from streamify.errors import counted
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, read_packets
from streamify.media.text.place import settings_of
from streamify.media.text.read import Words
from streamify.media.text.spans import PLAIN, Style, cue_text
from streamify.model.cue import CUES, SourceCue
from streamify.model.source import Note

CODEC = "dvb_teletext"
"""FFmpeg's name."""
_COLOURS = ("black", "red", "lime", "yellow", "blue", "magenta", "cyan", None)
_PLAIN = bytes(int(f"{byte:08b}"[::-1], 2) & 0x7F for byte in range(256))
_NEAR = 1
"""Seconds by which rows may come before or after the header of their page."""
_WORD = re.compile("[A-Za-z]{3,}")
_FROM_TOP, _FROM_BOTTOM = 8, 16
"""Rows up to which words stand at the top, and behind which they stand at the bottom."""


def read_teletext(open_source: Callable[[], BinaryIO], stream: int, names: Mapping[str, str]) -> dict[str, Words]:
    """Return the cues of pages of a stream, by their numbers.

    Args:
        open_source: Opens the source.
        stream: Index of the stream.
        names: Of the pages, for notes.
    """
    reader, words = TeletextReader(names), {page: Words() for page in names}
    shown: dict[str, SourceCue | None] = {}
    untimed, damage = 0, None

    def take(pages: Iterable[Page]) -> None:
        for page in pages:
            found = words[page.number]
            text, settings = _text(page), _place(page)
            before = shown.get(page.number)
            if before is not None and (before.text, before.settings) == (text, settings):
                continue
            if before is not None and found.cues:
                found.cues[-1] = SourceCue(before.start, page.at, before.text, before.settings)
            shown[page.number] = None
            if text and found.found <= CUES:
                found.found += 1
                found.cues.append(SourceCue(page.at, None, text, settings))
                shown[page.number] = found.cues[-1]

    try:
        for at, data in _packets(open_source, stream):
            if at is None:
                untimed += 1
            else:
                take(reader.read(data, at))
    except UnreadableError as error:
        damage = error.message
    take(reader.finish())
    for page, found in words.items():
        _account(found, names[page], reader.damaged, untimed, damage)
    return words


def _account(found: Words, name: str, wrong: int, untimed: int, damage: str | None) -> None:
    """Take note of what was met."""
    if found.found > CUES:
        found.cues = []
        note = Note(kind="dropped", what=f"{name}: all of its cues", why=f"a track has at most {CUES}")
        found.leave_out(found.found, note)
    if wrong:
        what = f"{name}: {counted(wrong, 'byte')} of its stream"
        found.notes.append(Note(kind="damaged", what=what, why="their check bits are wrong"))
    if untimed:
        found.notes.append(Note(kind="dropped", what=f"{name}: {counted(untimed, 'packet')}", why="they have no time"))
    if damage is not None:
        found.notes.append(Note(kind="damaged", what=f"{name}: not read to its end", why=damage))


def _packets(open_source: Callable[[], BinaryIO], stream: int) -> Iterator[tuple[Fraction | None, bytes]]:
    with open_source() as file, open_media(file) as container:
        one = container.streams[stream]
        keep_only(container, one)
        for packet in read_packets(container, one):
            if packet.size:
                yield _time(packet), bytes(packet)


def _time(packet: Packet[Any]) -> Fraction | None:
    return packet.pts * packet.time_base if packet.pts is not None and packet.time_base is not None else None


def _text(page: Page) -> str:
    spans: list[tuple[str, Style]] = []
    for number, (_, parts) in enumerate(page.rows):
        text = "".join(char for char, _ in parts)
        start, stop = len(text) - len(text.lstrip()), len(text.rstrip())
        line = [(char, Style(colour=_COLOURS[colour])) for char, colour in parts[start:stop]]
        kept = [one for at, one in enumerate(line) if at == 0 or one[0] != " " or line[at - 1][0] != " "]
        spans += [("\n", PLAIN)] * (number > 0) + kept
    return cue_text(spans)


def _place(page: Page) -> str:
    rows = [row for row, _ in page.rows]
    if not rows or max(rows) > _FROM_BOTTOM:
        return ""
    return settings_of(8 if max(rows) <= _FROM_TOP else 5)


def witnessed_teletext(
    open_source: Callable[[], BinaryIO], stream: int, origin: Fraction, cues: Iterable[tuple[int, str]]
) -> Iterator[str]:
    """Yield where words of cues are in no packet of the stream at about their time, read without pages and check bits.

    Args:
        open_source: Opens the source.
        stream: Index of the stream.
        origin: When the stream that was made begins on the clock of the source, seconds.
        cues: Start, milliseconds, and words of each.
    """
    waiting = [(origin + Fraction(start, 1000), start, set(_WORD.findall(text))) for start, text in sorted(cues)]
    waiting.reverse()
    near: list[tuple[Fraction, int, set[str]]] = []
    for at, data in chain(_packets(open_source, stream), ((waiting[0][0] + 9, b""),) if waiting else ()):
        if at is None:
            continue
        while waiting and waiting[-1][0] <= at + _NEAR:
            near.append(waiting.pop())
        row = data.translate(_PLAIN).decode("ascii")
        for _, _, words in near:
            words -= {word for word in words if word in row}
        while near and near[0][0] < at - _NEAR:
            _, start, lost = near.pop(0)
            if lost:
                yield f"the stream says {min(lost)!r} at {start / 1000:.3f} s, the source does not"
