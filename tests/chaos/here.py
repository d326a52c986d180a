"""The engine of this machine, driven by its command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from chaos.base import End
from chaos.gate import Gate
from e2e.driving import COMMAND, Job

FLAGS = ("--segment-seconds", "0.5", "--keyframe-seconds", "0.5", "--preset", "ultrafast", "--no-short-start")
LADDER = "- {name: 96p, short_side: 96, maxrate: 100000}\n"
CLOCK = Path(__file__).parent / "clock"
"""Holds a module that Python loads at its start; it changes the clock."""


def clock_of(off: float) -> dict[str, str]:
    """Return the environment of a process whose clock is off by so many seconds."""
    return {"PYTHONPATH": str(CLOCK), "CHAOS_CLOCK": str(off)} if off else {}


class CommandRun:
    """A ``streamify transcode`` that runs."""

    def __init__(self, command: list[str], events: Path, environment: dict[str, str]) -> None:
        self._events = events
        command = [*command, "--events", str(events), "--json"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
        )
        self._job = Job(self._process, events)

    def flying(self) -> dict[str, int]:
        return self._job.in_flight()

    def over(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> End:
        ran = self._job.end()
        alone = ran.out.count("\n") == 1  # nobody else writes to stdout
        found: dict[str, Any] = json.loads(ran.out) if alone else {}
        code = found.get("error", {}).get("code", "")
        return End(
            ran.code == 0 and alone, ran.code == -signal.SIGKILL, code, f"exit code {ran.code}: {ran.out}{ran.err}"
        )

    def failed(self) -> list[str]:
        return [event["task"] for event in self._job.events("task.failed")]

    def tries(self) -> Counter[str]:
        started = self._job.events("task.started")  # those beside a straggler are no fault's
        return Counter(event["task"] for event in started if not event["data"].get("second"))

    def codes(self) -> list[str]:
        return [event["data"]["code"] for event in self._job.events("task.retried", "task.failed")]


class LocalField:
    """Jobs on this machine, two tasks at a time."""

    places = 2
    flags: tuple[str, ...] = ("--workers", "2")

    def __init__(self, gate: Gate, media: str, source: str, clip: Path, work: Path) -> None:
        self.gate, self.media, self.source, self.clip, self._work = gate, media, source, clip, work
        self._runs = 0
        (work / "ladder.yaml").write_text(LADDER)

    def start(self, source: str, dest: str, *more: str, clock: float = 0) -> CommandRun:
        self._runs += 1
        command = [str(COMMAND), "transcode", source, dest, "--ladder", str(self._work / "ladder.yaml"), *FLAGS]
        events = self._work / f"events-{self._runs}"
        return CommandRun([*command, *self.flags, *more], events, clock_of(clock))

    def kill(self, worker: int) -> str:
        os.kill(worker, signal.SIGKILL)
        return f"killed worker {worker}"

    def mend(self) -> None:
        pass

    def close(self) -> None:
        pass

    def folder(self, name: str) -> Path:
        return self._work / name
