"""Progress of a job, counted from its events. Pure: no clock, no terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamify.planning.pace import Countdown, Pace

if TYPE_CHECKING:
    from streamify.model.event import Event


@dataclass
class Row:
    """One rendition, or all audio."""

    segments: int
    """How many it takes."""
    expected: float
    """CPU cost of one segment as the plan expects it, in any unit; 0 where it is too cheap to count."""
    opening: tuple[float, ...] = ()
    """Lengths of the shorter segments at the start; all others are 1."""
    before: int = 0
    """Segments that earlier runs made."""
    done: set[tuple[str, int]] = field(default_factory=set)
    """Track and segment made in this run."""
    indices: set[int] = field(default_factory=set)
    """Segments made in this run, of any track."""
    made: float = 0.0
    """Length of what was made in this run."""
    cpu_seconds: float = 0.0
    """What the `timed` segments took."""
    timed: float = 0
    """Their length."""

    def finish(self, track: str, segment: int, cpu_seconds: float) -> None:
        """Take a segment that was made; told twice it counts once."""
        if (track, segment) not in self.done:
            self.done.add((track, segment))
            self.indices.add(segment)
            self.made += self.length(segment)
            self.cpu_seconds += cpu_seconds
            self.timed += self.length(segment) if cpu_seconds > 0 else 0

    @property
    def measured(self) -> float | None:
        """CPU seconds of one whole segment on average."""
        return self.cpu_seconds / self.timed if self.timed else None

    def length(self, segment: int) -> float:
        """Return the length of a segment, in those of a whole one."""
        return self.opening[segment] if segment < len(self.opening) else 1.0

    def covered(self, count: int) -> float:
        """Return about the length of `count` segments: of the first ones."""
        return sum(self.opening[:count]) + max(0, count - len(self.opening))

    @property
    def whole(self) -> float:
        """Length of all segments."""
        return self.covered(self.segments)

    @property
    def complete(self) -> int:
        """Segments that exist."""
        return min(self.segments, self.before + len(self.done))


@dataclass(frozen=True)
class Running:
    """A task that reports while it runs."""

    segment: int
    names: tuple[str, ...]
    """Of the renditions that it makes."""
    share: float
    """How much of it is done, 0 to 1."""


class Tally:
    """What is done, how fast, and how long the rest will take.

    Work is counted in what each rendition costs: as measured on the segments that are finished, until then as planned.
    Audio counts only where there is no video: its tasks end long before, and a bar that counts them says 20 % when
    2 % of the time is over.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.duration = 0.0
        """Seconds of the film."""
        self.frames = 0
        """Pictures of the film; 0 where that is not known."""
        self.workers = 0
        self.retries = 0
        self.tasks = 0
        """Tasks that ended."""
        self.checking = False
        """The tasks are checks of finished segments."""
        self.uploaded: tuple[float, float] | None = None
        """Bytes of the source, done and in all, while it is uploaded."""
        self.started: float | None = None
        """Time of the first event."""
        self._segments = 0
        self._running: dict[str, Running] = {}
        self._pace = Pace()
        self._countdown = Countdown()

    def see(self, event: Event) -> None:
        """Take one event."""
        self.started = event.time if self.started is None else self.started
        data = event.data
        if event.kind == "plan.ready":
            self._plan(data)
            self._pace.start(event.time)
        elif event.kind == "engine.ready":
            self.workers = int(data.get("workers", 0))
            self._pace.start(event.time)
        elif event.kind == "task.progress":
            self._progress(event)
        elif event.kind == "segment.finished":
            self._finished(event)
        elif event.kind == "upload.progress":
            done, total = _number(data.get("bytes")), _number(data.get("total"))
            self.uploaded = (done, total) if done < total else None
        elif event.kind in ("task.retried", "task.failed"):
            self.retries += event.kind == "task.retried"
            self._running.pop(event.task or "", None)
        elif event.kind == "task.finished" and event.task != "split":
            self.tasks += 1
            self.checking = (event.task or "").startswith("check/")

    def moves(self, event: Event) -> bool:
        """Return whether an event changes how much is done."""
        return event.kind in ("segment.finished", "upload.progress", "task.progress") or (
            not self.rows and event.kind == "task.finished" and self.tasks > 0
        )

    def _plan(self, data: dict[str, object]) -> None:
        names = [str(name) for name in _list(data.get("renditions"))]
        self._segments, self.duration = int(_number(data.get("segments"))), _number(data.get("duration"))
        self.frames = int(_number(data.get("frames")))
        cost = [_number(share) for share in _list(data.get("cost"))]
        shares = cost if len(cost) == len(names) and sum(cost) > 0 else [1.0] * len(names)
        audio = int(_number(data.get("audio")))
        opening = tuple(_number(length) for length in _list(data.get("opening")))
        self.rows = {name: Row(self._segments, share, opening) for name, share in zip(names, shares, strict=True)}
        if audio:
            self.rows["audio"] = Row(self._segments * audio, 0.0 if names else 1.0)
        before = data.get("reused_by")
        if isinstance(before, dict):
            for name, count in before.items():
                (self.rows.get(str(name)) or self.rows["audio"]).before += int(count)
        elif reused := int(_number(data.get("reused"))):  # no word on which: spread evenly
            total = sum(row.segments for row in self.rows.values()) or 1
            for row in self.rows.values():
                row.before = min(row.segments, row.segments * reused // total)

    def _progress(self, event: Event) -> None:
        done, total = _number(event.data.get("done")), _number(event.data.get("total"))
        kind, _, rest = (event.task or "").partition("/")
        segment, _, names = rest.partition("/")
        known = tuple(name for name in names.split(",") if name in self.rows)
        if kind == "video" and segment.isdigit() and known and total > 0:
            self._running[event.task or ""] = Running(int(segment), known, min(1.0, done / total))
            self._pace.add(event.time, self._made(), partial=True)

    def _finished(self, event: Event) -> None:
        data = event.data
        name, segment = str(data.get("name", "")), int(data["segment"])
        row = self.rows.get(name) or self.rows.setdefault("audio", Row(self._segments, 0.0))
        row.finish(str(data.get("track", name)), segment, _number(data.get("cpu_seconds")))
        running = self._running.get(event.task or "")
        if running is not None and all(running.segment in self.rows[name].indices for name in running.names):
            del self._running[event.task or ""]
        if row.expected:
            self._pace.add(event.time, self._made(), partial=False)

    @property
    def total(self) -> int:
        """Segments of all tracks."""
        return sum(row.segments for row in self.rows.values())

    @property
    def complete(self) -> int:
        """Segments of all tracks that exist."""
        return sum(row.complete for row in self.rows.values())

    def at_work(self, name: str) -> set[int]:
        """Return the segments of a rendition that workers make now, as far as they report."""
        return {task.segment for task in self._running.values() if name in task.names}

    @property
    def fraction(self) -> float:
        """Share of the whole work that is done, by this run and earlier ones."""
        if self.rows and self.complete == self.total:
            return 1.0
        before = {name: row.covered(row.before) for name, row in self.rows.items()}
        return min(1.0, self._share(before) + self._made())

    def _made(self) -> float:
        """Return the share of the whole work that this run has done, with the parts of running tasks."""
        made = {name: row.made for name, row in self.rows.items()}
        for task in self._running.values():
            for name in task.names:
                row = self.rows[name]
                made[name] += 0.0 if task.segment in row.indices else task.share * row.length(task.segment)
        return self._share(made)

    def _share(self, lengths: Mapping[str, float]) -> float:
        """Return the share of the whole work that so much of each row is."""
        weights = self._weights()
        return sum(weights[name] * lengths[name] / row.whole for name, row in self.rows.items() if row.segments)

    def _weights(self) -> dict[str, float]:
        """Return each row's share of the whole work; expected costs are scaled to what was measured beside them."""
        both = [(row.measured, row.expected) for row in self.rows.values() if row.measured and row.expected]
        scale = sum(cost for cost, _ in both) / sum(expected for _, expected in both) if both else 1.0
        cost = {
            name: row.measured if row.measured and row.expected else row.expected * scale
            for name, row in self.rows.items()
        }
        whole = sum(cost.values()) or 1.0
        return {name: share / whole for name, share in cost.items()}

    def speed(self, now: float) -> float | None:
        """Return seconds of film per second of wall time, or ``None`` before there is enough to tell."""
        rate = self._pace.rate(now)
        return rate * self.duration if rate is not None else None

    def fps(self, now: float) -> float | None:
        """Return pictures of the film per second of wall time, each counted once however many renditions it has."""
        rate = self._pace.rate(now)
        return rate * self.frames if rate is not None and self.frames else None

    def eta(self, now: float) -> float | None:
        """Return the seconds that are left at the measured rate, or ``None`` before there is enough to tell."""
        rate = self._pace.rate(now)
        return self._countdown.update(now, (1 - self.fraction) / rate) if rate is not None else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
