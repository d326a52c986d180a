"""What thumbnails, poster and preview add to the CPU time of a job."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.lab import Lab
from benchmarks.sources import Source


def images(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare the CPU time of the tasks that make images with that of all else in the same run."""
    for source in sources:
        job = lab.job(source, images=True)
        spent = [task.cpu for task in job.tasks if task.key.startswith("image/")]
        rest = job.took.cpu - sum(spent)
        yield Figure(
            f"images {source.name}",
            100 * sum(spent) / rest,
            "%",
            2.0,
            behind={"tasks": len(spent), "CPU s": sum(spent), "without them s": rest},
        )
