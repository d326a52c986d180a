"""Progress of a job, counted from its events. Pure: no clock, no terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamify.model.event import Event


@dataclass
class Row:
    """One rendition, or all audio."""

    segments: int
    """How many it takes."""
    weight: float
    """Share of the whole work; 0 where it is too cheap to count."""
    before: int = 0
    """Segments that earlier runs made."""
    done: set[tuple[str, int]] = field(default_factory=set)
    """Track and segment made in this run."""
    bytes: int = 0

    @property
    def complete(self) -> int:
        """Segments that exist."""
        return min(self.segments, self.before + len(self.done))


class Tally:
    """What is done, how fast, and how long it will take.

    Work is counted in seconds of output. Audio counts only where there is no video: its tasks end long before, and
    a bar that counts them says 20 % when 2 % of the time is over.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.duration = 0.0
        self.segments = 0
        self.workers = 0
        self.retries = 0
        self.tasks = 0
        self.uploaded: tuple[float, float] | None = None
        """Bytes of the source, done and in all, while it is uploaded."""
        self._started: float | None = None

    def see(self, event: Event) -> None:
        """Take one event."""
        data = event.data
        if event.kind == "plan.ready":
            self._plan(data)
            self._started = event.time
        elif event.kind == "engine.ready":
            self.workers = int(data.get("workers", 0))
            self._started = event.time
        elif event.kind == "segment.finished":
            name = str(data.get("name", ""))
            row = self.rows.get(name) or self.rows.setdefault("audio", Row(self.segments, 0.0))
            row.done.add((str(data.get("track", name)), int(data["segment"])))
            row.bytes += int(data.get("bytes", 0))
        elif event.kind == "upload.progress":
            done, total = _number(data.get("bytes")), _number(data.get("total"))
            self.uploaded = (done, total) if done < total else None
        elif event.kind == "task.retried":
            self.retries += 1
        elif event.kind == "task.finished" and event.task != "split":
            self.tasks += 1

    def moves(self, event: Event) -> bool:
        """Whether an event changes what `line` says."""
        return event.kind in ("segment.finished", "upload.progress") or (
            not self.rows and event.kind == "task.finished" and self.tasks > 0
        )

    def _plan(self, data: dict[str, object]) -> None:
        names = [str(name) for name in _list(data.get("renditions"))]
        self.segments, self.duration = int(_number(data.get("segments"))), _number(data.get("duration"))
        cost = [_number(share) for share in _list(data.get("cost"))]
        shares = cost if len(cost) == len(names) and sum(cost) > 0 else [1.0] * len(names)
        audio = int(_number(data.get("audio")))
        self.rows = {name: Row(self.segments, share / sum(shares)) for name, share in zip(names, shares, strict=True)}
        if audio:
            self.rows["audio"] = Row(self.segments * audio, 0.0 if names else 1.0)
        before = data.get("reused_by")
        if isinstance(before, dict):
            for name, count in before.items():
                (self.rows.get(str(name)) or self.rows["audio"]).before += int(count)
        elif reused := int(_number(data.get("reused"))):  # no word on which: spread evenly
            total = sum(row.segments for row in self.rows.values()) or 1
            for row in self.rows.values():
                row.before = min(row.segments, row.segments * reused // total)

    @property
    def total(self) -> int:
        """Segments of all tracks."""
        return sum(row.segments for row in self.rows.values())

    @property
    def complete(self) -> int:
        """Segments of all tracks that exist."""
        return sum(row.complete for row in self.rows.values())

    @property
    def fraction(self) -> float:
        """Share of the whole work that is done, by this run and earlier ones."""
        return sum(row.weight * row.complete / row.segments for row in self.rows.values() if row.segments)

    def speed(self, now: float) -> float | None:
        """Return seconds of stream per second of wall time of this run, or ``None`` before the first segment."""
        made = sum(row.weight * len(row.done) / row.segments for row in self.rows.values() if row.segments)
        if not made or self._started is None or now <= self._started:
            return None
        return made * self.duration / (now - self._started)

    def eta(self, now: float) -> float | None:
        """Return the seconds that are left at the speed of this run."""
        speed = self.speed(now)
        return (1 - self.fraction) * self.duration / speed if speed else None

    def line(self, now: float) -> str:
        """Return the state in one line."""
        if self.uploaded and not self.rows:
            done, total = self.uploaded
            return f"{done / total:4.0%}, uploaded {done / 1e6:,.1f} of {total / 1e6:,.1f} MB"
        if not self.rows:
            return f"{self.tasks} task{'s' * (self.tasks != 1)} done" if self.tasks else "reading the source"
        speed, eta = self.speed(now), self.eta(now)
        parts = [f"{self.fraction:4.0%}", f"{self.complete} of {self.total} segments"]
        parts.append(f"{speed:.2f}x realtime" if speed else "speed not yet known")
        parts += [f"{clock(eta)} left"] if eta is not None else []
        parts += [f"{self.workers} worker{'s' * (self.workers != 1)}"] if self.workers else []
        parts += [f"{self.retries} retried"] if self.retries else []
        return ", ".join(parts)


def clock(seconds: float) -> str:
    """Return ``m:ss`` or ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
