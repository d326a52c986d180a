"""A job that runs in a thread of its own, and what its starter may do with it."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from streamify.executors.base import OnEvent
from streamify.jobs.engine import Stop
from streamify.model.event import Event
from streamify.model.report import Report

Run = Callable[[OnEvent, Stop], Report]


class JobHandle:
    """A job that `start` started. Its methods may be called from any thread.

    As a context manager it waits for the job at the end of the block; where the block raises, it stops the job first.
    A KeyboardInterrupt in a method that waits stops the job too. A process does not exit before its jobs have ended.

        >>> with streamify.start("in.mp4", "out") as job:  # doctest: +SKIP
        ...     for event in job.events():
        ...         print(event.kind, event.message)
        >>> job.result().certificate.encoded  # doctest: +SKIP
    """

    def __init__(self, source: str, dest: str, run: Run, on_event: OnEvent | None = None) -> None:
        self.source = source
        self.dest = dest
        self._run, self._on_event = run, on_event
        self._stop, self._queue, self._future = Stop(), UnreadEvents(), Future[Report]()
        self._future.set_running_or_notify_cancel()
        threading.Thread(target=self._work, name=f"streamify {dest}").start()

    def __repr__(self) -> str:
        state = "running"
        if self._future.done():
            state = "complete" if self._future.exception() is None else "failed"
        return f"<JobHandle {self.source} -> {self.dest}: {state}>"

    def done(self) -> bool:
        """Return whether the job has ended: complete, failed or stopped."""
        return self._future.done()

    def cancel(self) -> None:
        """Ask the job to stop, and return at once; no effect on a job that has ended.

        What is finished stays, and `transcode` or `resume` with this DEST goes on from there. Running tasks are ended;
        `result` then raises `Interrupted`. On AWS the execution is ended.
        """
        self._stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job has ended, at most `timeout` seconds; return whether it has."""
        with self._stopped_by_ctrl_c():
            try:
                self._future.exception(timeout)
            except TimeoutError:
                return False
            return True

    def result(self, timeout: float | None = None) -> Report:
        """Wait for the job and return its report, as `transcode` does.

        Raises:
            StreamifyError: As `transcode`.
            Interrupted: The job was cancelled.
            TimeoutError: It has not ended within `timeout` seconds; it goes on.
        """
        with self._stopped_by_ctrl_c():
            return self._future.result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the job; return what `result` would raise, or ``None`` where it is complete.

        Raises:
            TimeoutError: It has not ended within `timeout` seconds; it goes on.
        """
        with self._stopped_by_ctrl_c():
            return self._future.exception(timeout)

    def events(self) -> Iterator[Event]:
        """Yield the events of the job as they happen, from its start to its end; each is yielded once.

        Events that nobody has read yet are kept, of the progress of a task only the latest. The job never waits for
        its reader. How the job ended is told by `result`.
        """
        with self._stopped_by_ctrl_c():
            yield from self._queue

    def __await__(self) -> Generator[Any, None, Report]:
        """Wait in asyncio as `result` does; where the awaiting task is cancelled, stop the job first."""
        return self._awaited().__await__()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.cancel()
        self.wait()

    async def _awaited(self) -> Report:
        ended = asyncio.wrap_future(self._future)
        ended.add_done_callback(lambda done: done.cancelled() or done.exception())  # an error nobody awaits is no fault
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            self.cancel()
            await asyncio.wait([ended])
            raise

    def _work(self) -> None:
        try:
            report = self._run(self._take, self._stop)
        except BaseException as error:  # whatever it is, `result` raises it
            self._queue.close()
            self._future.set_exception(error)
        else:
            self._queue.close()
            self._future.set_result(report)

    def _take(self, event: Event) -> None:
        self._queue.put(event)
        if self._on_event is not None:
            self._on_event(event)

    @contextmanager
    def _stopped_by_ctrl_c(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            self.cancel()
            raise


class UnreadEvents:
    """Events that wait for a reader: unbounded, but of the progress of one task only the latest is kept."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[object, Event] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, event: Event) -> None:
        """Add an event."""
        key: object = (event.kind, event.task) if event.kind in ("task.progress", "upload.progress") else object()
        with self._changed:
            self._waiting.pop(key, None)
            self._waiting[key] = event
            self._changed.notify()

    def close(self) -> None:
        """End iteration once what waits has been read."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Event]:
        while (event := self._next()) is not None:
            yield event

    def _next(self) -> Event | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if not self._waiting:
                return None
            return self._waiting.popitem(last=False)[1]
