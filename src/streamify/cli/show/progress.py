"""Shows a job's events to people: a live grid on a terminal, plain lines elsewhere; and writes ``--events``."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from streamify.cli import out
from streamify.cli.common import Common
from streamify.cli.show.tally import Tally
from streamify.errors import UsageError

if TYPE_CHECKING:
    from streamify.model.event import Event

EVERY = 5.0
"""Seconds between two plain progress lines."""
_SPOKEN = {"plan.ready": "info", "engine.ready": "info", "task.retried": "warning", "task.failed": "error",
           "note": "info"}  # fmt: skip


@contextlib.contextmanager
def watching(common: Common) -> Iterator[Callable[[Event], None]]:
    """Give the function that takes the events of a job; close everything at the end."""
    lock = threading.Lock()  # engines report from several threads
    tally = Tally()
    with contextlib.ExitStack() as stack:
        record = stack.enter_context(_events_file(common))
        show = stack.enter_context(_display(common, tally))

        def take(event: Event) -> None:
            with lock:
                record(event)
                tally.see(event)
                show(event)

        yield take


@contextlib.contextmanager
def _events_file(common: Common) -> Iterator[Callable[[Event], None]]:
    if common.events is None:
        yield _nothing
        return
    try:
        file = Path(common.events).open("ab", buffering=0)  # noqa: SIM115  # closed below
    except OSError as error:
        message = f"cannot write events to {common.events}: {error.strerror}"
        raise UsageError("events-unwritable", message, "check the path of --events") from error
    healthy = True

    def record(event: Event) -> None:
        nonlocal healthy
        if healthy:
            try:
                file.write(event.to_json() + b"\n")
            except OSError as error:  # a job is worth more than its log
                healthy = False
                out.log(common, "warning", f"no more events are written to {common.events}: {error.strerror}")

    with file:
        yield record


@contextlib.contextmanager
def _display(common: Common, tally: Tally) -> Iterator[Callable[[Event], None]]:
    terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if common.quiet:
        yield _nothing
    elif common.log_format == "text" and terminal:
        from streamify.cli.show.live import live

        with live(tally) as say:
            yield lambda event: say(_words(event)) if _spoken(event, common, live=True) else None
    else:
        yield _Lines(common, tally)


def _nothing(_: Event) -> None:
    """Take an event and do nothing."""


class _Lines:
    """Plain lines: what matters at once, progress at most every few seconds."""

    def __init__(self, common: Common, tally: Tally) -> None:
        self._common = common
        self._tally = tally
        self._next = 0.0
        self._held: Event | None = None

    def __call__(self, event: Event) -> None:
        if event.kind == "engine.ready" and not self._tally.rows and not self._common.verbose:
            self._held = event  # of no interest where the source is refused
            return
        if self._held is not None and (event.kind == "plan.ready" or self._tally.tasks):
            held, self._held = self._held, None
            for one in (event, held) if event.kind == "plan.ready" else (held, event):
                self._say(one)
        else:
            self._say(event)

    def _say(self, event: Event) -> None:
        if _spoken(event, self._common):
            out.log(self._common, _SPOKEN.get(event.kind, "debug"), _words(event), **self._fields(event))
        elif self._tally.moves(event) and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            out.log(self._common, "info", self._tally.line(event.time), event="progress")

    def _fields(self, event: Event) -> dict[str, object]:
        fields = {"event": event.kind, "task": event.task, "attempt": event.attempt, "data": event.data or None}
        return {key: value for key, value in fields.items() if value is not None}


def _spoken(event: Event, common: Common, live: bool = False) -> bool:
    if common.verbose and event.kind not in ("segment.finished", "upload.progress"):
        return True
    if event.kind == "task.failed" and event.task == "split":
        return False  # it ends the job, whose error says the same
    return event.kind in _SPOKEN and not (live and event.kind == "engine.ready")  # the live display shows the workers


def _words(event: Event) -> str:
    data = event.data
    if event.message:
        return f"{event.task}: {event.message}" if event.task else event.message
    if event.kind == "plan.ready":
        names = ", ".join(map(str, data.get("renditions", ()))) or "no video"
        text = f"{data.get('segments')} segments x ({names}; {data.get('audio', 0)} audio)"
        return text + (f", {data['reused']} of {data['total']} kept from earlier runs" if data.get("reused") else "")
    if event.kind == "engine.ready":
        return f"{data.get('workers')} workers: {data.get('reason', '')}".rstrip(": ")
    return " ".join(filter(None, [event.kind, event.task]))
