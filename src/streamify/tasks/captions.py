"""The captions inside the pictures of a stream as words: all its segments are read, and no picture is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from streamify.bitstream.captions import FRAME, TRIPLE, each_frame
from streamify.media.text.captions import caption_words
from streamify.media.text.read import Words, places
from streamify.media.video.cc_data import CcData, read_cc_data
from streamify.media.video.window import WindowSource
from streamify.model.plan import Segment
from streamify.model.source import Note
from streamify.model.task import TextTask
from streamify.storage.base import Stores
from streamify.storage.saved import damaged


class Captions:
    """Reads what the pictures of a stream carry, once for all channels."""

    def __init__(self, task: TextTask, stores: Stores) -> None:
        """Remember what to read."""
        self._task, self._stores = task, stores
        self._triples = 0
        self._broken: list[str] = []

    def words(self) -> dict[str, Words]:
        """Return the words of the channels of the task's tracks.

        Raises:
            DestinationError: ``state-damaged``, the list of segments is missing.
        """
        task = self._task
        names = [track.recipe.channel for track in task.tracks if track.recipe.channel is not None]
        until = None
        if task.cut is not None and task.cut.short:  # what is on the screen there is shown to the end
            until = task.tracks[0].recipe.origin + Fraction(task.timeline.end, task.timeline.timescale)
        found = caption_words(self._pictures(), names, until)
        for words in found.values():
            words.triples = self._triples
            if self._broken:
                what = f"captions in {places(self._broken)}"
                words.notes.append(Note(kind="damaged", what=what, why="the container cannot be read on there"))
        return found

    def _pictures(self) -> Iterator[tuple[Fraction, bytes]]:
        task, stores = self._task, self._stores
        assert task.video is not None
        opened = partial(stores.open_source, task.source)
        source = WindowSource(opened, task.video.stream, task.access, task.video.end)
        if task.before is not None:
            yield from _timed(read_cc_data(source, task.before), task.video.time_base)
        lines = stores.media.get(task.segment_list)
        if lines is None:
            raise damaged(f"{task.segment_list} at DEST", "it is missing")
        for line in lines.splitlines():
            segment = Segment.from_json(line)
            found = read_cc_data(source, segment)
            self._triples += sum(len(triples) for _, triples in found.captions) // TRIPLE
            if found.errors:
                self._broken.append(f"segment {segment.index}")
            yield from _timed(found, task.video.time_base)


def _timed(found: CcData, time_base: Fraction) -> Iterator[tuple[Fraction, bytes]]:
    """Yield captions with their times, seconds; what is for all pictures of a group frame by frame."""
    for pts, triples in found.captions:
        if pts in found.grouped:
            yield from ((pts * time_base + n * FRAME, one) for n, one in enumerate(each_frame(triples)))
        else:
            yield pts * time_base, triples
