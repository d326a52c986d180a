"""Events on their way to a listener that may be slow: nothing that sends them ever waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from threading import Event as Flag
from types import TracebackType

from streamify.executors.base import OnEvent
from streamify.model.event import Event

LAST_WAIT = 1.0
"""Seconds that a job which was stopped waits for its listener."""


class EventDelivery:
    """Hands events to `on_event` one at a time, in the order in which they were sent, from a thread of its own.

    Calling the queue never blocks. It holds any number of events: of one task's `task.progress` the last alone, and
    of all others every one, since a job has only a few of them for each task. It is a context manager that waits at
    the end until everything was delivered, unless `stop` is set: then `LAST_WAIT` seconds at most.

    What `on_event` raises ends the delivery. The queue raises it from then on when it is called, and at the end.

    Args:
        on_event: Takes the events; ``None``: nobody does.
        stop: Set when the job is to end.
    """

    def __init__(self, on_event: OnEvent | None, stop: Flag | None = None) -> None:
        self._on_event, self._stop = on_event, stop
        self._changed = Condition()
        self._waiting: deque[list[Event]] = deque()  # each event in a list of its own, where it can be replaced
        self._progress: dict[str | None, list[Event]] = {}
        self._busy = self._closed = False  # whether the listener has an event; whether no more come
        self._thread: Thread | None = None
        self.error: BaseException | None = None
        """What `on_event` raised."""

    def __call__(self, event: Event) -> None:
        """Send an event.

        Raises:
            BaseException: What `on_event` raised earlier.
        """
        if self._on_event is None:
            return
        with self._changed:
            self.check()
            # Whatever else is sent of a task separates the reports before it from those after.
            earlier = self._progress.pop(event.task, None)
            slot = [event]
            if event.kind == "task.progress":
                self._progress[event.task] = earlier or slot
                if earlier is not None:
                    earlier[0] = event
                    return
            self._waiting.append(slot)
            if self._thread is None:
                # A daemon: a listener that never returns must not keep the process.
                self._thread = Thread(target=self._deliver, name="streamify-events", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def check(self) -> None:
        """Raise what `on_event` raised, if it did."""
        if self.error is not None:
            raise self.error

    def __enter__(self) -> EventDelivery:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            late = 0.0
            while (self._waiting or self._busy) and late < LAST_WAIT:
                self._changed.wait(0.1)
                late += 0.1 if self._stop is not None and self._stop.is_set() else 0
            self._waiting.clear()
            delivered, thread = not self._busy, self._thread
        if delivered and thread is not None:
            thread.join()
        if error is None:
            self.check()

    def _deliver(self) -> None:
        assert self._on_event is not None
        while (event := self._next()) is not None:
            try:
                self._on_event(event)
            except BaseException as error:  # not swallowed: whoever sends, and the end of the job, raise it
                with self._changed:
                    self.error = error
                    self._waiting.clear()
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> Event | None:
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return None
                self._changed.wait()
            slot = self._waiting.popleft()
            event = slot[0]
            if self._progress.get(event.task) is slot:
                del self._progress[event.task]
            self._busy = True
            return event


@contextmanager
def delivering(on_event: OnEvent | None, stop: Flag | None = None) -> Iterator[EventDelivery]:
    """Give a queue to `on_event`; where that is a queue already, the same."""
    if isinstance(on_event, EventDelivery):
        yield on_event
        return
    with EventDelivery(on_event, stop) as events:
        yield events
