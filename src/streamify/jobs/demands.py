"""What the viewers of a stream that is being made wait for."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from threading import Lock

from streamify.errors import DestinationError, StreamifyError
from streamify.planning.agenda import Wanted

LONGEST_QUEUE = 64
"""Segments that viewers may wait for at one time."""


class TooManyDemands(Exception):
    """Viewers wait for `LONGEST_QUEUE` segments already."""


class Demands:
    """Takes demands from viewers and hands them to the job. Every method can be called from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[Wanted, list[Future[None]]] = {}  # in the order in which they were first asked for
        self._fresh: dict[Wanted, None] = {}
        self._made: set[tuple[str, int]] = set()
        self._end: StreamifyError | None = None
        self.news: Future[None] = Future()
        """Done when there is something to `take`; another one then takes its place."""

    def want(self, wanted: Wanted) -> Future[None]:
        """Return a future that is done when a segment exists; it raises what keeps it from being made.

        Raises:
            TooManyDemands: `LONGEST_QUEUE` others are waited for.
        """
        future: Future[None] = Future()
        with self._lock:
            if wanted in self._made:
                future.set_result(None)
            elif self._end is not None:
                future.set_exception(self._end)
            else:
                if wanted not in self._waiting and len(self._waiting) >= LONGEST_QUEUE:
                    raise TooManyDemands
                if wanted not in self._waiting:
                    self._fresh[wanted] = None
                self._waiting.setdefault(wanted, []).append(future)
                if not self.news.done():
                    self.news.set_result(None)
        return future

    def leave(self, wanted: Wanted, future: Future[None]) -> None:
        """Take back a demand whose viewer left; what nobody else waits for is not made before its turn."""
        with self._lock:
            waiting = self._waiting.get(wanted, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._waiting.pop(wanted, None)
                self._fresh.pop(wanted, None)

    def take(self, most: int) -> tuple[Wanted, ...]:
        """Return at most that many of the segments that were asked for and not taken yet, in order."""
        with self._lock:
            taken = tuple(self._fresh)[:most]
            for wanted in taken:
                del self._fresh[wanted]
            if not self._fresh and self.news.done():
                self.news = Future()
            return taken

    def made(self, segments: Iterable[tuple[str, int]]) -> None:
        """Tell that segments exist."""
        done: list[Future[None]] = []
        with self._lock:
            for track, segment in segments:
                self._made.add((track, segment))
                self._fresh.pop(Wanted(track, segment), None)
                done += self._waiting.pop(Wanted(track, segment), [])
        for future in done:
            future.set_result(None)

    def failed(self, segments: Iterable[Wanted], error: StreamifyError) -> None:
        """Tell that segments cannot be made; who asks again starts another attempt."""
        failed: list[Future[None]] = []
        with self._lock:
            for wanted in segments:
                failed += self._waiting.pop(wanted, [])
        for future in failed:
            future.set_exception(error)

    def close(self, error: StreamifyError | None = None) -> None:
        """Tell that nothing more is made: `error` says why; ``None``: all of it exists."""
        end = error or DestinationError("not-made", "the job has ended and this segment is not part of its stream")
        with self._lock:
            self._end = end
            left = [future for waiting in self._waiting.values() for future in waiting]
            self._waiting, self._fresh = {}, {}
        for future in left:
            future.set_exception(end)
