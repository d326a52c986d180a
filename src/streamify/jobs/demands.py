"""What the viewers of a stream that is being made wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from threading import Lock

from streamify.dest.layout import segment_index, track_of
from streamify.errors import DestinationError, StreamifyError
from streamify.planning.agenda import Wanted

LONGEST_QUEUE = 64
"""Segments that viewers may wait for at one time."""

MOST_OF_ONE = 24
"""Segments that one viewer may wait for. A player asks for a few at a time."""


def wanted_by(key: str, segments: Mapping[str, int]) -> Wanted | None:
    """Return the segment that a key names; ``None``: the stream has no such segment.

    Args:
        key: Below DEST.
        segments: How many each track has, by its id.
    """
    track, index = track_of(key), segment_index(key)
    if track is None or index is None or index >= segments.get(track, 0):
        return None
    return Wanted(track, index)


class TooManyDemands(Exception):
    """Viewers wait for `LONGEST_QUEUE` segments already, or one of them for `MOST_OF_ONE`."""


class Demands:
    """Takes demands from viewers and hands them to the job. Every method can be called from any thread.

    Viewers take turns: one who asks for many segments does not hold up another who asks for one.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[Wanted, list[Future[None]]] = {}
        self._fresh: dict[str, dict[Wanted, None]] = {}  # by viewer, whose turn is next first; each in order of asking
        self._first: dict[Wanted, str] = {}  # the viewer who asked first for each that is waited for
        self._left: set[Wanted] = set()  # that nobody waits for any more, and that was not told yet
        self._made: set[tuple[str, int]] = set()
        self._end: StreamifyError | None = None
        self.news: Future[None] = Future()
        """Done when there is something to `take`, or to `let_go`; another one then takes its place."""

    def want(self, wanted: Wanted, viewer: str = "") -> Future[None]:
        """Return a future that is done when a segment exists; it raises what keeps it from being made.

        Args:
            wanted: The segment.
            viewer: Who asks, such as an address.

        Raises:
            TooManyDemands: `LONGEST_QUEUE` others are waited for, or `MOST_OF_ONE` that this viewer asked for first.
        """
        future: Future[None] = Future()
        with self._lock:
            if wanted in self._made:
                future.set_result(None)
            elif self._end is not None:
                future.set_exception(self._end)
            else:
                if wanted not in self._waiting:
                    theirs = sum(first == viewer for first in self._first.values())
                    if len(self._waiting) >= LONGEST_QUEUE or theirs >= MOST_OF_ONE:
                        raise TooManyDemands
                    self._first[wanted] = viewer
                    self._fresh.setdefault(viewer, {})[wanted] = None
                self._waiting.setdefault(wanted, []).append(future)
                self._left.discard(wanted)
                self._tell()
        return future

    def leave(self, wanted: Wanted, future: Future[None]) -> None:
        """Take back a demand whose viewer left; what nobody else waits for is not made before its turn."""
        with self._lock:
            waiting = self._waiting.get(wanted, [])
            if future not in waiting:
                return
            waiting.remove(future)
            if not waiting:
                del self._waiting[wanted]
                self._forget(wanted)
                self._left.add(wanted)
                self._tell()

    @property
    def any_left(self) -> bool:
        """Whether there is something to `let_go`."""
        return bool(self._left)

    def let_go(self) -> set[Wanted]:
        """Return segments that nobody waits for any more, each once: their tasks need not hurry."""
        with self._lock:
            left, self._left = self._left, set()
            self._no_news()
        return left

    def take(self, most: int, made: Callable[[Wanted], bool] = lambda _: False) -> tuple[Wanted, ...]:
        """Return segments that were asked for and not taken yet: of each viewer in turn.

        Args:
            most: At most so many.
            made: Tells of a segment whether it is being made already: it is returned whatever `most` is.
        """
        with self._lock:
            taken = [wanted for theirs in self._fresh.values() for wanted in theirs if made(wanted)]
            most += len(taken)
            for viewer, theirs in list(self._fresh.items()):
                for wanted in taken:
                    theirs.pop(wanted, None)
                if not theirs:
                    del self._fresh[viewer]
            while self._fresh and len(taken) < most:
                viewer, theirs = next(iter(self._fresh.items()))
                del self._fresh[viewer]
                wanted = next(iter(theirs))
                del theirs[wanted]
                taken.append(wanted)
                if theirs:
                    self._fresh[viewer] = theirs  # behind the others
            self._no_news()
        return tuple(taken)

    def made(self, segments: Iterable[tuple[str, int]]) -> None:
        """Tell that segments exist."""
        done: list[Future[None]] = []
        with self._lock:
            for track, segment in segments:
                self._made.add((track, segment))
                done += self._waiting.pop(Wanted(track, segment), [])
                self._forget(Wanted(track, segment))
        for future in done:
            future.set_result(None)

    def failed(self, segments: Iterable[Wanted], error: StreamifyError) -> None:
        """Tell that segments cannot be made; who asks again starts another attempt."""
        failed: list[Future[None]] = []
        with self._lock:
            for wanted in segments:
                failed += self._waiting.pop(wanted, [])
                self._forget(wanted)
        for future in failed:
            future.set_exception(error)

    def close(self, error: StreamifyError | None = None) -> None:
        """Tell that nothing more is made: `error` says why; ``None``: all of it exists."""
        end = error or DestinationError("not-made", "the job has ended and this segment is not part of its stream")
        with self._lock:
            self._end = end
            left = [future for waiting in self._waiting.values() for future in waiting]
            self._waiting, self._fresh, self._first = {}, {}, {}
        for future in left:
            future.set_exception(end)

    def _tell(self) -> None:
        if not self.news.done():
            self.news.set_result(None)

    def _no_news(self) -> None:
        if not self._fresh and not self._left and self.news.done():
            self.news = Future()

    def _forget(self, wanted: Wanted) -> None:
        """Forget who asked for a segment that nobody waits for any more."""
        viewer = self._first.pop(wanted, None)
        if viewer is not None and viewer in self._fresh:
            self._fresh[viewer].pop(wanted, None)
            if not self._fresh[viewer]:
                del self._fresh[viewer]
