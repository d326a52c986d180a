"""Words of ``stpp`` and ``wvtt``, for which FFmpeg has no decoder, read in a plainer way than ours: what is said, and
in ``wvtt`` when it begins."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from io import BytesIO
from typing import BinaryIO

from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, read_packets
from streamify.media.text.xml import DEPTH
from streamify.model.cue import CUE_BYTES, Cue
from streamify.model.track import TextTrack

_TAGS = re.compile(r"<[^>]*>")
_BLANKS = re.compile(r"\s+")
_END = re.compile(rb"</(?:[\w.-]+:)?tt\s*>")
_RUBY = "{http://www.w3.org/ns/ttml#styling}ruby"


def witnessed_samples(
    open_source: Callable[[], BinaryIO], track: TextTrack, cues: Sequence[Cue], left_out: int
) -> Iterator[str]:
    """Yield where the cues of a track are not those of the samples of its stream.

    Args:
        open_source: Opens the source.
        track: Of words.
        cues: Of the stream that was made.
        left_out: Cues of the source that are named as not kept.
    """
    ours = dict[str, int]()
    for cue in cues:
        ours.setdefault(_bare(html.unescape(_TAGS.sub("", cue.text))), cue.start)
    theirs = _said(open_source, track, max((cue.end for cue in cues), default=0))
    missing = [text for text in theirs if text not in ours and not any(part in text for part in ours if part)]
    for text in missing[left_out:][:10]:
        yield f"the source says {text[:40]!r}, the stream does not"
    joined = "\n".join(theirs)
    for text, start in [*ours.items()]:
        if text not in theirs and text not in joined:
            yield f"the stream says {text[:40]!r} at {start / 1000:.3f} s, the source does not"
        elif theirs.get(text) not in (None, start):
            yield f"the source says {text[:40]!r} from {(theirs[text] or 0) / 1000:.3f} s on, not {start / 1000:.3f} s"


def _said(open_source: Callable[[], BinaryIO], track: TextTrack, last: int) -> Mapping[str, int | None]:
    """Return what the samples say, with when it begins, milliseconds; ``None``: the sample does not tell."""
    found = dict[str, int | None]()
    with open_source() as file, open_media(file) as container:
        stream = container.streams[track.recipe.stream or 0]
        keep_only(container, stream)
        try:
            for packet in read_packets(container, stream):
                if not packet.size or packet.pts is None or packet.time_base is None:
                    continue
                start = round((packet.pts * packet.time_base - track.recipe.origin) * 1000)
                stop = start + round((packet.duration or 0) * packet.time_base * Fraction(1000))
                if start >= last or stop <= 0:
                    continue
                if track.recipe.codec == "wvtt":
                    for text in _payloads(bytes(packet)):
                        found.setdefault(text, max(0, start))
                else:
                    found.update(dict.fromkeys(_paragraphs(bytes(packet))))
        except UnreadableError:
            pass
    return found


def _payloads(sample: bytes) -> Iterator[str]:
    """Yield the texts of a sample of ``wvtt``: each follows the four letters ``payl``, with its size before."""
    for found in re.finditer(rb"payl", sample):
        size = int.from_bytes(sample[found.start() - 4 : found.start()], "big") - 8
        if 0 < size <= CUE_BYTES:
            text = _TAGS.sub("", sample[found.end() : found.end() + size].decode("utf-8", "replace"))
            yield from filter(None, [_bare(html.unescape(text))])


def _paragraphs(sample: bytes) -> Iterator[str]:
    """Yield the texts of the paragraphs of a document, as far as it can be read."""
    ends = [found.end() for found in _END.finditer(sample)]
    data = sample[: ends[-1]] if ends else sample
    if b"<!ENTITY" in data:
        return
    depth = 0
    with suppress(ET.ParseError):  # no entities, and expat limits what they could become
        for event, one in ET.iterparse(BytesIO(data), ("start", "end")):  # noqa: S314
            depth += 1 if event == "start" else -1
            if depth > DEPTH:
                return
            if event == "end" and one.tag.rpartition("}")[2] == "p":
                text = _bare("".join(_words(one)))
                if 0 < len(text) <= CUE_BYTES:
                    yield text


def _words(element: ET.Element) -> Iterator[str]:
    if element.tag.rpartition("}")[2] in ("p", "span", "br") and element.get(_RUBY) != "delimiter":
        yield element.text or ""
        for child in element:
            yield from _words(child)
            yield child.tail or ""


def _bare(text: str) -> str:
    return _BLANKS.sub("", text).replace("\u00a0", "")
