"""The live display in a real terminal, tmux, whose window changes: nothing of it stays, on the screen or above."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.driving import wait_for

SHOW = """
import itertools, os, sys, time
from streamify.cli.options import Common
from streamify.cli.show.progress import watching
from streamify.model.event import Event

def event(kind, **data):
    return Event(time=time.time(), kind=kind, data=data)

with watching(Common()) as take:
    take(event("plan.ready", segments=60, renditions=["1080p", "720p"], audio=1, duration=360.0, total=180, reused=0))
    for number in itertools.count():
        if os.path.exists(sys.argv[1]):
            break
        time.sleep(0.1)
        take(event("segment.finished", track="t", name="720p", segment=min(number, 30)))
print("done")
"""
WIDTHS = (120, 60, 100, 40, 160, 50, 90, 45, 130, 30, 100)

Tmux = Callable[..., str]


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A window of 160 x 24 with an empty screen, in which a job is shown until there is a file `over`."""
    (tmp_path / "show.py").write_text(SHOW)

    def run(*args: object) -> str:
        command = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null", *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    show = shlex.join([sys.executable, str(tmp_path / "show.py"), str(tmp_path / "over")])
    run("new-session", "-d", "-x", "160", "-y", "24", "-e", "LC_ALL=C.UTF-8", "-e", "TERM=tmux", f"{show}; sleep 60")
    yield run
    run("kill-server")


def test_a_terminal_that_is_resized_quickly_keeps_no_rows_of_the_display(tmux: Tmux, tmp_path: Path) -> None:
    wait_for(lambda: "1080p" in tmux("capture-pane", "-p").splitlines()[2])
    for width in WIDTHS:
        tmux("resize-window", "-x", width, "-y", 24)
        time.sleep(0.06)
    wait_for(lambda: "720p  \u2588" in tmux("capture-pane", "-p"))  # it is whole again
    (tmp_path / "over").touch()
    wait_for(lambda: "done" in tmux("capture-pane", "-p"))
    shown = [line.rstrip() for line in tmux("capture-pane", "-p", "-S", "-").splitlines() if line.strip()]
    assert shown == ["60 segments x (1080p, 720p; 1 audio)", "done"]
