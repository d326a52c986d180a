"""Sound of several pieces: the same bytes from every engine, with any number of workers, and after kills."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from clips.melody import film, melody
from e2e.driving import job, media, streamify, wait_for
from e2e.halting import Halt

SECONDS = 250
"""Three pieces of 120 s."""
FLAGS = ("--ladder", "auto", "--preset", "ultrafast", "--no-short-start")
SOURCES = {
    "mp4": (),
    "mkv": ("-c:a", "ac3"),
    "ts": (),
}


def sound(dest: Path) -> dict[str, str]:
    return {name: digest for name, digest in media(dest).items() if name.startswith("audio/")}


@pytest.mark.long
@pytest.mark.parametrize("container", SOURCES)
def test_same_sound_everywhere(container: str, tmp_path: Path) -> None:
    # How pieces are cut out of a file is a matter of its container; workers and kills are not.
    wave = np.tile(melody(50), 5)
    source = film(tmp_path / f"source.{container}", wave, *SOURCES[container], "-r", "5", "-g", "10")
    assert streamify("transcode", source, tmp_path / "inline", *FLAGS, "--engine", "inline").code == 0
    wanted = sound(tmp_path / "inline")
    assert len(wanted) == 1 + -(-SECONDS // 6)  # and an init
    plan = (tmp_path / "inline" / ".streamify" / "plan.json").read_text()
    assert '"piece_segments":20' in plan.replace(" ", "")
    for workers in ("1", "2") if container == "mkv" else ("2",):
        dest = tmp_path / workers
        assert streamify("transcode", source, dest, *FLAGS, "--workers", workers).code == 0
        assert sound(dest) == wanted
    if container != "mkv":
        return
    dest, halt = tmp_path / "killed", Halt(tmp_path, 5, "*/audio/*/*.m4s")
    with job(tmp_path / "events", source, dest, *FLAGS, "--workers", "2", env=halt.env) as running:
        wait_for(lambda: len(list(dest.glob("audio/*/*.m4s"))) > 3)
        os.kill(running.process.pid, signal.SIGKILL)
    wait_for(lambda: not running.orphans(), fault=True)
    assert 3 < len(list(dest.glob("audio/*/*.m4s"))) < len(wanted) - 1, "killed before the last segment"
    assert streamify("transcode", source, dest, *FLAGS, "--workers", "2").code == 0
    assert sound(dest) == wanted
