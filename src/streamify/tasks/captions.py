"""The captions inside the pictures of a stream as words: all its segments are read, and no picture is decoded.

What the screen shows depends on everything before, so the codes of the whole film are read in one go. To collect them
is what takes time: of a long film each part is collected by a task of its own, and whichever finds all parts there
reads them. Several may do so at once, with the same result.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import chain
from zlib import compress, decompressobj, error

from streamify.bitstream.captions import FRAME, TRIPLE, each_frame, line21
from streamify.bitstream.dtvcc import dtvcc
from streamify.dest.layout import captions_part_key
from streamify.errors import SourceError
from streamify.media.text.captions import caption_words
from streamify.media.text.read import Words, places
from streamify.media.video.cc_data import CcData, read_cc_data
from streamify.media.video.window import WindowSource
from streamify.model.plan import Segment
from streamify.model.source import Note, VideoFacts
from streamify.model.task import TextTask
from streamify.model.words import CaptionsPart
from streamify.storage.base import Stores
from streamify.storage.saved import damaged, parse_line, parse_saved

CAPTION_BYTES = 64 << 20
"""Of the lines of a part at most: 30 for each picture of two hours at 60 a second are 13 MB."""

Collected = tuple[int, bool, bytes]
"""Presentation time, source ticks; whether it is for all pictures of a group; triples of cc_data."""


class Captions:
    """Reads what the pictures of a stream carry, once for all channels."""

    def __init__(self, task: TextTask, stores: Stores) -> None:
        """Remember what to read."""
        assert task.video is not None
        self._task, self._stores, self._video = task, stores, task.video
        self._triples = 0
        self._broken: list[str] = []

    def words(self) -> dict[str, Words] | None:
        """Return the words of the channels of the task's tracks; ``None``: not all parts of the film are read yet.

        Raises:
            DestinationError: ``state-damaged``, the list of segments is missing.
            SourceError: ``captions-too-much``.
        """
        if self._task.parts == 1:
            return self._read(self._collect())
        self._keep_part()
        parts = self._parts()
        if any(part is None for part in parts):
            return None
        there = [part for part in parts if part is not None]
        self._triples = sum(part.triples for part in there)
        self._broken = [one for part in there for one in part.broken]
        return self._read(chain.from_iterable(map(_unpacked, there)))

    def _read(self, collected: Iterator[Collected]) -> dict[str, Words]:
        task = self._task
        names = [track.recipe.channel for track in task.tracks if track.recipe.channel is not None]
        until = None
        if task.cut is not None and task.cut.short:  # what is on the screen there is shown to the end
            until = task.tracks[0].recipe.origin + Fraction(task.timeline.end, task.timeline.timescale)
        found = caption_words(_timed(collected, self._video), names, until)
        for words in found.values():
            words.triples = self._triples
            if self._broken:
                what = f"captions in {places(self._broken)}"
                words.notes.append(Note(kind="damaged", what=what, why="the container cannot be read on there"))
        return found

    def _keep_part(self) -> None:
        """Read the part of this task, unless an earlier attempt did."""
        task, media = self._task, self._stores.media
        key = captions_part_key(task.collected, task.part, task.parts)
        if _parsed(media.get(key), key) is None:
            packed = b64encode(compress("".join(self._lines()).encode())).decode()
            part = CaptionsPart(triples=self._triples, broken=tuple(self._broken), data=packed)
            media.put(key, part.to_json())

    def _lines(self) -> Iterator[str]:
        left = CAPTION_BYTES
        for pts, grouped, triples in self._collect():
            line = f"{pts} {grouped:d} {triples.hex()}\n"
            left -= len(line)
            if left < 0:
                part = f"part {self._task.part + 1} of {self._task.parts}"
                what = f"{self._task.source.key}: {part} has more than {CAPTION_BYTES} bytes of captions"
                raise SourceError("captions-too-much", what, "leave out --caption-tracks: the pictures keep them")
            yield line

    def _parts(self) -> Sequence[CaptionsPart | None]:
        task = self._task
        keys = [captions_part_key(task.collected, part, task.parts) for part in range(task.parts)]
        return [_parsed(data, key) for key, data in zip(keys, self._stores.media.get_many(keys), strict=True)]

    def _collect(self) -> Iterator[Collected]:
        """Yield what the segments of the task's part carry, without padding, and what lies in front of the stream."""
        task, stores = self._task, self._stores
        opened = partial(stores.open_source, task.source)
        source = WindowSource(opened, self._video.stream, task.access, self._video.end)
        if task.before is not None:
            yield from _carried(read_cc_data(source, task.before))
        data = stores.media.get(task.segment_list)
        if data is None:
            raise damaged(f"{task.segment_list} at DEST", "it is missing")
        lines = data.splitlines()
        first, stop = (len(lines) * part // task.parts for part in (task.part, task.part + 1))
        for line in lines[first:stop]:
            segment = parse_line(Segment, line, task.segment_list)
            found = read_cc_data(source, segment)
            self._triples += sum(len(triples) for _, triples in found.captions) // TRIPLE
            if found.errors:
                self._broken.append(f"segment {segment.index}")
            yield from _carried(found)


def _carried(found: CcData) -> Iterator[Collected]:
    for pts, triples in found.captions:
        grouped = pts in found.grouped
        kept = triples if grouped else line21(triples) + dtvcc(triples)
        if kept:
            yield pts, grouped, kept


def _timed(collected: Iterator[Collected], video: VideoFacts) -> Iterator[tuple[Fraction, bytes]]:
    """Yield captions with their times, seconds; what is for all pictures of a group frame by frame."""
    for pts, grouped, triples in collected:
        if grouped:
            yield from ((pts * video.time_base + n * FRAME, one) for n, one in enumerate(each_frame(triples)))
        else:
            yield pts * video.time_base, triples


def _parsed(data: bytes | None, key: str) -> CaptionsPart | None:
    """Return a part that was read; ``None``: there is none, or it is damaged."""
    part = parse_saved(CaptionsPart, data, key) if data is not None else None
    try:
        for _ in _unpacked(part) if part is not None else ():
            pass
    except (ValueError, error):
        return None
    return part


def _unpacked(part: CaptionsPart) -> Iterator[Collected]:
    """Yield what a part holds.

    Raises:
        ValueError: It is cut off, too large, or no such lines.
        zlib.error: It is not packed.
    """
    packed = decompressobj()
    data = packed.decompress(b64decode(part.data), CAPTION_BYTES + 1)
    if not packed.eof:
        raise ValueError("it is cut off, or too large")
    for line in data.decode().splitlines():
        pts, grouped, triples = line.split(" ")
        yield int(pts), grouped == "1", bytes.fromhex(triples)
