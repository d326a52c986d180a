"""What `watch` says on stderr: one line an event, each with the upload that it is about."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from streamify.cli import out
from streamify.cli.options import Common
from streamify.cli.show.line import line
from streamify.cli.show.progress import Said, people, put, recorded, words
from streamify.cli.text import clock
from streamify.cli.writer import BackgroundWriter
from streamify.jobs.tally import Tally
from streamify.model.text import size

if TYPE_CHECKING:
    from streamify.model.event import Event

EVERY = 30.0
"""Seconds between two progress lines of a job."""
_LEVELS = {"watch.ready": "info", "upload.accepted": "info", "upload.ended": "info", "hook.called": "info",
           "hook.failed": "warning", "plan.ready": "info", "task.retried": "warning", "task.failed": "error",
           "note": "info"}  # fmt: skip
_MORE = frozenset({"job.started", "engine.ready", "task.finished", "job.finished", "job.failed"})
"""Said with ``-v``."""


@contextlib.contextmanager
def telling(common: Common) -> Iterator[Callable[[Event], None]]:
    """Give the function that takes the events of all jobs, from any thread and without waiting."""
    lock = threading.Lock()
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(people())

        def warn(message: str) -> None:
            put(writer, out.log_line(common, "warning", message))

        record = stack.enter_context(recorded(common, warn))
        lines = _Lines(common, writer)

        def take(event: Event) -> None:
            with lock:
                record(event)
                if not common.quiet:
                    lines.take(event)

        yield take


class _Lines:
    def __init__(self, common: Common, writer: BackgroundWriter | None) -> None:
        self._common, self._writer = common, writer
        self._names: dict[str, str] = {}
        """Of uploads, by the DEST of their jobs."""
        self._tallies: dict[str, tuple[Tally, list[float]]] = {}
        """Of jobs that run, and when their next progress line is due."""
        self._said: dict[str, Said] = {}
        """Why tasks of jobs failed."""

    def take(self, event: Event) -> None:
        """Say what an event says, if people want to know."""
        job = event.job
        if job is not None and "upload" in event.data:
            self._names[job] = str(event.data["upload"])
        if job is not None:
            self._progress(job, event)
        level = _LEVELS.get(event.kind) or ("debug" if self._common.verbose and event.kind in _MORE else None)
        known = (event.kind == "task.failed" and event.task == "split") or self._again(event)
        if level is not None and not known:
            self._say(event, level, _text(event))
        if event.kind == "upload.ended" and job is not None:
            self._tallies.pop(job, None)
            self._names.pop(job, None)
            self._said.pop(job, None)

    def _again(self, event: Event) -> bool:
        return self._said.setdefault(event.job or "", Said()).again(event) and not self._common.verbose

    def _progress(self, job: str, event: Event) -> None:
        tally, due = self._tallies.setdefault(job, (Tally(), [time.monotonic() + EVERY]))
        tally.see(event)
        if tally.moves(event) and time.monotonic() >= due[0]:
            due[0] = time.monotonic() + EVERY
            self._say(event, "info", line(tally, event.time).strip(), droppable=True)

    def _say(self, event: Event, level: str, text: str, *, droppable: bool = False) -> None:
        name = self._names.get(event.job or "", event.job)
        fields: dict[str, Any] = {"event": "progress" if droppable else event.kind, "job": event.job}
        fields |= {"task": event.task, "data": None if droppable else event.data or None}
        fields = {key: value for key, value in fields.items() if value is not None}
        shown = f"{name}: {text}" if name else text
        put(self._writer, out.log_line(self._common, level, shown, **fields), droppable=droppable)


def _text(event: Event) -> str:
    if event.kind == "upload.accepted":
        beside = ", settings of its own" if event.data["sidecar"] else ""
        return f"accepted, {size(event.data['size'])}{beside}"
    if event.kind == "upload.ended":
        return _ended(event.data["ended"])
    return words(event)


def _ended(ended: dict[str, Any]) -> str:
    if ended["outcome"] == "complete":
        took = f" in {clock(ended['ended'] - ended['started'])}" if ended["started"] is not None else ""
        return f"complete{took}: {ended['dest']}"
    hint = f" ({ended['hint']})" if ended["hint"] else ""
    return f"{ended['outcome']}: {ended['message']}{hint} [{ended['code']}]; try again: {ended['retry']}"
