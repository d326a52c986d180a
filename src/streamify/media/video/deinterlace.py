"""Deinterlacing: a picture of each interlaced one, or one of each field.

Which pictures are interlaced is decided for each by itself: by its flags, or where a source does not flag them by what
it shows beside the pictures before and after it. FFmpeg's bwdif looks at the same three. Given one picture before a
segment and one after, its pictures equal those of a run over the whole film bit by bit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

import av
from av.filter import Graph
from av.video.frame import VideoFrame

from streamify.media.video.decode import Picture
from streamify.media.video.scaling import Shape, linear_graph

First = Literal["top", "bottom"]
"""Which field is shown first."""

_TICK = Fraction(1, 1000)


def deinterlaced(pictures: Iterable[Picture], *, fields: bool, combed: First | None = None) -> Iterator[Picture]:
    """Deinterlace a run of pictures; progressive ones pass unchanged.

    Args:
        pictures: In order; all that are given come out again.
        fields: Whether each field becomes a picture; a progressive picture is then shown twice.
        combed: Which field is shown first of interlaced pictures that are not flagged; ``None``: flags are right.
    """
    run: _Run | None = None
    before = False
    marked = judged(pictures) if combed else ((picture, picture.frame.interlaced_frame) for picture in pictures)
    current = next(marked, None)
    while current is not None:
        following = next(marked, None)
        picture, interlaced = current
        if run is not None and run.shape != Shape.of(picture.frame):
            yield from run.end()
            run = None
        if interlaced or before or (following is not None and following[1]):
            run = run or _Run(picture.frame, fields=fields, combed=combed)
            yield from run.push(picture, interlaced=interlaced)
        else:
            if run is not None:
                yield from run.end()
                run = None
            yield _unchanged(picture, fields=fields)
        before, current = interlaced, following
    if run is not None:
        yield from run.end()


def _unchanged(picture: Picture, *, fields: bool) -> Picture:
    return replace(picture, second=picture.frame) if fields else picture


@dataclass
class _Waiting:
    picture: Picture
    interlaced: bool
    made: list[VideoFrame] = field(default_factory=list)


class _Run:
    """Interlaced pictures of one shape in a row, and one beside them on either side."""

    def __init__(self, frame: VideoFrame, *, fields: bool, combed: First | None) -> None:
        self.shape = Shape.of(frame)
        self._fields = fields
        mode = "send_field" if fields else "send_frame"
        rest = f"parity={'tff' if combed == 'top' else 'bff'}:deint=all" if combed else "parity=auto:deint=interlaced"
        self._graph = linear_graph(frame, [f"bwdif=mode={mode}:{rest}"], _TICK)
        self._pushed = 0
        self._waiting: deque[_Waiting] = deque()
        self._first = 0
        """Number of the first that waits."""

    def push(self, picture: Picture, *, interlaced: bool) -> Iterator[Picture]:
        picture.frame.pts, picture.frame.time_base = self._pushed, _TICK
        self._pushed += 1
        self._waiting.append(_Waiting(picture, interlaced))
        self._graph.vpush(picture.frame)
        self._collect()
        return self._ready(ending=False)

    def end(self) -> Iterator[Picture]:
        self._graph.vpush(None)
        self._collect()
        return self._ready(ending=True)

    def _collect(self) -> None:
        for frame in _pull(self._graph):
            # bwdif counts in half ticks: twice the picture's, and one more for the later field.
            place = (frame.pts or 0) // 2 - self._first
            if 0 <= place < len(self._waiting):
                self._waiting[place].made.append(frame)

    def _ready(self, *, ending: bool) -> Iterator[Picture]:
        while self._waiting:
            head = self._waiting[0]
            if head.interlaced and len(head.made) < 1 + self._fields and not ending:
                return
            self._waiting.popleft()
            self._first += 1
            if not head.interlaced or not head.made:
                yield _unchanged(head.picture, fields=self._fields)
            else:
                yield replace(
                    head.picture, frame=head.made[0], second=head.made[-1] if self._fields else head.picture.second
                )


def judged(pictures: Iterable[Picture]) -> Iterator[tuple[Picture, bool]]:
    """Yield pictures with whether they are interlaced, by flag or else by what they show."""
    for picture, kind, _ in kinds(pictures):
        yield picture, picture.frame.interlaced_frame or kind != "progressive"


def kinds(pictures: Iterable[Picture]) -> Iterator[tuple[Picture, str, bool]]:
    """Yield pictures with what FFmpeg's idet takes each for: tff, bff, progressive or undetermined.

    And whether one of its fields is that of the picture before.
    """
    graph: Graph | None = None
    shape: Shape | None = None
    waiting: deque[Picture] = deque()
    for picture in pictures:
        if graph is None or shape != Shape.of(picture.frame):
            if graph is not None:
                graph.vpush(None)
                yield from _told(graph, waiting)
            shape = Shape.of(picture.frame)
            graph = linear_graph(picture.frame, ["idet"], _TICK)
        waiting.append(picture)
        graph.vpush(picture.frame)
        yield from _told(graph, waiting)
    if graph is not None:
        graph.vpush(None)
        yield from _told(graph, waiting)


def _told(graph: Graph, waiting: deque[Picture]) -> Iterator[tuple[Picture, str, bool]]:
    for frame in _pull(graph):
        # Of this picture alone: idet's other verdicts depend on all pictures that it saw before.
        told = frame.metadata
        again = told.get("lavfi.idet.repeated.current_frame", "neither") != "neither"
        yield waiting.popleft(), str(told.get("lavfi.idet.single.current_frame", "undetermined")), again


def _pull(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield frame
