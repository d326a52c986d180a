"""No bill without a bound: what a job may be at most, and what each of its tasks may take."""

from __future__ import annotations

import os
from collections.abc import Sequence

from streamify.backends.aws.pricing.cost import predict_job, refuse_above
from streamify.backends.aws.pricing.deployment import Deployment
from streamify.backends.aws.pricing.predict import calls_of
from streamify.backends.aws.pricing.routing import function_of, refuse_unfit, seconds_of
from streamify.errors import CapExceeded
from streamify.executors.sealed import Patience
from streamify.jobs.items import Item
from streamify.jobs.steps import Forecast
from streamify.jobs.words import TEXT
from streamify.model.plan import Plan
from streamify.storage.base import Storage

TIMES, LEAST = 4, 60
"""A task that is not half done after so many times what was predicted hangs; in no less than so many seconds."""
RESERVE = 10
"""Seconds of a function's time that are kept for telling how a task ended."""


def environment_stack() -> Deployment:
    """Return what the template tells the functions of the stack."""
    names = {"memory": "TRANSCODER_MEMORY", "large_memory": "LARGE_MEMORY",
             "largest_memory": "LARGEST_MEMORY", "group_below": "GROUP_BELOW", "task_seconds": "TASK_SECONDS",
             "max_concurrency": "MAX_CONCURRENCY", "architecture": "ARCHITECTURE"}  # fmt: skip
    return Deployment.model_validate({field: os.environ[name] for field, name in names.items() if os.environ.get(name)})


def bounded(
    plan: Plan, media: Storage, items: Sequence[Item], max_cost: float | None, *, early: bool = False
) -> tuple[Sequence[Item], Forecast]:
    """Return the items with their functions and what each is predicted to take, and what the job will cost.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        items: What is to be made.
        max_cost: That the job itself allows, US dollars.
        early: Whether the stream is published while it is made.

    Raises:
        CapExceeded: ``source-too-long``, ``too-many-tasks``, ``task-too-large``, ``task-too-long`` or
            ``cost-too-high``.
    """
    _refuse_large(plan, len(items))
    stack = environment_stack()
    calls = calls_of(plan, media, items, stack, early=early)
    refuse_unfit(plan, calls, stack)
    prediction = predict_job(plan, calls, stack, sampled=False, early=early)
    caps = [cap for cap in (float(os.environ.get("MAX_COST") or 0), max_cost) if cap]
    refuse_above(prediction, min(caps, default=None))
    chosen = {call.key: (number := function_of(call, stack), seconds_of(call, stack.functions[number]))
              for call in calls}  # fmt: skip
    known = [item.model_copy(update=dict(zip(("function", "seconds"), chosen[item.key], strict=True)))
             for item in items]  # fmt: skip
    return known, Forecast(total=prediction.cost.total, storage=prediction.cost.storage_requests)


def patience_for(item: Item, remaining: float | None) -> Patience | None:
    """Return how long a task may take; ``None``: as long as its budget allows.

    The prediction is of a table, and one film takes several times what another does. So a task that moves on gets twice
    as long as one that does nothing.

    Args:
        item: Of the task.
        remaining: Seconds that its function has left; ``None``: nobody knows.
    """
    left = None if remaining is None else max(1.0, remaining - RESERVE)
    times = float(os.environ.get("HUNG_FACTOR") or TIMES)
    # Nobody has measured how long subtitles take on S3: they are requests by the thousand.
    if item.seconds is None or item.key.startswith(f"{TEXT}/") or not times:
        return Patience(left, cut=True) if left is not None else None
    half = max(LEAST, times * item.seconds)
    if left is None or left > 2 * half:
        return Patience(2 * half, half)
    return Patience(left, half, cut=True)


def _refuse_large(plan: Plan, tasks: int) -> None:
    longest, most = (int(os.environ.get(name) or 0) for name in ("MAX_DURATION_SECONDS", "MAX_TASKS"))
    seconds = plan.timeline.end / plan.timeline.timescale
    if longest and seconds > longest:
        raise CapExceeded(
            "source-too-long",
            f"the stream would be {seconds:,.0f} s long, the cap is {longest:,} s",
            "raise MaxDurationSeconds of the stack",
        )
    if most and tasks > most:
        raise CapExceeded(
            "too-many-tasks",
            f"the job has {tasks:,} tasks, the cap is {most:,}",
            "choose longer segments or fewer renditions, or raise MaxTasks of the stack",
        )
