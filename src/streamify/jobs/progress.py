"""What a job does, as a page shows it: every segment of every track, every attempt, how fast and how long."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from threading import Lock
from typing import Any, Literal

from streamify.jobs.tally import Tally
from streamify.jobs.work import made_by
from streamify.model.attempt import Attempt
from streamify.model.event import Event
from streamify.model.plan import Plan
from streamify.model.track import AudioTrack, VideoTrack
from streamify.planning.cells import AGAIN, FAILED, RUNNING, Cells, run_lengths
from streamify.planning.lanes import Lanes, Line

State = Literal["planning", "making", "complete", "failed"]

_LETTERS = {"running": "r", "paused": "p", "finished": "d", "retried": "a", "failed": "f", "cancelled": "c"}


class JobProgress:
    """Follows a job by its events. Every method can be called from any thread.

    The documents that it returns are described in docs/reference/page-events.md.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: State = "planning"
        self._error: str | None = None
        self._source: str | None = None
        self._plan: Plan | None = None
        self._borders: Sequence[int] = ()
        self._cells = Cells((), 0)
        self._lanes = Lanes()
        self._tally = Tally()
        self._figures: dict[str, float | None] = {}
        self._times: dict[str, float] = {}
        self._images: dict[str, Any] = {}
        self._edition = 0
        self._changed = False

    def planned(self, plan: Plan, borders: Sequence[int], done: Iterable[tuple[str, int]]) -> None:
        """Take the plan of the job.

        Args:
            plan: Of the job.
            borders: Starts of the segments and the end of the last, output ticks.
            done: (track, segment) of what exists.
        """
        cells = Cells([track.id for track in plan.tracks], plan.segments, done)
        with self._lock:
            self._plan, self._borders, self._cells = plan, borders, cells
            for line in self._lanes.running:  # the first segment is begun while the film is being planned
                cells.change(self._made_by(line.task), RUNNING)
            self._times.pop("made", None)
            self._edition, self._changed = self._edition + 1, True

    def enter(self, state: State, error: str | None = None) -> None:
        """Take how far the job is, and why it failed."""
        with self._lock:
            self._changed = self._changed or (state, error) != (self._state, self._error)
            self._state, self._error = state, error
            if state in ("complete", "failed"):
                self._cells.stop()
                self._lanes.stop(self._times.get("ended", time.time()))

    def see(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            self._tally.see(event)
            self._changed = True
            if event.kind == "job.started":
                self._times["started"] = event.time
                self._source = str(event.data.get("source", "")).rpartition("/")[2] or None
            elif event.kind == "plan.ready":
                self._times["planned"] = event.time
            elif event.kind == "segment.finished":
                self._make(str(event.data["track"]), int(event.data["segment"]), event.time)
            elif event.kind in ("job.finished", "job.failed"):
                self._times["ended"] = event.time
                self._lanes.stop(event.time)
            elif event.task is not None and event.attempt is not None:
                worker = f"{event.host}:{event.worker}" if event.host else str(event.worker or "")
                self._attempt(event, event.task, event.attempt, worker)

    def take(self, attempt: Attempt) -> None:
        """Take an attempt as DEST keeps it: when it began, or how it ended."""
        task, number, worker = attempt.task, attempt.number, attempt.worker
        with self._lock:
            self._changed = True
            self._begin(task, number, worker, attempt.started)
            if attempt.outcome == "running":
                return
            failure, cpu = attempt.failure, attempt.usage.cpu_seconds if attempt.usage is not None else None
            message, log = (str(failure), failure.log) if failure is not None else ("", "")
            ended = attempt.ended or attempt.started
            self._lanes.end(task, number, worker, ended, attempt.outcome, message=message, log=log, cpu_seconds=cpu)
            if attempt.outcome in ("retried", "failed"):
                self._spoil(task, attempt.outcome)

    def figure(self, source: str, times: dict[str, float], figures: dict[str, float | None]) -> None:
        """Take what is known of a job whose events are not seen.

        Args:
            source: Its name.
            times: When it ``started``, was ``planned`` and ``ended``.
            figures: ``share``, ``seconds_left``, ``speed`` and ``workers``.
        """
        with self._lock:
            if "made" in self._times:
                times = times | {"made": self._times["made"]}
            same = (source, times, figures) == (self._source, self._times, self._figures)
            self._changed = self._changed or not same
            self._source, self._times, self._figures = source, times, figures

    def imaged(self, images: dict[str, Any]) -> None:
        """Take what is told of the images that exist; see `streamify.jobs.early_images.MadeImages.told`."""
        with self._lock:
            self._changed = self._changed or images != self._images
            self._images = images

    def found(self, track: str, segment: int, when: float) -> None:
        """Take a segment that is in the ledger by now."""
        with self._lock:
            self._make(track, segment, when)

    def awaited(self) -> list[tuple[str, int]]:
        """Return, for each sound task that runs, the first segment that is not known to exist.

        A piece of sound is published segment by segment, in order, and told only at its end.
        """
        with self._lock:
            if self._plan is None:
                return []
            pieces = [made_by(self._plan, line.task) for line in self._lanes.running if line.task.startswith("audio/")]
            firsts = (next((cell for cell in piece if not self._cells.exists(*cell)), None) for piece in pieces)
            return [cell for cell in firsts if cell is not None]

    def begun(self, track: str) -> int:
        """Return how many of a track's segments exist from its start on, without a gap."""
        with self._lock:
            return self._cells.begun(track)

    def snapshot(self, now: float) -> dict[str, Any]:
        """Return all that there is to know."""
        with self._lock:
            plan, timescale = self._plan, self._plan.timeline.timescale if self._plan is not None else 1
            tracks = plan.tracks if plan is not None else ()
            return self._head(now) | {
                "tracks": [
                    {"id": track.id, "name": name, "kind": track.kind}
                    for track, name in zip(tracks, _names(tracks), strict=True)
                ],
                "segments": self._cells.segments,
                "timescale": timescale,
                "lengths": run_lengths(stop - start for start, stop in pairwise(self._borders)),
                "cells": self._cells.texts(),
                "attempts": [_row(line) for line in self._lanes],
            }

    def changes(self, now: float) -> dict[str, Any] | None:
        """Return what changed since the last call, or ``None``; for one caller, who passes it on to all others."""
        with self._lock:
            cells, attempts = self._cells.take_changes(), self._lanes.take_changes()
            if not cells and not attempts and not self._changed:
                return None
            self._changed = False
            return self._head(now) | {"cells": cells, "attempts": [_row(line) for line in attempts]}

    def detail(self, track: str, segment: int) -> dict[str, Any] | None:
        """Return what is known of one segment; ``None``: the job has no such segment."""
        cell = (track, segment)
        with self._lock:
            plan = self._plan
            if plan is None or cell not in self._cells:
                return None
            lines = [line for line in self._lanes if cell in made_by(plan, line.task)]
            return {
                "track": track,
                "segment": segment,
                "state": self._cells.state(track, segment),
                "attempts": [
                    {
                        "task": line.task, "number": line.number, "worker": line.worker, "started": line.started,
                        "ended": line.ended, "outcome": line.outcome, "message": line.message, "log": line.log,
                        "cpu_seconds": line.cpu_seconds,
                    }
                    for line in lines
                ],
            }  # fmt: skip

    def _head(self, now: float) -> dict[str, Any]:
        speed, left = self._tally.speed(now), self._tally.eta(now)
        making = self._state == "making"
        return {
            "edition": self._edition,
            "now": round(now, 3),
            "state": self._state,
            "source": self._source,
            "error": self._error,
            "report": self._state == "complete",
            "times": {name: round(when, 3) for name, when in self._times.items()},
            "share": 1.0 if self._state == "complete" else round(self._tally.fraction, 4),
            "speed": round(speed, 2) if speed is not None and making else None,
            "seconds_left": round(left, 1) if left is not None and making else None,
            "workers": self._tally.workers,
            "images": self._images,
        } | self._figures

    def _make(self, track: str, segment: int, when: float) -> None:
        if (track, segment) in self._cells:
            self._cells.make(track, segment)
            if "made" not in self._times and self._cells.complete:
                self._times["made"], self._changed = when, True

    def _attempt(self, event: Event, task: str, number: int, worker: str) -> None:
        data = event.data
        if event.kind == "task.started":
            self._begin(task, number, worker, event.time)
        elif event.kind in ("task.paused", "task.resumed"):
            self._lanes.pause(task, number, worker, paused=event.kind == "task.paused")
        elif event.kind == "task.finished":
            self._lanes.end(task, number, worker, event.time, "finished", cpu_seconds=data.get("cpu_seconds"))
            for other in self._lanes.running:
                if other.task == task:  # a second attempt, or the first: it is cut off
                    self._lanes.end(task, other.number, other.worker, event.time, "cancelled")
        elif event.kind in ("task.retried", "task.failed"):
            outcome, log = event.kind.removeprefix("task."), str(data.get("log") or "")
            self._lanes.end(task, number, worker, event.time, outcome, message=event.message, log=log)
            self._spoil(task, outcome)

    def _begin(self, task: str, number: int, worker: str, when: float) -> None:
        self._lanes.begin(task, number, worker, when)
        self._cells.change(self._made_by(task), RUNNING if number == 1 else AGAIN)

    def _spoil(self, task: str, outcome: str) -> None:
        self._cells.change(self._made_by(task), FAILED if outcome == "failed" else AGAIN)

    def _made_by(self, task: str) -> list[tuple[str, int]]:
        return list(made_by(self._plan, task)) if self._plan is not None else []


_CHANNELS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def _names(tracks: Sequence[VideoTrack | AudioTrack]) -> Iterator[str]:
    """Yield what people call each track. Stereo and surround of one language have one name in the manifests."""
    times = Counter(track.labels.name for track in tracks)
    for track in tracks:
        name = track.labels.name
        if track.kind == "audio" and times[name] > 1:
            count = track.recipe.channels
            name += f", {_CHANNELS.get(count, f'{count} channels')}"
        yield name


def _row(line: Line) -> list[Any]:
    ended = round(line.ended, 3) if line.ended is not None else None
    return [line.id, line.task, line.number, line.worker, line.lane, round(line.started, 3), ended,
            _LETTERS[line.outcome]]  # fmt: skip
