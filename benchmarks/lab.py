"""Runs what is measured, each thing once per round, and keeps what came of it: several figures look at one run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import streamify
from benchmarks.command import Took, run
from benchmarks.plain import ladder_command
from benchmarks.shaka import shaka_command
from benchmarks.sources import Source
from streamify.model.plan import Plan
from streamify.model.report import Report
from streamify.model.result import Cost, SegmentRecord
from streamify.model.settings import Preset

LADDER = "1080p,720p,480p,360p"
FAST = Path("/dev/shm")
NO_IMAGES = ("--thumbnails", "off", "--poster", "off")


@dataclass(frozen=True)
class Task:
    """One task of a job, from its event."""

    key: str
    worker: int
    began: float
    """Seconds since the job began."""
    ended: float
    cpu: float
    """Seconds."""
    peak: int
    """Largest resident size of its worker so far, bytes."""

    @property
    def media(self) -> bool:
        """Whether it makes segments."""
        return not self.key.startswith(("split", "image/"))


@dataclass(frozen=True)
class Job:
    """One run of ``streamify transcode``."""

    took: Took
    dest: Path
    driver_peak: int
    """Bytes."""
    driver_cpu: float
    """Seconds."""
    tasks: tuple[Task, ...]

    @cached_property
    def plan(self) -> Plan:
        """The plan that was carried out."""
        return Plan.from_json((self.dest / ".streamify/plan.json").read_bytes())

    @cached_property
    def report(self) -> Report:
        """What it said at its end."""
        return Report.from_json((self.dest / "report.json").read_bytes())

    @cached_property
    def costs(self) -> tuple[Cost, ...]:
        """Costs of all segments of all tracks, from the ledger."""
        entries = (self.dest / ".streamify/ledger").glob("*/*.json")
        return tuple(SegmentRecord.from_json(entry.read_bytes()).cost for entry in entries)

    @property
    def task_cpu(self) -> float:
        """CPU seconds of the tasks that make segments."""
        return sum(task.cpu for task in self.tasks if task.media)

    @property
    def rates(self) -> dict[str, int]:
        """Bits per second that each video rung came to, by name."""
        names = {track.id: track.name for track in self.plan.video}
        return {names[one.id]: one.average_bandwidth for one in self.report.tracks if one.kind == "video"}


class Lab:
    """See the module.

    Args:
        work: Folder for what is made.
        quick: Whether this is only a try.
        more: Films on which bits and quality are measured beside the sources.
        rounds: How often each speed is measured; medians of the ratios are shown.
    """

    def __init__(self, work: Path, rounds: int, *, quick: bool, more: Sequence[Source]) -> None:
        self.work, self.rounds, self.quick, self.more = work, rounds, quick, more
        self.preset: Preset = "ultrafast" if quick else "balanced"
        """Of our jobs; plain ffmpeg gets the preset of x264 that this is made of, without what differs."""
        self.cores = len(os.sched_getaffinity(0))
        self._jobs: dict[tuple[object, ...], Job] = {}
        self._took: dict[tuple[object, ...], Took] = {}

    def job(
        self,
        source: Source,
        *,
        engine: str = "local",
        number: int = 0,
        crf: float = 23,
        beside: str = "ffmpeg",
        images: bool = False,
    ) -> Job:
        """Run ``streamify transcode``; each rival gets a job of its own `beside` it, as machines change their speed.

        Without `images` neither thumbnails nor a poster are made: the rivals make none.
        """
        key = (source, engine, number, crf, beside, images)
        if key not in self._jobs:
            dest = self.work / f"{source.name}-{engine}-{number}-{crf:g}-{beside}{'-images' if images else ''}"
            _say(f"{source.name}: streamify transcode, engine {engine}, crf {crf:g}")
            flags = ["--ladder", LADDER, "--preset", self.preset, "--engine", engine, "--crf", f"{crf:g}"]
            self._jobs[key] = transcode(source.path, dest, flags if images else [*flags, *NO_IMAGES])
        return self._jobs[key]

    def plain(self, source: Source, *, number: int = 0, crf: float = 23) -> Took:
        """Run one plain ffmpeg command that makes the same ladder; see `plain_dest`."""
        key = ("plain", source, number, crf)
        if key not in self._took:
            plan = streamify.plan(source.path, ladder=LADDER, preset=self.preset, crf=crf)
            command = ladder_command(plan, source.path, self.rival_dest(*key))
            _say(f"{source.name}: one ffmpeg command, crf {crf:g}")
            self._took[key] = run(command)
        return self._took[key]

    def shaka(self, source: Source, *, number: int = 0, crf: float = 23, beside: str = "ffmpeg") -> Took:
        """Run Shaka Streamer at the bitrates to which our job came at that crf; see `rival_dest`."""
        key = ("shaka", source, number, crf)
        if key not in self._took:
            job = self.job(source, number=number, crf=crf, beside=beside)
            dest = self.rival_dest(*key)
            command = shaka_command(job.plan, source.path, dest, job.rates, dest.with_suffix(".configs"))
            _say(f"{source.name}: Shaka Streamer at the bitrates of crf {crf:g}")
            self._took[key] = run(command)
        return self._took[key]

    def rival_dest(self, rival: str, source: Source, number: int = 0, crf: float = 23) -> Path:
        """Return the folder into which `plain` or `shaka` wrote."""
        return self.work / f"{source.name}-{rival}-{number}-crf{crf:g}"


def fast(work: Path) -> Path:
    """Return a folder for jobs of many small files, which are flushed one by one: in memory, so that no disk counts."""
    return FAST if FAST.is_dir() else work


def transcode(source: Path, dest: Path, flags: list[str], *, driver: str = "benchmarks.driver") -> Job:
    """Run the command line with its events kept beside DEST."""
    events, left = Path(f"{dest}.ndjson"), Path(f"{dest}.driver.json")
    command: list[str | Path] = [sys.executable, "-m", driver, left, "transcode", source, dest, *flags]
    took = run([*command, "--quiet", "--events", events])
    used = json.loads(left.read_text())
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    began = next(float(line["time"]) for line in lines if line["kind"] == "job.started")
    return Job(took, dest, used["peak"], used["cpu"], tuple(_tasks(lines, began)))


def _tasks(events: list[dict[str, Any]], began: float) -> list[Task]:
    started = {one["task"]: one["time"] for one in events if one["kind"] == "task.started"}
    return [
        Task(
            key=one["task"],
            worker=one["worker"],
            began=started[one["task"]] - began,
            ended=one["time"] - began,
            cpu=one["data"]["cpu_seconds"],
            peak=one["data"]["peak_bytes"],
        )
        for one in events
        if one["kind"] == "task.finished"
    ]


def _say(text: str) -> None:
    print(f"  ... {text}", file=sys.stderr, flush=True)
