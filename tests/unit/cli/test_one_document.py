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


def test_a_job_that_fails_after_its_url_is_told_adds_no_document(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    announce = play._announce

    def tell(*given: Any) -> None:
        announce(*given)
        told.set()

    def fail(*_: object) -> None:
        assert told.wait(60)
        raise SourceError("source-empty", "it is empty")

    monkeypatch.setattr(play, "_announce", tell)
    monkeypatch.setattr(Here, "play", fail)
    (tmp_path / "film.mp4").write_bytes(b"x")
    found = cli("play", "film.mp4", "out", "--json", "--no-open")
    assert found.code == 3
    assert set(found.json) == {"url"}
    assert "[source-empty]" in found.err
