"""Peak memory of workers and driver, over an ordinary job and over ten hours."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmarks.figure import Figure
from benchmarks.lab import Job, Lab, fast, transcode
from benchmarks.length import HOUR
from benchmarks.sources import Source, long_film

MIB = 1 << 20
RUNGS = {"180p": 180, "160p": 160, "120p": 120, "90p": 90}
"""Four rungs below the size of the synthetic film."""


def memory(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Take the peaks from the jobs that the speed figures ran."""
    for source in sources:
        job = lab.job(source)
        video = [task for task in job.tasks if task.key.startswith("video/")]
        largest = max(video, key=lambda task: task.peak)
        yield Figure(
            f"memory worker {source.name}",
            max(task.peak for task in job.tasks) / MIB,
            "MiB",
            900,
            behind={"at": largest.key, "predicted MiB": job.plan.estimate.worker_bytes / MIB},
        )
        yield Figure(f"memory driver {source.name}", job.driver_peak / MIB, "MiB", 200)


def driver(lab: Lab, _: list[Source]) -> Iterator[Figure]:
    """Carry out jobs of one and of ten hours, four rungs and audio, whose tasks are hollow."""
    hour, ten = (_hollow(lab.work, seconds) for seconds in (HOUR, 10 * HOUR))
    yield Figure(
        "driver memory 10 h",
        ten.driver_peak / MIB,
        "MiB",
        200,
        behind={"at 1 h MiB": hour.driver_peak / MIB, "segments x tracks": ten.report.tasks_run},
    )
    each = [1000 * job.driver_cpu / job.report.tasks_run for job in (hour, ten)]
    yield Figure(
        "driver CPU per segment of a track, 10 h over 1 h",
        each[1] / each[0],
        "x",
        behind={
            "at 1 h ms": each[0],
            "at 10 h ms": each[1],
            "driver CPU at 10 h s": ten.driver_cpu,
            "wall at 10 h s": ten.took.wall,
        },
    )


def _hollow(work: Path, seconds: int) -> Job:
    ladder = work / "four.yaml"
    rungs = [{"name": name, "short_side": side, "maxrate": 300_000} for name, side in RUNGS.items()]
    ladder.write_text(yaml.safe_dump(rungs))
    film = long_film(work, seconds)
    with tempfile.TemporaryDirectory(prefix="streamify-bench-", dir=fast(work)) as dest:
        job = transcode(film, Path(dest) / "out", ["--ladder", str(ladder)], driver="benchmarks.hollow")
        assert job.report.tasks_run  # read while it is there
        return job
