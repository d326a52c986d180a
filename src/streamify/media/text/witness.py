"""Words of a source, read by FFmpeg's own decoders: the other way, by which `verify --source` judges ours."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, cast

from av.packet import Packet
from av.subtitles.stream import SubtitleStream

from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, decode_text, read_packets
from streamify.media.text.packets import ENTRIES
from streamify.media.text.teletext import witnessed_teletext
from streamify.media.text.witness_mp4 import witnessed_samples
from streamify.model.cue import CUE_BYTES, Cue
from streamify.model.track import TextTrack

_TAGS = re.compile(r"<[^>]*>")
"""Of WebVTT."""
_OVERRIDES = re.compile(r"\{\\[^}]*\}")
"""Of ASS, into which FFmpeg's decoders turn all marks."""
_COMMENTS = re.compile(r"\{[^}]*\}")
"""Of ASS itself, overrides included; in words of other codecs braces are characters."""
_DRAWINGS = re.compile(r"\{[^}]*\\p[1-9][^}]*\}.*?(?=\{[^}]*\\p0|$)", re.DOTALL)
"""Of ASS: what an override begins that sets ``\\p`` to a scale, to the one that sets it to 0."""
_BLANKS = re.compile(r"\s+|\\[Nnh]")

Said = tuple[int, str]
"""When something is said, milliseconds, and the words without blanks and marks."""


def witnessed(
    open_source: Callable[[], BinaryIO], track: TextTrack, cues: Sequence[Cue], left_out: int = 0
) -> Iterator[str]:
    """Yield where the cues of a track are not those that FFmpeg decodes of its stream.

    Args:
        open_source: Opens the source.
        track: Of words.
        cues: Of the stream that was made.
        left_out: Cues of the source that are named as not kept.
    """
    if track.recipe.page:
        told = ((cue.start, html.unescape(_TAGS.sub("", cue.text))) for cue in cues if cue.start > 0)
        yield from witnessed_teletext(open_source, track.recipe.stream or 0, track.recipe.origin, told)
        return
    if track.recipe.codec in ENTRIES:
        yield from witnessed_samples(open_source, track, cues, left_out)
        return
    ours = Counter((cue.start, _bare(html.unescape(_TAGS.sub("", cue.text)))) for cue in cues)
    last = max((cue.end for cue in cues), default=0)
    theirs = Counter(_decoded(open_source, track, last))
    for (start, text), count in sorted((theirs - ours).items())[:10]:
        yield f"the source says {text[:40]!r} at {start / 1000:.3f} s, the stream does not ({count})"
    for (start, text), count in sorted((ours - theirs).items())[:10]:
        yield f"the stream says {text[:40]!r} at {start / 1000:.3f} s, the source does not ({count})"


def _decoded(open_source: Callable[[], BinaryIO], track: TextTrack, last: int) -> Iterator[Said]:
    with open_source() as file, open_media(file) as container:
        stream = cast("SubtitleStream", container.streams[track.recipe.stream or 0])
        keep_only(container, stream)
        try:
            for packet in read_packets(container, stream):
                if 0 < packet.size <= CUE_BYTES and packet.pts is not None and packet.time_base is not None:
                    start = round((packet.pts * packet.time_base - track.recipe.origin) * 1000)
                    length = (packet.duration or 0) * packet.time_base * 1000
                    text = decoded_text(packet)
                    if text and start < last and (start + length > 0 or not length):
                        yield max(0, start), text
        except UnreadableError:
            return


def decoded_text(packet: Packet[SubtitleStream]) -> str:
    """Return the words of a packet as FFmpeg decodes it, without blanks and marks."""
    marks = _COMMENTS if packet.stream.codec_context.name in ("ass", "ssa") else _OVERRIDES
    lines = (bytes(line.dialogue).decode("utf-8", "replace") for line in decode_text(packet))
    return _bare("".join(marks.sub("", _DRAWINGS.sub("", line)) for line in lines))


def _bare(text: str) -> str:
    return _BLANKS.sub("", text).replace("\u00a0", "")
