"""Samples of 3GPP timed text (``tx3g``, FFmpeg's mov_text; 3GPP TS 26.245, 5.17) as WebVTT cue text."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from streamify.media.text.ass import AssText
from streamify.media.text.place import settings_of
from streamify.media.text.spans import PLAIN, Style, colour_class, cue_text

BOLD, ITALIC, UNDERLINE = 1, 2, 4
"""Of face-style-flags (5.17.1.1)."""

_KNOWN = frozenset({b"styl"})


class TimedText:
    """Reads samples of a track.

    Args:
        entry: The sample entry as FFmpeg hands it on, from its display flags on (5.16); may be empty.
    """

    def __init__(self, entry: bytes = b"") -> None:
        self._style, self._settings = PLAIN, ""
        if len(entry) >= 30:
            # Flags (4), justification (2), background (4), box (8); then start, end, font, face, size, colour.
            sideways, upright = struct.unpack_from(">bb", entry, 4)
            self._style = _style(entry[18 + 6], entry[18 + 8 : 18 + 12])
            row = {0: 2, 1: 1}.get(upright, 0)
            column = {0: 0, -1: 2}.get(sideways, 1)
            # Most writers say "left at the bottom" of a box that they centre: only what is at the top is believed.
            self._settings = settings_of(row * 3 + 2) if upright == 0 and column == 1 else ""

    def read(self, sample: bytes) -> AssText:
        """Return the words of a sample; empty: nothing is shown."""
        if len(sample) < 2:
            return AssText("", "", frozenset())
        (length,) = struct.unpack_from(">H", sample)
        raw = sample[2 : 2 + length]
        wide = raw[:2] in (b"\xfe\xff", b"\xff\xfe")
        text = raw.decode("utf-16" if wide else "utf-8", "replace")
        runs, lost = list[tuple[int, int, Style]](), set[str]()
        for kind, body in _boxes(sample[2 + length :]):
            if kind == b"styl":
                runs += _runs(body)
            elif kind not in _KNOWN:
                lost.add(kind.decode("latin-1").strip())
        return AssText(cue_text(self._spans(text, runs)), self._settings, frozenset(lost))

    def _spans(self, text: str, runs: list[tuple[int, int, Style]]) -> Iterator[tuple[str, Style]]:
        at = 0
        for first, stop, style in sorted(runs, key=lambda run: run[0]):
            if at <= first < stop:
                yield text[at:first], self._style
                yield text[first:stop], style
                at = stop
        yield text[at:], self._style


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            return
        yield kind, data[at + 8 : at + size]
        at += size


def _runs(body: bytes) -> Iterator[tuple[int, int, Style]]:
    count = struct.unpack_from(">H", body)[0] if len(body) >= 2 else 0
    for number in range(min(count, (len(body) - 2) // 12)):
        first, stop, _, face, _, colour = struct.unpack_from(">HHHBB4s", body, 2 + 12 * number)
        yield first, stop, _style(face, colour)


def _style(face: int, colour: bytes) -> Style:
    seen = colour_class(*colour[:3]) if len(colour) == 4 and colour[3] else None
    return Style(bool(face & BOLD), bool(face & ITALIC), bool(face & UNDERLINE), seen)
