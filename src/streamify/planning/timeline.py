"""Where the time of a run went, by its attempts. Pure."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence

from streamify.model.analysis import Idle, RunTime, TaskTime, Tries
from streamify.model.attempt import Attempt, Spent
from streamify.model.job import RunRecord
from streamify.planning.critical import critical_path
from streamify.planning.stragglers import kind_of

SLOWEST = 5
"""Tasks that are named as the slowest."""


def spent(attempt: Attempt) -> Spent:
    """Return what a worker did during an attempt that has ended; the parts sum to its time without its pauses.

    A task may encode in several threads: where it used more CPU time than passed, each stage has its part of the time
    that passed.
    """
    whole, usage, stages = length_of(attempt), attempt.usage, attempt.stages
    start = min(whole, max(0.0, whole + attempt.paused - usage.seconds)) if usage is not None else 0.0
    length = whole - start
    known = stages.decode + stages.scale + stages.encode + stages.other
    cpu = max(known, _cpu(attempt))
    factor = min(1.0, length / cpu) if cpu > 0 else 1.0
    decode, scale, encode = (round(part * factor, 4) for part in (stages.decode, stages.scale, stages.encode))
    other = round((cpu - known + stages.other) * factor, 4)
    wait = round(max(0.0, length - decode - scale - encode - other), 4)
    return Spent(start=round(start, 4), decode=decode, scale=scale, encode=encode, other=other, wait=wait)


def length_of(attempt: Attempt) -> float:
    """Return the seconds of an attempt that has ended, without its pauses."""
    return max(0.0, (attempt.ended or attempt.started) - attempt.started - attempt.paused)


def run_time(run: RunRecord, attempts: Sequence[Attempt], now: float | None) -> RunTime:
    """Return where the time of a run went.

    Args:
        run: Its record.
        attempts: Of the run.
        now: Seconds since the epoch, where it goes on; ``None``: it has ended, or its process was lost.
    """
    going = tuple(one for one in attempts if one.ended is None)
    end = run.ended or now or max([run.started, *(one.ended or one.started for one in attempts)])
    # A function of AWS goes by another clock than the execution.
    start = min([run.started, *(one.started for one in attempts)])
    end = max([end, *(one.ended or one.started for one in attempts)])
    done = [one if one.ended is not None else one.model_copy(update={"ended": end}) for one in attempts]
    workers = run.capacity or _most_at_once(done)
    good = {"finished", "running"} if now is not None else {"finished"}
    useful = [one for one in done if one.outcome in good]
    wasted = [one for one in done if one.outcome not in good]
    total = _sum([spent(one) for one in useful])
    lost = sum(map(length_of, wasted))
    busy = sum(total.model_dump().values()) + lost
    return RunTime(
        id=run.id,
        engine=run.engine,
        outcome=run.outcome,
        started=start,
        wall_seconds=round(end - start, 3),
        workers=workers,
        tasks=len({one.task for one in done}),
        attempts=len(done),
        reused=run.reused,
        spent=total,
        lost=round(lost, 3),
        idle=_idle(done, start, end, workers, busy),
        paused=round(sum(one.paused for one in done), 3),
        cpu_seconds=round(sum(map(_cpu, done)), 3),
        slowest=_slowest(done),
        retried=_retried(done),
        path=critical_path(done, start, end),
        running=going,
    )


def _cpu(attempt: Attempt) -> float:
    return attempt.usage.cpu_seconds if attempt.usage is not None else 0.0


def _moments(attempts: Iterable[Attempt]) -> list[tuple[float, int]]:
    """Return when the number of running attempts changes, and by how much; at one moment ends before starts."""
    begins = ((one.started, 1) for one in attempts)
    ends = ((one.ended or one.started, -1) for one in attempts)
    return sorted([*begins, *ends])


def _most_at_once(attempts: Sequence[Attempt]) -> int:
    most = count = 0
    for _, change in _moments(attempts):
        count += change
        most = max(most, count)
    return max(1, most)


def _idle(attempts: Sequence[Attempt], start: float, end: float, workers: int, busy: float) -> Idle:
    """Return when workers were idle. When a task was paused is not known: what that hides counts as ``between``."""
    total = max(0.0, workers * (end - start) - busy)
    making = [one.started for one in attempts if one.task.partition("/")[0] in ("video", "audio", "loudness")]
    over = max((one.ended or one.started for one in attempts), default=start)
    first, last = min(making, default=over), max(making, default=over)
    left = dict.fromkeys(("planning", "tail", "finishing"), 0.0)
    before, count = start, 0
    for moment, change in [*_moments(attempts), (end, 0)]:
        free = max(0, workers - count)
        for name, (begin, stop) in {"planning": (start, first), "tail": (last, over), "finishing": (over, end)}.items():
            left[name] += free * max(0.0, min(stop, moment) - max(begin, before))
        before, count = moment, count + change
    outside = sum(left.values())
    factor = min(1.0, total / outside) if outside else 1.0
    left = {name: round(value * factor, 3) for name, value in left.items()}
    return Idle(**left, between=round(max(0.0, total - sum(left.values())), 3))


def _slowest(attempts: Sequence[Attempt]) -> tuple[TaskTime, ...]:
    by_task: dict[str, list[Attempt]] = defaultdict(list)
    for one in attempts:
        by_task[one.task].append(one)
    seconds = {task: sum(map(length_of, tries)) for task, tries in by_task.items()}
    kinds: dict[str, list[float]] = defaultdict(list)
    for task, length in seconds.items():
        kinds[kind_of(task)].append(length)
    slowest = sorted(seconds, key=lambda task: (-seconds[task], task))[:SLOWEST]
    return tuple(
        TaskTime(
            task=task,
            seconds=round(seconds[task], 3),
            usual=round(statistics.median(kinds[kind_of(task)]), 3),
            attempts=len(by_task[task]),
            paused=round(sum(one.paused for one in by_task[task]), 3),
            spent=_sum([spent(one) for one in by_task[task]]),
        )
        for task in slowest
    )


def _sum(parts: Sequence[Spent]) -> Spent:
    return Spent(**{name: round(sum(getattr(part, name) for part in parts), 3) for name in Spent.model_fields})


def _retried(attempts: Sequence[Attempt]) -> tuple[Tries, ...]:
    """Return the tasks that were tried more than once, or failed, in the order in which they began."""
    odd = {one.task for one in attempts if one.outcome in ("retried", "failed") or one.number > 1}
    tries: dict[str, list[Attempt]] = defaultdict(list)
    for one in attempts:
        if one.task in odd:
            tries[one.task].append(one)
    return tuple(
        Tries(task=task, attempts=tuple(found), missing=max(0, max(one.number for one in found) - len(found)))
        for task, found in tries.items()
    )
