"""Shows a job's events to people: a live grid on a terminal, plain lines elsewhere; and writes ``--events``."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from streamify.cli import out
from streamify.cli.options import Common
from streamify.cli.show.line import line
from streamify.cli.writer import BackgroundWriter
from streamify.errors import counted
from streamify.jobs.tally import Tally

if TYPE_CHECKING:
    from streamify.model.event import Event

EVERY = 5.0
"""Seconds between two plain progress lines."""
_SPOKEN = {"plan.ready": "info", "engine.ready": "info", "task.retried": "warning", "task.failed": "error",
           "note": "info"}  # fmt: skip
_SILENT = frozenset({"segment.finished", "upload.progress", "task.progress"})
"""Too many to say, even with ``-v``."""


@contextlib.contextmanager
def watching(common: Common) -> Iterator[Callable[[Event], None]]:
    """Give the function that takes the events of a job, from any thread and without waiting; close all at the end."""
    lock = threading.Lock()  # engines report from several threads
    tally = Tally()
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(people())

        def warn(message: str) -> None:
            put(writer, out.log_line(common, "warning", message))

        record = stack.enter_context(recorded(common, warn))
        show = stack.enter_context(_display(common, tally, lock, writer))

        def take(event: Event) -> None:
            with lock:
                record(event)
                tally.see(event)
                show(event)

        yield take


@contextlib.contextmanager
def people() -> Iterator[BackgroundWriter | None]:
    """Give what writes to stderr; ``None`` where there is none."""
    if sys.stderr is None:
        yield None
        return
    writer = BackgroundWriter(sys.stderr.fileno())
    try:
        yield writer
    finally:
        writer.flush()


def put(writer: BackgroundWriter | None, text: str, *, droppable: bool = False) -> None:
    """Write a line for people without waiting for them; `droppable`: a later one says the same better."""
    if writer is not None:
        writer.put(out.encoded(text, sys.stderr), droppable=droppable)


@contextlib.contextmanager
def recorded(common: Common, warn: Callable[[str], None]) -> Iterator[Callable[[Event], None]]:
    """Give what writes events to ``--events``."""
    if common.events is None:
        yield _nothing
        return
    from streamify.cli.show.record import recording

    with recording(common.events, warn) as record:
        yield record


@contextlib.contextmanager
def _display(
    common: Common, tally: Tally, lock: threading.Lock, writer: BackgroundWriter | None
) -> Iterator[Callable[[Event], None]]:
    if common.quiet or writer is None:
        yield _nothing
    elif common.log_format == "text" and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from streamify.cli.show.live import live

        with live(tally, lock, writer, sys.stderr.fileno(), sys.stderr.encoding) as say:
            said = Said()
            yield lambda event: say(words(event)) if _spoken(event, common, said, live=True) else None
    else:
        yield _Lines(common, tally, writer)


def _nothing(_: Event) -> None:
    """Take an event and do nothing."""


class _Lines:
    """Plain lines: what matters at once, progress at most every few seconds."""

    def __init__(self, common: Common, tally: Tally, writer: BackgroundWriter) -> None:
        self._common = common
        self._tally = tally
        self._writer = writer
        self._next = 0.0
        self._held: Event | None = None
        self._said = Said()

    def __call__(self, event: Event) -> None:
        if event.kind == "engine.ready" and not self._tally.rows and not self._common.verbose:
            self._held = event  # of no interest where the source is refused
            return
        if self._held is not None and (event.kind == "plan.ready" or self._tally.tasks):
            held, self._held = self._held, None
            for told in (event, held) if event.kind == "plan.ready" else (held, event):
                self._say(told)
        else:
            self._say(event)

    def _say(self, event: Event) -> None:
        if _spoken(event, self._common, self._said):
            level = _SPOKEN.get(event.kind, "debug")
            put(self._writer, out.log_line(self._common, level, words(event), **self._fields(event)))
        elif self._tally.moves(event) and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            text = line(self._tally, event.time).strip()
            put(self._writer, out.log_line(self._common, "info", text, event="progress"), droppable=True)

    def _fields(self, event: Event) -> dict[str, object]:
        fields = {"event": event.kind, "task": event.task, "attempt": event.attempt, "data": event.data or None}
        return {key: value for key, value in fields.items() if value is not None}


class Said:
    """Remembers why tasks of a job failed: where its source is gone, each of thousands would say the same."""

    def __init__(self) -> None:
        self._causes: set[str] = set()

    def again(self, event: Event) -> bool:
        """Return whether another task failed before in the same words."""
        if event.kind == "job.started":  # anew, as by `watch`
            self._causes.clear()
        if event.kind != "task.failed" or not event.message:
            return False
        before = len(self._causes)
        self._causes.add(event.message)
        return len(self._causes) == before


def _spoken(event: Event, common: Common, said: Said, live: bool = False) -> bool:
    if common.verbose and event.kind not in _SILENT:
        return True
    if event.kind == "task.failed" and event.task == "split":
        return False  # it ends the job, whose error says the same
    if said.again(event):
        return False
    return event.kind in _SPOKEN and not (live and event.kind == "engine.ready")  # the live display shows the workers


def words(event: Event) -> str:
    """Return what an event says to people."""
    data = event.data
    if event.kind == "engine.ready":
        workers = counted(int(data.get("workers", 0)), "worker")
        return f"{workers}: {data['reason']}" if data.get("reason") else workers
    if event.message:
        return f"{event.task}: {event.message}" if event.task else event.message
    if event.kind == "plan.ready":
        names = ", ".join(map(str, data.get("renditions", ()))) or "no video"
        text = f"{counted(int(data.get('segments', 0)), 'segment')} x ({names}; {data.get('audio', 0)} audio)"
        return text + (f", {data['reused']} of {data['total']} kept from earlier runs" if data.get("reused") else "")
    return " ".join(filter(None, [event.kind, event.task]))
