"""Cues as WebVTT text, whole and in segments (W3C WebVTT; RFC 8216, 3.5). Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction

from streamify.manifests.chapters import vtt_time
from streamify.model.cue import Cue

MAP = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000"
"""Of every segment: cue times count from the start of the stream, where pictures have time 0."""

_TIMES = re.compile(r"(\d{2,}):(\d\d):(\d\d)\.(\d{3}) --> (\d{2,}):(\d\d):(\d\d)\.(\d{3})(?: (.*))?")


def whole(cues: Iterable[Cue]) -> str:
    """Return a file of all cues."""
    return "\n".join(("WEBVTT\n", *map(_block, cues)))


def segment(cues: Iterable[Cue]) -> str:
    """Return a segment of an HLS stream: each cue with its whole time, wherever the segment begins."""
    return "\n".join((f"WEBVTT\n{MAP}\n", *map(_block, cues)))


def _block(cue: Cue) -> str:
    times = f"{vtt_time(Fraction(cue.start, 1000))} --> {vtt_time(Fraction(cue.end, 1000))}"
    return f"{cue.number}\n{times}{' ' + cue.settings if cue.settings else ''}\n{cue.text}\n"


def read_back(text: str) -> Iterator[Cue]:
    """Yield the cues of a file that `whole` or `segment` wrote.

    Raises:
        ValueError: It is not one of theirs.
    """
    head, *blocks = text.removesuffix("\n").split("\n\n")
    if head not in ("WEBVTT", f"WEBVTT\n{MAP}"):
        raise ValueError("it does not begin like one of our files")
    for block in blocks:
        if not block.strip():
            continue
        number, times, *words = block.split("\n")
        found = _TIMES.fullmatch(times)
        if found is None or not number.isdecimal() or not words:
            raise ValueError(f"a cue is damaged: {block[:60]!r}")
        parts = [int(part) for part in found.groups()[:8]]
        start, end = (((h * 60 + m) * 60 + s) * 1000 + ms for h, m, s, ms in (parts[:4], parts[4:]))
        yield Cue(int(number), start, end, "\n".join(words), found[9] or "")
