"""The encoders of all renditions of one segment, on one thread or on several."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Queue
from threading import Event, Thread

from av.video.frame import PictureType, VideoFrame

from streamify.media.package import Packaged
from streamify.media.video.encode import VideoEncoder

WAITING = 3
"""Pictures that may wait for the thread of the dearest encoder; bounds the memory of a fast decoder."""

LAGGING = 24
"""Pictures that may wait for the threads of cheaper encoders, so that those may fall behind where cores are few."""

BEHIND = 10
"""By how much the threads of cheaper encoders are nicer than that of the dearest, which ends last if it has to wait."""

Shown = tuple[Mapping[int, VideoFrame], int, PictureType]
"""One picture in the renditions of a lane, its ticks from the start of the segment, and how it is to be coded."""


@dataclass
class _Timed:
    """An encoder and the CPU seconds that it took so far."""

    encoder: VideoEncoder
    seconds: float = 0.0

    def encode(self, frame: VideoFrame, ticks: int, kind: PictureType) -> None:
        before = time.thread_time()
        self.encoder.encode(frame, ticks=ticks, kind=kind)
        self.seconds += time.thread_time() - before

    def flush(self) -> None:
        before = time.thread_time()
        self.encoder.flush()
        self.seconds += time.thread_time() - before


class Encoders:
    """Feeds the same pictures to all encoders. Threads change the speed, never the bytes.

    A context manager: on the way out no thread is left.

    Args:
        encoders: One for each rendition.
        costs: Relative cost of each; the threads share them out evenly.
        threads: At most this many; 1 encodes on the caller's.
    """

    def __init__(self, encoders: Sequence[VideoEncoder], costs: Sequence[float], threads: int) -> None:
        self._timed = [_Timed(encoder) for encoder in encoders]
        groups = share_out(costs, threads) if threads > 1 else []
        self._lanes = [
            _Lane({number: self._timed[number] for number in group}, behind=place > 0)
            for place, group in enumerate(groups)
        ]

    def __enter__(self) -> Encoders:
        return self

    def __exit__(self, *_: object) -> None:
        for lane in self._lanes:
            lane.stop()

    @property
    def seconds(self) -> list[float]:
        """CPU seconds of each encoder; complete after `finish`."""
        return [one.seconds for one in self._timed]

    def encode(self, frames: Sequence[VideoFrame], ticks: int, kind: PictureType) -> None:
        """Encode one picture in all renditions; an error of a thread is raised at a later call."""
        for lane in self._lanes:
            lane.put({number: frames[number] for number in lane.renditions}, ticks, kind)
        if not self._lanes:
            for one, frame in zip(self._timed, frames, strict=True):
                one.encode(frame, ticks, kind)

    def finish(
        self, *, reorder: int, duration: int, start: int, sequence: int, captions: Mapping[int, bytes]
    ) -> tuple[Packaged, ...]:
        """Flush all encoders and package what they made; for the arguments see `VideoEncoder.package`."""
        for lane in self._lanes:
            lane.end()
        for lane in self._lanes:
            lane.join()
        if not self._lanes:
            for one in self._timed:
                one.flush()
        return tuple(
            one.encoder.package(reorder=reorder, duration=duration, start=start, sequence=sequence, captions=captions)
            for one in self._timed
        )


class _Lane:
    """One thread and the encoders that it feeds, by rendition. Knows nothing of its owner: a cycle would keep
    hundreds of megabytes of encoders alive until the next garbage collection.
    """

    def __init__(self, encoders: Mapping[int, _Timed], *, behind: bool) -> None:
        self._encoders, self._behind = encoders, behind
        self._queue: Queue[Shown | None] = Queue(LAGGING if behind else WAITING)
        self._error: BaseException | None = None
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="encoders", daemon=True)
        self._thread.start()

    @property
    def renditions(self) -> Iterable[int]:
        return self._encoders

    def put(self, frames: Mapping[int, VideoFrame], ticks: int, kind: PictureType) -> None:
        if self._error is not None:
            raise self._error
        self._queue.put((frames, ticks, kind))

    def end(self) -> None:
        self._queue.put(None)

    def join(self) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self.end()
            self._thread.join()

    def _run(self) -> None:
        if self._behind and sys.platform == "linux":
            with suppress(PermissionError):  # of a sealed process
                os.nice(BEHIND)  # of this thread alone; elsewhere it would be that of the whole process
        # After an error the queue is still emptied, so that nobody waits for room in it.
        while (shown := self._queue.get()) is not None:
            self._try(shown)
        self._try(None)

    def _try(self, shown: Shown | None) -> None:
        if self._error is not None or self._stopped.is_set():
            return
        try:
            for number, one in self._encoders.items():
                if shown is None:
                    one.flush()
                else:
                    frames, ticks, kind = shown
                    one.encode(frames[number], ticks, kind)
        except BaseException as error:  # raised again by `put` or `join`, on the thread that waits
            self._error = error


def share_out(costs: Sequence[float], groups: int) -> list[list[int]]:
    """Return the numbers of `costs` in at most `groups` groups of about the same sum, the dearest first."""
    filled: list[list[int]] = [[] for _ in range(min(groups, len(costs)))]
    for number in sorted(range(len(costs)), key=lambda one: -costs[one]):
        min(filled, key=lambda group: sum(costs[one] for one in group)).append(number)
    return filled
