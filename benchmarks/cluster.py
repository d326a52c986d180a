"""What Ray costs: beside ``local`` on the same cores, and per task that does nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from statistics import median

from benchmarks.command import run
from benchmarks.figure import Figure
from benchmarks.lab import Lab, Task
from benchmarks.sources import Source

MIB = 1 << 20
TASKS = 50_000


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
    count = 1000 if lab.quick else TASKS
    left = lab.work / "empty.json"
    run([sys.executable, "-m", "benchmarks.empty", left, str(count)])
    found = json.loads(left.read_text())
    behind: dict[str, float | str] = {"tasks": count, "driver CPU ms": 1000 * found["cpu"] / count, "s": found["wall"]}
    yield Figure("wall clock of an empty task on Ray, ms", 1000 * found["wall"] / count, "", 3.0, behind=behind)
    yield Figure("driver memory on Ray", found["peak"] / MIB, "MiB", 300, behind={"tasks": count})


def _span(tasks: tuple[Task, ...]) -> float:
    media = [task for task in tasks if task.media]
    return max(task.ended for task in media) - min(task.began for task in media)
