"""When words of a stream are said by FFmpeg's own decoders: held against the times at which text was drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import BinaryIO, cast

from av.subtitles.stream import SubtitleStream

from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, read_packets
from streamify.media.text.witness import decoded_text
from streamify.model.cue import CUE_BYTES

Span = tuple[Fraction, Fraction]
"""Seconds on the clock of the source."""
NEAR = Fraction(1, 20)
"""Seconds by which spans may differ: some containers round times."""


def unlike(open_source: Callable[[], BinaryIO], stream: int, drawn: Iterable[Span], film: Span) -> Iterator[str]:
    """Yield when words are said and nothing is drawn, and the other way round.

    Args:
        open_source: Opens the source.
        stream: Index of the stream, for which FFmpeg has a decoder.
        drawn: When something is drawn.
        film: Begin and end of the stream that was made.
    """
    said, ours = joined(_said(open_source, stream, film[1]), film), joined(drawn, film)
    for start, end in _without(said, ours):
        yield f"the source says something from {float(start):.3f} to {float(end):.3f} s of its clock, nothing is drawn"
    for start, end in _without(ours, said):
        yield f"something is drawn from {float(start):.3f} to {float(end):.3f} s, at which the source says nothing"


def joined(spans: Iterable[Span], film: Span) -> list[Span]:
    """Return spans inside of a film, in order; those that touch or overlap are one."""
    found: list[Span] = []
    for start, end in sorted((max(start, film[0]), min(end, film[1])) for start, end in spans):
        if end <= start:
            continue
        if found and start <= found[-1][1] + NEAR:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _without(ones: list[Span], others: list[Span]) -> Iterator[Span]:
    """Yield what of spans no other covers, as far as it is longer than `NEAR`."""
    rest = iter([*others, (Fraction(10**9), Fraction(10**9))])
    other = next(rest)
    for start, end in ones:
        while other[1] <= start:
            other = next(rest)
        while start < end:
            if other[0] - start > NEAR:
                yield start, min(end, other[0])
            if other[1] >= end:
                break
            start = max(start, other[1])
            if end - start <= NEAR:
                break
            other = next(rest)


def _said(open_source: Callable[[], BinaryIO], stream: int, last: Fraction) -> Iterator[Span]:
    with open_source() as file, open_media(file) as container:
        one = cast("SubtitleStream", container.streams[stream])
        keep_only(container, one)
        held: Fraction | None = None
        try:
            for packet in read_packets(container, one):
                if not 0 < packet.size <= CUE_BYTES or packet.pts is None or packet.time_base is None:
                    continue
                start = packet.pts * packet.time_base
                if held is not None:  # nothing said when it ends: with the next
                    yield held, start
                    held = None
                if decoded_text(packet):
                    if packet.duration:
                        yield start, start + packet.duration * packet.time_base
                    else:
                        held = start
        except UnreadableError:
            return
        if held is not None:
            yield held, last
