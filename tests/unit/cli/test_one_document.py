"""One JSON document on stdout, whatever happens once it has begun."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamify.backends.here import Here
from streamify.cli.commands import play
from streamify.errors import SourceError
from streamify.model.event import Event

Cli = Callable[..., Any]

THIRD = """
import os, signal
from streamify.cli.options import Document
from streamify.cli.signals import stopping
write = os.write
def interrupted(descriptor, data):
    written = write(descriptor, data)
    signal.raise_signal(signal.SIGTERM)
    return written
os.write = interrupted
with stopping(Document(owed=True)):
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
"""


def test_a_third_signal_while_the_second_ends_the_command_adds_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", THIRD], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 130
    assert done.stderr.count("[interrupted]") == 1
    assert json.loads(done.stdout)["error"]["code"] == "interrupted"


LATE = """
import gc, os, signal, sys
from streamify.cli.main import main
from streamify.errors import SourceError
from streamify.jobs import verify
_, outcome, moment = sys.argv
class Found:
    def check(self):
        if outcome == "faulty":
            raise SourceError("source-empty", "it is empty")
    def to_json(self):
        return b'{"whole": true}'
verify.verify = lambda *_: Found()
write = os.write
def interrupted(descriptor, data):
    written = write(descriptor, data[:8] if descriptor == 1 else data)
    if descriptor == 1:
        signal.raise_signal(signal.SIGTERM)
    return written
if moment == "after":
    gc.freeze = lambda: signal.raise_signal(signal.SIGTERM)  # the last that is called before the exit
else:
    os.write = interrupted
sys.argv[1:] = ["verify", "out", "--json"]
main()
"""


@pytest.mark.parametrize(
    ("outcome", "moment", "written"),
    [
        ("whole", "after", '{"whole": true}\n'),
        ("whole", "inside", '{"whole"'),
        ("faulty", "after", '{"error": {"code": "source-empty", "message": "it is empty", "hint": ""}}\n'),
    ],
)
def test_a_signal_adds_nothing_to_a_document_that_has_begun(outcome: str, moment: str, written: str) -> None:
    command = [sys.executable, "-c", LATE, outcome, moment]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (143, written)


EARLY = """
import os, signal, sys, time
from streamify.backends.here import Here
from streamify.cli import out
from streamify.cli.commands import play
from streamify.cli.main import main
from streamify.errors import Interrupted
from streamify.http import play as http
from streamify.jobs import verify
from streamify.model.event import Event
moment, *sys.argv[1:] = sys.argv[1:]
class Found:
    def check(self):
        pass
    def to_json(self):
        return b"{}"
def interrupt(*_, **__):
    os.kill(os.getpid(), signal.SIGTERM)  # in whatever thread: the main one takes it
def make(self, source, dest, settings, live, on_event, stop):
    if moment == "engine":
        interrupt()
    else:
        on_event(Event(time=time.time(), kind="engine.ready", data={"engine": "local", "workers": 1}))
        live._texts = {"master.m3u8": b"#EXTM3U"}
    if moment != "made":
        stop.wait()
        raise Interrupted(stop.exit_code)
serve = http.play_server
def served(*args, **options):
    interrupt()
    return serve(*args, **options)
Here.play, verify.verify = make, lambda *_: Found()
if moment == "found":
    http.open_play = interrupt
elif moment in ("server", "made"):
    http.play_server = served
elif moment == "text":
    encoded = out.encoded
    def slow(text, stream):
        if text.startswith("{}"):
            interrupt()
        return encoded(text, stream)
    out.encoded = slow
main()
"""


@pytest.mark.parametrize(
    ("moment", "command"),
    [
        ("engine", "play film.mp4 out --no-open"),
        ("found", "play out --no-open"),
        ("text", "verify out"),
    ],
)
def test_a_signal_before_the_document_is_told_in_it(moment: str, command: str, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    done = _interrupted(moment, [*command.split(), "--json"], tmp_path)
    assert done.returncode == 143
    assert json.loads(done.stdout)["error"]["code"] == "interrupted"
    assert done.stderr.count("[interrupted]") == 1


@pytest.mark.parametrize("moment", ["server", "made"])
def test_a_signal_before_the_server_takes_them_ends_it(moment: str, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    done = _interrupted(moment, ["play", "film.mp4", "out", "--no-open", "--json"], tmp_path)
    assert (done.returncode, done.stderr) == (143, "")
    assert set(json.loads(done.stdout)) == {"url"}


def _interrupted(moment: str, args: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", EARLY, moment, *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once the URL is told."""
    told, announce = threading.Event(), play._announce

    def tell(*given: Any) -> None:
        announce(*given)
        told.set()

    monkeypatch.setattr(play, "_announce", tell)
    return told


def test_a_job_that_fails_before_its_engine_is_ready_is_the_document(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: threading.Event
) -> None:
    def fail(*_: object) -> None:
        told.wait(2 * play._HEAD_START)  # where the URL is told first, its document is the one
        raise SourceError("source-empty", "it is empty")

    monkeypatch.setattr(Here, "play", fail)
    (tmp_path / "film.mp4").write_bytes(b"x")
    found = cli("play", "film.mp4", "out", "--json", "--no-open")
    assert (found.code, found.json["error"]["code"]) == (3, "source-empty")


def test_a_job_that_fails_after_its_url_is_told_adds_no_document(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: threading.Event
) -> None:
    def fail(*given: Any) -> None:
        on_event = given[5]
        on_event(Event(time=0, kind="engine.ready", data={"engine": "local", "workers": 1}))
        assert told.wait(60)
        raise SourceError("source-empty", "it is empty")

    monkeypatch.setattr(Here, "play", fail)
    (tmp_path / "film.mp4").write_bytes(b"x")
    found = cli("play", "film.mp4", "out", "--json", "--no-open")
    assert found.code == 3
    assert set(found.json) == {"url"}
    assert "[source-empty]" in found.err
