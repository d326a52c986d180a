"""Wall clock: against the least that the cores allow, one plain ffmpeg command, and Shaka Streamer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import mean, median

from benchmarks.figure import Figure
from benchmarks.lab import Job, Lab
from benchmarks.sources import Source

EQUAL_CRF = 22.9
"""Of plain ffmpeg's `medium` that gives the VMAF of `balanced` at 23: ``make tune``, mean of films."""


def scaling(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare a job on all cores with the CPU time of the same fused tasks run one after another in one process.

    Those are run before and after each job, and the mean counts: a machine that grows slower meanwhile is no fault.
    """
    for source in sources:
        alone, jobs = [lab.job(source, engine="inline", number=0)], []
        for number in range(lab.rounds):
            jobs.append(lab.job(source, number=number, beside="inline"))
            alone.append(lab.job(source, engine="inline", number=number + 1))
        work = [mean((before.task_cpu, after.task_cpu)) for before, after in pairwise(alone)]
        longest = [mean((_longest(before), _longest(after))) for before, after in pairwise(alone)]
        bounds = [max(spent / lab.cores, least) for spent, least in zip(work, longest, strict=True)]
        yield _middle(
            f"scaling {source.name}",
            [job.took.wall / bound for job, bound in zip(jobs, bounds, strict=True)],
            1.05,
            behind={
                "wall s": jobs[0].took.wall,
                "bound s": bounds[0],
                "W s": work[0],
                "W s, each run": ", ".join(f"{one.task_cpu:.1f}" for one in alone),
                "cores": lab.cores,
                "longest fused task s": longest[0],
                **_where(jobs[0], lab.cores, work[0]),
            },
        )


def ffmpeg(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare a job's wall clock with that of one plain ffmpeg command of equal VMAF."""
    for source in sources:
        pairs = [
            (lab.job(source, number=n).took, lab.plain(source, number=n, crf=EQUAL_CRF)) for n in range(lab.rounds)
        ]
        yield _middle(
            f"ffmpeg {source.name}",
            [ours.wall / theirs.wall for ours, theirs in pairs],
            0.87,
            behind={
                "ours s": pairs[0][0].wall,
                "ffmpeg s": pairs[0][1].wall,
                "our CPU s": pairs[0][0].cpu,
                "ffmpeg CPU s": pairs[0][1].cpu,
                "ffmpeg's crf": EQUAL_CRF,
            },
        )


def shaka(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare a job's wall clock with Shaka Streamer's."""
    for source in sources:
        pairs = [
            (lab.job(source, number=n, beside="shaka").took, lab.shaka(source, number=n, beside="shaka"))
            for n in range(lab.rounds)
        ]
        yield _middle(
            f"shaka {source.name}",
            [theirs.wall / ours.wall for ours, theirs in pairs],
            1.6,
            at_least=True,
            behind={
                "ours s": pairs[0][0].wall,
                "Shaka s": pairs[0][1].wall,
                "our CPU s": pairs[0][0].cpu,
                "Shaka CPU s": pairs[0][1].cpu,
                "our preset": lab.preset,
                "Shaka preset": "slow (built in)",
            },
        )


def _middle(
    name: str, ratios: list[float], limit: float, *, at_least: bool = False, behind: dict[str, float | str]
) -> Figure:
    """Return the median of the rounds' ratios; both sides of each ran right after each other. Behind: round one."""
    rounds: dict[str, float | str] = {"rounds": ", ".join(f"{ratio:.3f}" for ratio in ratios)} if ratios[1:] else {}
    return Figure(name, median(ratios), "x", limit, at_least=at_least, behind=rounds | behind)


def _longest(job: Job) -> float:
    return max(task.cpu for task in job.tasks if task.media)


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
