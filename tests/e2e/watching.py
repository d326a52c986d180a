"""Runs ``streamify watch`` and looks at what it decided."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from e2e.driving import COMMAND, wait_for

FLAGS = ("--preset", "ultrafast", "--workers", "1")
"""One worker: most of what such short jobs cost is the start of workers."""


class Watch:
    """A running ``streamify watch``."""

    def __init__(self, process: subprocess.Popen[str], events: Path) -> None:
        self.process, self._events = process, events

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the events so far, of all runs that wrote to the same file."""
        text = self._events.read_text() if self._events.exists() else ""
        lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if not kinds or line["kind"] in kinds]

    def ended(self, count: int = 1, seconds: float = 60) -> dict[str, dict[str, Any]]:
        """Wait until so many uploads are over; return how each ended, by key."""

        def found() -> list[dict[str, Any]]:
            assert self.process.poll() is None, self.process.communicate()
            return self.events("upload.ended")

        wait_for(lambda: len(found()) >= count, seconds)
        return {event["data"]["upload"]: event["data"]["ended"] for event in found()}

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """End it by a signal; return its exit code and what it said."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@contextmanager
def watch(
    uploads: object, media: object, events: Path, *flags: object, env: dict[str, str] | None = None
) -> Iterator[Watch]:
    """Start it; whatever happens, nothing of it stays."""
    command = [str(COMMAND), "watch", str(uploads), str(media), *FLAGS, *map(str, flags), "--events", str(events)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=env
    ) as process:
        running = Watch(process, events)
        before = len(running.events("watch.ready"))
        try:
            wait_for(lambda: len(running.events("watch.ready")) > before or process.poll() is not None)
            yield running
        finally:
            if process.poll() is None:
                process.kill()


def records(media: Path, kind: str) -> list[dict[str, Any]]:
    """Return what MEDIA keeps of uploads: ``accepted`` or ``ended``."""
    folder = media / ".streamify-watch" / kind
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
