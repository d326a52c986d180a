"""What Ray costs: beside ``local`` on the same cores, per tiny task, and per task that does nothing."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import yaml

from benchmarks.command import run
from benchmarks.figure import Figure
from benchmarks.lab import NO_IMAGES, Lab, Task, fast, transcode
from benchmarks.sources import Source, tiny_film

MIB = 1 << 20
TASKS = 50_000
REAL = 5000
WORKERS = (1, 2, 4)
TINY = (
    "--segment-seconds", "0.5", "--keyframe-seconds", "0.5", "--preset", "ultrafast", "--no-short-start", *NO_IMAGES,
    "--engine", "ray",
)  # fmt: skip
SMALL = ("--ladder", "480p,360p", "--preset", "veryfast", *NO_IMAGES)


def ray(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare jobs on a Ray of this machine with those of ``local``, and carry out tasks that do nothing.

    The first 10 s of a job on Ray are its start; what is compared is the CPU time of the same stream.
    """
    for source in sources:
        pairs = [
            (lab.job(source, number=n, beside="ray"), lab.job(source, engine="ray", number=n))
            for n in range(lab.rounds)
        ]
        ours, local = pairs[0][1], pairs[0][0]
        yield Figure(
            f"task CPU on Ray {source.name}",
            median(on_ray.task_cpu / on_local.task_cpu for on_local, on_ray in pairs),
            "x",
            1.05,
            behind={
                "local wall s": local.took.wall,
                "Ray wall s": ours.took.wall,
                "local, from first task to last s": _span(local.tasks),
                "Ray, from first task to last s": _span(ours.tasks),
                "local CPU s": local.took.cpu,
                "Ray CPU s": ours.took.cpu,
            },
        )
    yield from _by_workers(lab, sources[0])
    yield _tiny(lab)
    count = 1000 if lab.quick else TASKS
    left = lab.work / "empty.json"
    run([sys.executable, "-m", "benchmarks.empty", left, str(count)])
    found = json.loads(left.read_text())
    behind: dict[str, float | str] = {"tasks": count, "driver CPU ms": 1000 * found["cpu"] / count, "s": found["wall"]}
    yield Figure("wall clock of an empty task on Ray, ms", 1000 * found["wall"] / count, "", 3.0, behind=behind)
    yield Figure("driver memory on Ray", found["peak"] / MIB, "MiB", 300, behind={"tasks": count})


def _by_workers(lab: Lab, source: Source) -> Iterator[Figure]:
    """Compare both engines at several numbers of workers, on small renditions."""
    for workers in WORKERS:
        pairs = [
            [
                transcode(
                    source.path,
                    lab.work / f"{engine}-{workers}-{number}",
                    [*SMALL, "--engine", engine, "--workers", str(workers)],
                )
                for engine in ("local", "ray")
            ]
            for number in range(lab.rounds)
        ]
        behind: dict[str, float | str] = {}
        for name, job in zip(("local", "Ray"), pairs[0], strict=True):
            behind |= {
                f"{name} wall s": job.took.wall,
                f"{name}, from first task to last s": _span(job.tasks),
                f"{name} CPU of tasks s": job.task_cpu,
                f"{name} CPU of the driver s": job.driver_cpu,
            }
        ratio = median(on_ray.task_cpu / on_local.task_cpu for on_local, on_ray in pairs)
        yield Figure(f"task CPU on Ray over local, workers {workers}", ratio, "x", 1.05, behind=behind)


def _tiny(lab: Lab) -> Figure:
    """Compare what the driver does for each of `REAL` tiny tasks, and for each of a tenth of them."""
    ladder, jobs = lab.work / "tiny.yaml", []
    ladder.write_text(yaml.safe_dump([{"name": "64p", "short_side": 64, "maxrate": 100_000}]))
    for count in (REAL // 100, REAL // 10) if lab.quick else (REAL // 10, REAL):
        film = tiny_film(lab.work, count // 2)
        with tempfile.TemporaryDirectory(prefix="streamify-bench-", dir=fast(lab.work)) as dest:
            jobs.append(transcode(film, Path(dest) / "out", ["--ladder", str(ladder), *TINY]))
            assert jobs[-1].report.tasks_run  # read while it is there
    few, many = ([job.driver_cpu, job.report.tasks_run, job.driver_peak / MIB, job.took.wall] for job in jobs)
    return Figure(
        "driver CPU per tiny task on Ray, over that of a tenth of them",
        many[0] / many[1] / (few[0] / few[1]),
        "x",
        1.0,
        behind={
            "tasks": many[1],
            "ms a task": 1000 * many[0] / many[1],
            "ms a task, of a tenth": 1000 * few[0] / few[1],
            "driver MiB": many[2],
            "wall s": many[3],
        },
    )


def _span(tasks: tuple[Task, ...]) -> float:
    media = [task for task in tasks if task.media]
    return max(task.ended for task in media) - min(task.began for task in media)
