"""Captions inside the pictures as FFmpeg's ``cc_dec`` reads them: what is said, of a plain pass over the source."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from heapq import heappop, heappush
from typing import BinaryIO, cast

from av.codec.context import CodecContext
from av.packet import Packet
from av.subtitles.codeccontext import SubtitleCodecContext

from streamify.bitstream.captions import ESCAPED, cc_data
from streamify.bitstream.line21 import Pairs
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, decode_text, read_packets
from streamify.media.text.captions import says
from streamify.model.caption import CHANNELS
from streamify.model.cue import Cue
from streamify.model.track import TextTrack

_TAGS = re.compile(r"<[^>]*>")
_OVERRIDES = re.compile(r"\{[^}]*\}")
_LINES = re.compile(r"\n|\\N")
_BLANKS = re.compile(r"\s+|\\[nh]|\u00a0")
_ALIKE = str.maketrans({
    "\u00b4": "'", "\u2018": "'", "\u2019": "'", "\u2014": "-", "\u00b7": "\u2022", "\u00a6": "\u2502", "{": None,
    "}": None,
})  # fmt: skip
"""Characters that ``cc_dec`` takes for others of those that look like them, and braces, which it does not escape."""
_JUMP = 10
"""Seconds between packets in a row that are a jump of the clock."""
HELD = 64
"""Packets that say something that are kept until they are in the order of pictures."""
_ERASE = (0x14, 0x2C)
"""Erases the screen: what was on it comes out of the decoder."""


def witnessed_captions(
    open_source: Callable[[], BinaryIO], track: TextTrack, carrier: int, cues: Sequence[Cue]
) -> Iterator[str]:
    """Yield lines of the source that no cue has, and lines of cues that the source does not say.

    Args:
        open_source: Opens the source.
        track: Of captions.
        carrier: Index of the stream of pictures, or of captions.
        cues: Of the track.
    """
    ours = dict[str, int]()
    for cue in cues:
        for line in cue.text.split("\n"):
            ours.setdefault(_bare(html.unescape(_TAGS.sub("", line))), cue.start)
    origin, last = track.recipe.origin, max((cue.end for cue in cues), default=0)
    theirs = dict[str, Fraction]()
    inside = dict[str, Fraction]()
    channel = track.recipe.channel
    for time, line in _said(open_source, CHANNELS if channel is None else (channel,), carrier):
        theirs.setdefault(line, time)
        if 0 < (time - origin) * 1000 <= last:
            inside.setdefault(line, time)
    for line, time in [(line, time) for line, time in inside.items() if line not in ours][:10]:
        yield f"the source says {line[:40]!r} until {float(time - origin):.3f} s, the stream does not"
    joined = "\n".join(theirs)  # a line that comes in words is shown word by word
    for line, start in [(line, start) for line, start in ours.items() if line not in joined][:10]:
        yield f"the stream says {line[:40]!r} at {start / 1000:.3f} s, the source does not"


def _said(open_source: Callable[[], BinaryIO], channels: Sequence[str], carrier: int) -> Sequence[tuple[Fraction, str]]:
    """Return the lines of the first channel that has some, with the times until which they are shown.

    These are seconds on the clock of the source.
    """
    decoders = {name: cast("SubtitleCodecContext", CodecContext.create("cc_dec", "r")) for name in channels}
    found: dict[str, list[tuple[Fraction, str]]] = {name: [] for name in channels}
    pairs, time = Pairs(), Fraction(0)
    for time, triples in in_order(_carried(open_source, carrier)):
        for name, first, second in pairs.of(time, triples):
            if name in decoders:
                found[name].extend((time, line) for line in _lines(decoders[name], first, second))
    for name, decoder in decoders.items():
        found[name].extend((time, line) for line in _lines(decoder, *_ERASE))
    return next(filter(None, found.values()), [])


def _carried(open_source: Callable[[], BinaryIO], carrier: int) -> Iterator[tuple[Fraction, bytes]]:
    """Yield times of packets, seconds, with their triples, in the order of decoding."""
    with open_source() as file, open_media(file) as container:
        stream = container.streams[carrier]
        keep_only(container, stream)
        escaped, time = stream.codec_context.name in ESCAPED, Fraction(0)
        try:
            for packet in read_packets(container, stream):
                if packet.pts is not None and packet.time_base is not None:
                    time = packet.pts * packet.time_base
                data = bytes(packet)
                yield time, data if stream.type == "subtitle" else cc_data(data, escaped=escaped)
        except UnreadableError:
            return


def in_order(packets: Iterable[tuple[Fraction, bytes]]) -> Iterator[tuple[Fraction, bytes]]:
    """Yield packets in the order of pictures, anew where the clock jumps.

    Those that hold padding alone are left out, but for the last time.

    Args:
        packets: Times, seconds, and triples, in the order of decoding; few are kept at a time.
    """
    held, before = list[tuple[Fraction, int, bytes]](), Fraction(0)
    for number, (time, triples) in enumerate(packets):
        if abs(time - before) > _JUMP:
            yield from _emptied(held, 0)
        before = time
        if says(triples):
            heappush(held, (time, number, triples))
            yield from _emptied(held, HELD)
    yield from _emptied(held, 0)
    yield before, b""


def _emptied(held: list[tuple[Fraction, int, bytes]], left: int) -> Iterator[tuple[Fraction, bytes]]:
    """Yield the first of what is kept, until so many are left."""
    while len(held) > left:
        time, _, triples = heappop(held)
        yield time, triples


def _lines(decoder: SubtitleCodecContext, first: int, second: int) -> Iterator[str]:
    for pair in ((first, second), (0, 0)):  # it takes a code that comes again for a repetition
        packet = Packet(bytes((0xFC, _odd(pair[0]), _odd(pair[1]))))
        for rect in decode_text(packet, decoder):
            text = _OVERRIDES.sub("", bytes(rect.dialogue).decode("utf-8", "replace"))
            yield from filter(None, map(_bare, _LINES.split(text)))


def _odd(value: int) -> int:
    return value | (0x80 if value.bit_count() % 2 == 0 else 0)


def _bare(text: str) -> str:
    return _BLANKS.sub("", text).translate(_ALIKE)
