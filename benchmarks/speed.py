"""Wall clock: against the least that the cores allow, one plain ffmpeg command, and Shaka Streamer."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks.figure import Figure
from benchmarks.lab import Job, Lab
from benchmarks.sources import Source


def scaling(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare a job on all cores with the CPU time of the same fused tasks run one after another in one process."""
    for source in sources:
        jobs = [lab.job(source, number=number) for number in range(lab.rounds)]
        alone = [lab.job(source, engine="inline", number=number) for number in range(lab.rounds)]
        work = median(job.task_cpu for job in alone)
        longest = median(max(task.cpu for task in job.tasks if task.media) for job in alone)
        bound = max(work / lab.cores, longest)
        wall = median(job.took.wall for job in jobs)
        yield Figure(
            f"scaling {source.name}",
            wall / bound,
            "x",
            1.05,
            behind={
                "wall s": wall,
                "bound s": bound,
                "W s": work,
                "cores": lab.cores,
                "longest fused task s": longest,
                **_where(jobs[0], lab.cores, work),
            },
        )


def ffmpeg(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare a job's wall clock with that of one plain ffmpeg command."""
    for source in sources:
        pairs = [(lab.job(source, number=n).took, lab.plain(source, number=n)) for n in range(lab.rounds)]
        ours, theirs = (median(took.wall for took in side) for side in zip(*pairs, strict=True))
        yield Figure(
            f"ffmpeg {source.name}",
            ours / theirs,
            "x",
            1.02,
            behind={
                "ours s": ours,
                "ffmpeg s": theirs,
                "our CPU s": pairs[0][0].cpu,
                "ffmpeg CPU s": pairs[0][1].cpu,
            },
        )


def shaka(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare a job's wall clock with Shaka Streamer's."""
    for source in sources:
        pairs = [(lab.job(source, number=n).took, lab.shaka(source, number=n)) for n in range(lab.rounds)]
        ours, theirs = (median(took.wall for took in side) for side in zip(*pairs, strict=True))
        yield Figure(
            f"shaka {source.name}",
            theirs / ours,
            "x",
            1.4,
            at_least=True,
            behind={
                "ours s": ours,
                "Shaka s": theirs,
                "our CPU s": pairs[0][0].cpu,
                "Shaka CPU s": pairs[0][1].cpu,
                "our preset": lab.preset,
                "Shaka preset": "slow (built in)",
            },
        )


def _where(job: Job, cores: int, work: float) -> dict[str, float | str]:
    """Say where wall clock went that no task used, in core seconds."""
    media = [task for task in job.tasks if task.media]
    first, last = min(task.began for task in media), max(task.ended for task in media)
    workers = {task.worker: 0.0 for task in media}
    for task in media:
        workers[task.worker] = max(workers[task.worker], task.ended)
    ends = [*workers.values(), *[first] * (cores - len(workers))]
    before = job.report.wall_seconds - (last - first)
    return {
        "start and finish s": job.took.wall - (last - first),
        "of that inside the job s": before,
        "tail idle core-s": sum(last - end for end in ends),
        "task CPU over W x": job.task_cpu / work,
    }
