"""Which pictures of a segment are shown and when, which are shown again, and the account of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from streamify.bitstream.captions import TRIPLE
from streamify.media.video.decode import DecodeLog, Picture
from streamify.model.plan import Segment, Timeline
from streamify.model.result import Seam


class Sieve:
    """Decides which pictures are shown and when, and keeps the books for the certificate."""

    def __init__(self, timeline: Timeline, segment: Segment) -> None:
        self._timeline, self._segment = timeline, segment
        self._repeats = deque(tick - segment.start for one in segment.repeats for tick in one.ticks)
        self._decoded: list[int] = []
        self._encoded = self._dropped = self._duplicated = self._fields = 0
        self._next: int | None = None
        self._held: int | None = None
        self._standing: Picture | None = None
        self._beside: Picture | None = None
        """The latest picture before the segment, else the first behind it: it stands where not one is kept."""
        self.times: list[tuple[int, int]] = []
        """Presentation times of the pictures that are kept, source ticks, and when they are shown first, ticks from the
        start of the segment."""
        self._half: tuple[Picture, int] | None = None
        """The latest picture and its ticks, as long as its later field is still to come."""

    @property
    def pictures(self) -> int:
        """Pictures of the segment so far, those that were shown again among them."""
        return len(self._decoded) + self._duplicated

    @property
    def empty(self) -> bool:
        """Whether no picture was kept."""
        return not self._encoded

    def kept(self, pictures: Iterator[Picture]) -> Iterator[tuple[Picture, int]]:
        """Yield kept pictures with their ticks from the start of the segment, some of them again.

        Args:
            pictures: Those of the segment, in order; before them those from the one on that stands at its start, after
                them the next.
        """
        latest: int | None = None
        length = self._segment.end - self._segment.start
        for picture in pictures:
            if picture.pts < self._segment.source_start:
                self._beside = picture
                if self._segment.held is not None and picture.pts <= self._segment.held:
                    self._standing = picture
                continue
            if self._segment.source_end is not None and picture.pts >= self._segment.source_end:
                self._next = picture.pts
                self._beside = self._beside or picture  # the first of the film, before its time
                continue
            self._beside = None
            self._decoded.append(picture.pts)
            ticks = self._ticks(picture.pts)
            if ticks is None:
                self._dropped += 1
                continue
            yield from self._later_field(ticks)
            for again, tick in self._again(ticks, self._standing or picture, fresh=latest is None):
                latest = tick
                yield again, tick
            if latest is not None and self._crowded(ticks - latest, ticks):
                self._dropped += 1
                continue
            if latest is None:
                ticks = 0  # a lost first picture is replaced by the next: every segment starts at its border
            latest = ticks
            self._encoded += 1
            self._standing = picture
            self._half = picture, ticks
            self.times.append((picture.pts, ticks))
            yield picture, ticks
        yield from self._later_field(length)
        standing = self._standing or self._beside
        if standing is None:
            return
        if latest is None and not self._repeats:
            self._repeats.append(0)
        yield from self._again(length, standing, fresh=latest is None)

    def _later_field(self, until: int) -> Iterator[tuple[Picture, int]]:
        """Yield the picture of the later field of the latest picture, where fields are shown; nothing again."""
        half, self._half = self._half, None
        second = half[0].second if half is not None else None
        if half is None or second is None:
            return
        picture, ticks = half
        self._encoded += 1
        self._fields += 1
        # One that is not interlaced is shown as it is, once more.
        shown = picture if second is picture.frame else replace(picture, frame=second)
        yield shown, self._timeline.second(ticks, min(until, *islice(self._repeats, 1), until))

    def _again(self, until: int, standing: Picture, *, fresh: bool) -> Iterator[tuple[Picture, int]]:
        """Yield the picture that stands at each tick before `until` at which the plan has it shown again."""
        while self._repeats and self._repeats[0] < until:
            if fresh:
                self._held = standing.pts
            self._encoded += 1
            self._duplicated += 1
            yield standing, 0 if fresh else self._repeats[0]
            self._repeats.popleft()
            fresh = False

    def _crowded(self, gap: int, ticks: int) -> bool:
        """Whether a picture comes too soon after the one before it, or before the segment that follows."""
        rest = self._segment.end - self._segment.start - ticks
        return gap < max(1, self._timeline.min_gap) or (
            self._segment.source_end is not None and rest < self._timeline.min_gap
        )

    def _ticks(self, pts: int) -> int | None:
        ticks = self._timeline.ticks_of(pts)
        return None if ticks is None else ticks - self._segment.start

    @property
    def decoded(self) -> Sequence[int]:
        """Presentation times of the pictures of the segment so far, source ticks."""
        return self._decoded

    def seam(self, log: DecodeLog) -> Seam:
        """Return what was seen."""
        lost = sorted(log.packets.difference(self._decoded)) if len(self._decoded) < self._segment.frames else []
        return Seam(
            decoded=len(self._decoded),
            encoded=self._encoded,
            damaged=log.damaged,
            duplicated=self._duplicated,
            fields=self._fields,
            dropped=self._dropped,
            first=self._decoded[0] if self._decoded else None,
            last=self._decoded[-1] if self._decoded else None,
            next=self._next,
            held=self._held,
            lost=tuple(lost),
            errors=len(log.errors) + log.broken,
            captions=sum(len(triples) for _, triples in log.captions) // TRIPLE,
        )
