"""Drives Streamify from outside and looks at what it leaves behind."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest

from e2e.forking import Forks
from streamify.jobs import verify as verifying
from streamify.jobs.verify import Verification
from streamify.model.location import Location
from streamify.model.settings import Settings
from streamify.settings.arguments import RungDict
from waiting import wait_until

COMMAND = Path(sys.executable).with_name("streamify")
MANIFESTS = ("master.m3u8", "manifest.mpd", "report.json")


def rungs(*sides: int, crf: float | None = None, maxrate: int = 600_000) -> list[RungDict]:
    """Return a ladder of small rungs, as the API takes it."""
    return [{"name": f"{side}p", "short_side": side, "maxrate": maxrate, "crf": crf} for side in sides]


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of an error."""
        found = [line for line in self.err.splitlines() if line.startswith("streamify: error: ")]
        assert len(found) == 1, self.err
        assert "Traceback" not in self.err
        return found[0]

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


def streamify(
    *args: object, cwd: Path | None = None, prefix: Sequence[str] = (), env: dict[str, str] | None = None
) -> Ran:
    """Run one command line to its end: in a fork, unless a `prefix` runs it or `env` changes its environment."""
    if not prefix and env is None:
        ended = _forks().run([str(one) for one in args], cwd, 200)
        return Ran(ended.code, ended.out, ended.err)
    command = [*prefix, str(COMMAND), *map(str, args)]
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | (env or {}), capture_output=True, text=True, timeout=200, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@cache
def _forks() -> Forks:
    found = Forks()
    atexit.register(found.close)
    return found


def cpu_of_forks() -> float:
    """Return the CPU seconds of all command lines that ran in forks."""
    return _forks().cpu


def media(dest: Path) -> dict[str, str]:
    """Return the hash of every media file by its name below DEST."""
    files = (path for kind in ("video", "audio") for path in (dest / kind).rglob("*.m*") if path.suffix != ".m3u8")
    return {str(path.relative_to(dest)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def made(source: Path, folder: Path, *flags: object) -> dict[str, str]:
    """Return what `media` gives of a stream that is made in a folder without any disturbance."""
    assert streamify("transcode", source, folder / "dest", *flags).code == 0
    return media(folder / "dest")


def verify(dest: Path, source: Path | None = None) -> Verification:
    """Do what `streamify.verify` does in this process: to start workers takes longer than most checks."""
    original = None if source is None else Location.of_source(source)
    found = verifying.verify(Location.of_dest(dest), original, settings=Settings(engine="inline"))
    found.check()
    return found


def published(dest: Path) -> list[str]:
    """Return the names of manifests and report that exist: a stream without all of them is not published."""
    return [name for name in MANIFESTS if (dest / name).exists()]


def wait_for(what: Callable[[], Any], seconds: float = 120, *, fault: bool = False) -> Any:
    """See `waiting.wait_until`."""
    return wait_until(what, seconds, fault=fault)


class Job:
    """A running ``streamify transcode`` and its events."""

    def __init__(self, process: subprocess.Popen[str], events: Path) -> None:
        self.process = process
        self._events = events

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the events so far."""
        text = self._events.read_text() if self._events.exists() else ""
        lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if not kinds or line["kind"] in kinds]

    def in_flight(self) -> dict[str, int]:
        """Return the tasks that have begun and not ended, and their workers."""
        running: dict[str, int] = {}
        for event in self.events("task.started", "task.finished", "task.retried", "task.failed"):
            if event["kind"] == "task.started":
                running[event["task"]] = event["worker"]
            else:
                running.pop(event["task"], None)
        return running

    def workers(self) -> set[int]:
        """Return the ids of all workers that were ever started."""
        return {event["worker"] for event in self.events("task.started")}

    def orphans(self) -> list[int]:
        """Return workers that are still alive."""
        return [pid for pid in self.workers() if alive(pid)]

    def end(self) -> Ran:
        """Wait for the end."""
        out, err = self.process.communicate(timeout=200)
        return Ran(self.process.returncode, out, err)


def alive(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def job(events: Path, *args: object, env: dict[str, str] | None = None) -> Iterator[Job]:
    """Start ``streamify transcode ARGS``; whatever happens, nothing of it stays."""
    command = [str(COMMAND), "transcode", *map(str, args), "--events", str(events)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        running = Job(process, events)
        try:
            yield running
        finally:
            if process.poll() is None:
                process.kill()


class Playing:
    """A `streamify play SOURCE DEST` that runs."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url

    def get(self, key: str) -> bytes:
        """Return what is at a key; ask again where the server says so."""
        for _ in range(60):
            try:
                with urllib.request.urlopen(self.url + key, timeout=30) as answer:
                    return bytes(answer.read())
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise
                with error:
                    time.sleep(float(error.headers["Retry-After"]))
        raise AssertionError(f"{key} never came")

    def tracks(self) -> list[str]:
        """Return the folders of all tracks, video first."""
        master = self.get("master.m3u8").decode()
        named = [line for line in master.splitlines() if line.startswith("video/")]
        named += [part.split('"')[1] for part in master.split("URI=")[1:] if part.startswith('"audio/')]
        return [name.rpartition("/")[0] for name in named]

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(120)


@contextmanager
def playing(*args: object, env: dict[str, str] | None = None) -> Iterator[Playing]:
    """Start ``streamify play ARGS``; whatever happens, nothing of it stays."""
    command = [str(COMMAND), "play", *map(str, args), "--no-open", "--json"]
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env))
        stack.callback(process.kill)
        assert process.stdout is not None
        yield Playing(process, json.loads(process.stdout.readline())["url"])


@contextmanager
def disk(folder: Path, options: str) -> Iterator[Path]:
    """Mount a disk of its own at `folder`; skip the test where that is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk of its own needs the right to mount one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
