"""``kill -9`` of driver and workers at random: no byte changes, nothing finished is made twice, nothing stays."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from clips.make import ClipSpec, make_clip
from e2e.driving import Job, alive, job, media, streamify, wait_for
from e2e.halting import Halt
from selection import sample

KILLS = {"a few": 2, "many": 6}
"""Kills of each run of the test."""
SEGMENTS = {"a few": 5, "many": 24}
FLAGS: tuple[str, ...] = (
    "--ladder",
    "360p,240p",
    "--segment-seconds",
    "0.5",
    "--keyframe-seconds",
    "0.5",
    "--preset",
    "veryfast",
)
FLAGS += ("--workers", "2")


@dataclass
class Kill:
    """One ``kill -9``."""

    victim: str
    pid: int
    in_flight: list[str]
    """Tasks that it cut off, proven by what happened after."""


@dataclass
class Watch:
    """Ledger entries that must never be written again: those of finished tasks."""

    dest: Path
    segments: int
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def stamp(self, path: Path) -> tuple[int, int]:
        facts = path.stat()
        return facts.st_ino, facts.st_mtime_ns

    def take(self, finished: set[tuple[str, int]] | None) -> None:
        """Remember entries: those of `finished`, or all where nothing runs any more."""
        for path in (self.dest / ".streamify" / "ledger").glob("*/*.json"):
            if path.parent.name.startswith("und-aac") and not self.audio_done():
                continue  # one task makes all of them, so none is finished before the last
            if finished is None or (path.parent.name, int(path.stem)) in finished:
                self.seen.setdefault(str(path), self.stamp(path))

    def audio_done(self) -> bool:
        return len(list((self.dest / ".streamify" / "ledger").glob("und-aac*/*.json"))) == self.segments

    def made(self) -> int:
        """Return how many segments the track of pictures has that has most."""
        return max((len(list(track.glob("[0-9]*.m4s"))) for track in self.dest.glob("video/*")), default=0)

    def rerun(self) -> list[str]:
        """Return entries that were written again."""
        return [path for path, stamp in self.seen.items() if self.stamp(Path(path)) != stamp]


def source(shared: Path, segments: int) -> Path:
    """Return a clip of so many segments of half a second."""
    spec = ClipSpec(seconds=Fraction(segments, 2), rate=Fraction(30), size=(640, 360), gop=75, bframes=2)
    return make_clip(spec, shared / "clips").path


@pytest.mark.parametrize("run", sample(KILLS, "a few"))
def test_random_kills(run: str, shared: Path, tmp_path: Path) -> None:
    dice, wanted, clip = random.Random(run), KILLS[run], source(shared, SEGMENTS[run])
    began = time.monotonic()
    assert streamify("transcode", clip, tmp_path / "undisturbed", *FLAGS).code == 0
    longest = min(0.2, (time.monotonic() - began) / 20)  # the tasks of a quick machine would else wait by then
    undisturbed = media(tmp_path / "undisturbed")
    kills: list[Kill] = []
    rounds, halt = 0, Halt(tmp_path, 0)
    while len(kills) < wanted or len({kill.victim for kill in kills}) < 2 or _hits(kills) < wanted * 3 // 4:
        rounds += 1
        assert rounds < 10, kills
        dest = tmp_path / f"dest{rounds}"
        watch = Watch(dest, SEGMENTS[run])
        for attempt in reversed(range(2 * wanted + 2)):
            halt.allow(0)
            with job(tmp_path / f"events{rounds}-{attempt}", clip, dest, *FLAGS, env=halt.env) as running:
                most = max(1, wanted - len(kills)) if attempt else 0  # the last one is left alone
                victims = {kill.victim for kill in kills}
                kills.extend(_disturb(running, watch, dice, most, victims, longest, halt))
                halt.release()
                ended = running.end()
                wait_for(partial(_gone, running), fault=True)
            if ended.code == 0:
                break
            assert ended.code == -signal.SIGKILL
            watch.take(None)
        else:
            pytest.fail("never finished")
        assert watch.rerun() == []
        assert media(dest) == undisturbed
        assert not list(dest.rglob(".tmp-*"))
    log = [json.dumps(asdict(kill)) for kill in kills]
    (tmp_path / "kills.ndjson").write_text("\n".join(log))
    print("\n".join(log))  # noqa: T201 - for pytest -rP
    assert streamify("verify", dest, "--source", clip).code == 0


def _hits(kills: list[Kill]) -> int:
    """Return how many kills cut off a task."""
    return sum(bool(kill.in_flight) for kill in kills)


def _disturb(
    running: Job, watch: Watch, dice: random.Random, most: int, killed: set[str], longest: float, halt: Halt
) -> Iterator[Kill]:
    """Kill workers, and in the end the driver, each at a moment of its own.

    The job is let go on by some segments at a time, never to its end; the moment comes up to `longest` seconds after
    one of them. Of the two kinds, the one that is not among those that were `killed` comes next; else either.
    """
    for _ in range(most):
        made = watch.made()
        allowed = min(made + dice.randint(1, 4), watch.segments - 2)  # two workers can publish one more
        halt.allow(allowed)
        wait_for(partial(_made, running, watch, dice.randint(min(made, allowed), allowed)))
        if dice.random() < 0.7:
            wait_for(lambda: running.in_flight() or running.process.poll() is not None)
        time.sleep(dice.random() * longest)
        flying = running.in_flight()
        if running.process.poll() is not None:
            return
        if flying and (dice.random() < 0.5 if len(killed) != 1 else "worker" not in killed):
            task, pid = dice.choice(sorted(flying.items()))
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            hit = wait_for(partial(_outcome, running, task, pid))
            killed.add("worker")
            yield Kill("worker", pid, [task] if hit == "task.retried" else [])
            watch.take({(one["data"]["track"], one["data"]["segment"]) for one in running.events("segment.finished")})
        else:
            running.process.kill()
            running.process.wait()
            yield Kill("driver", running.process.pid, sorted(running.in_flight()))
            return


def _made(running: Job, watch: Watch, count: int) -> bool:
    begun = watch.made() >= count and running.events("task.started")
    return bool(begun) or running.process.poll() is not None


def _gone(running: Job) -> bool:
    return not running.orphans()


def _outcome(running: Job, task: str, pid: int) -> str | None:
    """Return how an attempt of `task` on worker `pid` ended."""
    if running.process.poll() is not None:
        return "gone"
    ends = running.events("task.finished", "task.retried", "task.failed")
    return next((one["kind"] for one in reversed(ends) if one["task"] == task and one["worker"] == pid), None)


def test_a_dead_driver_leaves_no_process(shared: Path, tmp_path: Path) -> None:
    halt = Halt(tmp_path, 2)
    with job(tmp_path / "events", source(shared, 16), tmp_path / "dest", *FLAGS, env=halt.env) as running:
        wait_for(lambda: len(running.in_flight()) == 2)
        workers = running.workers()
        running.process.kill()
        running.process.wait()
        wait_for(lambda: not any(map(alive, workers)), fault=True)
