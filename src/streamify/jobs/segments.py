"""The segment list of a plan, as it is at DEST: checked by the hash in its name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from copy import copy
from functools import cached_property

from pydantic import ConfigDict

from streamify.dest.layout import segment_list_key
from streamify.model.base import Frozen
from streamify.model.plan import Plan, Segment
from streamify.storage.base import Storage
from streamify.storage.saved import damaged, parse_line


class _Start(Frozen):
    model_config = ConfigDict(extra="ignore")

    start: int


class SegmentList:
    """The plan's segments, one line each; only where the lines start is held in memory.

    Raises:
        DestinationError: ``state-damaged``, the list is not the one that the plan names by its hash; or, while it is
            read, not any more, where that can be seen.
    """

    def __init__(self, plan: Plan, media: Storage) -> None:
        self._media, self._key, self._end = media, plan.segment_list, plan.timeline.end
        self._file = media.open(self._key)
        self._starts = [0]
        try:
            self._check(plan)
        except BaseException:
            self._file.close()
            raise

    def _check(self, plan: Plan) -> None:
        digest = hashlib.sha256()
        while line := self._file.readline():
            digest.update(line)
            self._starts.append(self._starts[-1] + len(line))
        if segment_list_key(digest.hexdigest()) != plan.segment_list or len(self) != plan.segments:
            raise damaged(f"{plan.segment_list} at DEST", "its content is not what its name says")

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: int) -> Segment:
        return parse_line(Segment, self.read(index, index + 1), self._key)

    def __iter__(self) -> Iterator[Segment]:
        return (self[index] for index in range(len(self)))

    def starts(self) -> Iterator[int]:
        """Yield where each segment starts, output ticks; nothing else of its line is made."""
        for index in range(len(self)):
            yield parse_line(_Start, self.read(index, index + 1), self._key).start

    @cached_property
    def borders(self) -> list[int]:
        """Where the segments start and the last one ends, output ticks."""
        return [*self.starts(), self._end]

    def again(self) -> SegmentList:
        """Return another one of the same list, with a file of its own: for another thread. It is not checked again."""
        other = copy(self)
        other._file = self._media.open(self._key)
        return other

    def where(self, first: int, stop: int) -> tuple[int, int]:
        """Return where the lines of segments ``first`` to ``stop`` (exclusive) begin, and their length; bytes."""
        return self._starts[first], self._starts[stop] - self._starts[first]

    def read(self, first: int, stop: int) -> bytes:
        """Return the lines of segments ``first`` to ``stop`` (exclusive)."""
        at, length = self.where(first, stop)
        self._file.seek(at)
        return self._file.read(length)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def borders(plan: Plan, media: Storage) -> list[int]:
    """Return where the segments of a plan start and the last one ends, output ticks."""
    with closing(SegmentList(plan, media)) as segments:
        return segments.borders
