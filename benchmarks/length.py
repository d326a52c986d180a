"""What depends on the length of the source, and what must not: synthetic films of a minute, an hour and ten hours."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.command import run
from benchmarks.figure import Figure
from benchmarks.lab import Lab
from benchmarks.sources import Source, long_film

MIB = 1 << 20
HOUR = 3600
LENGTHS = {"1 min": 60, "1 h": HOUR, "10 h": 10 * HOUR}


class Films:
    """Films of each length and what single tasks on them took."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._split: dict[int, dict[str, Any]] = {}

    def split(self, seconds: int) -> dict[str, Any]:
        """Return what planning took, the segment list included."""
        if seconds not in self._split:
            self._split[seconds] = self._single(seconds, "split")
        return self._split[seconds]

    def middle(self, kind: str, seconds: int) -> dict[str, Any]:
        """Return what the middle task took."""
        self.split(seconds)
        task = self._work / f"{kind}-{seconds}.json"
        self._single(seconds, f"find-{kind}", task)
        return self._single(seconds, "run", task)

    def _single(self, seconds: int, action: str, *file: Path) -> dict[str, Any]:
        film, dest = long_film(self._work, seconds), self._work / f"dest-{seconds}"
        took = run([sys.executable, "-m", "benchmarks.single", action, film, dest, *file])
        return json.loads(took.output) if took.output else {}


def length(lab: Lab, _sources: list[Source]) -> Iterator[Figure]:
    """Compare the middle task of each film: bytes read, peak memory and the task's own size."""
    films = Films(lab.work)
    for kind in ("video", "audio"):
        took = {name: films.middle(kind, seconds) for name, seconds in LENGTHS.items()}
        # A minute has no middle piece of audio: its only one is the first, shorter than those of a long film.
        base = "1 min" if kind == "video" else "1 h"
        for what, unit, name in (("read", 1, "bytes"), ("peak", MIB, "MiB"), ("payload", 1, "bytes")):
            behind = {f"{name} at {length}": one[what] / unit for length, one in took.items()}
            ratio = took["10 h"][what] / took[base][what]
            yield Figure(f"length {kind} {what}, 10 h over {base}", ratio, "x", 1.1, behind=dict(behind))


def planning(lab: Lab, _sources: list[Source]) -> Iterator[Figure]:
    """Time the whole dry run of ten hours, and the split task of a job against that of one hour."""
    films = Films(lab.work)
    film = long_film(lab.work, 10 * HOUR)
    left = lab.work / "plan.driver.json"
    took = run([sys.executable, "-m", "benchmarks.driver", left, "plan", film, "--json"])
    hour, ten = films.split(HOUR), films.split(10 * HOUR)
    yield Figure("planning 10 h, streamify plan", took.wall, "s", 2.0, behind={"CPU s": took.cpu})
    yield Figure(
        "planning 10 h, split task of a job",
        ten["wall"],
        "s",
        2.0,
        behind={"CPU s": ten["cpu"], "read MiB": ten["read"] / MIB, "peak MiB": ten["peak"] / MIB},
    )
    yield Figure(
        "planning CPU, 10 h over 1 h",
        ten["cpu"] / hour["cpu"],
        "x",
        11.0,
        behind={"at 1 h s": hour["cpu"], "at 10 h s": ten["cpu"], "read at 1 h MiB": hour["read"] / MIB},
    )
    peak = json.loads(left.read_text())["peak"]
    yield Figure("planning 10 h, driver memory", peak / MIB, "MiB", 200)
