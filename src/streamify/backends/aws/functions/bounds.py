"""No bill without a bound: what a job may be at most, and what each of its tasks may take."""

from __future__ import annotations

import os
from collections.abc import Sequence

from streamify.backends.aws.pricing.cost import lambda_seconds, predict_job, refuse_above
from streamify.backends.aws.pricing.deployment import Deployment
from streamify.backends.aws.pricing.predict import calls_of
from streamify.errors import CapExceeded
from streamify.jobs.items import Item
from streamify.jobs.steps import Forecast
from streamify.jobs.words import TEXT
from streamify.model.plan import Plan
from streamify.storage.base import Storage

TIMES, LEAST = 4, 30
"""A task that takes so many times what was predicted hangs; in no less than so many seconds."""


def environment_stack() -> Deployment:
    """Return what the template tells the functions of the stack."""
    names = {"memory": "TRANSCODER_MEMORY", "large_memory": "LARGE_MEMORY", "group_below": "GROUP_BELOW",
             "max_concurrency": "MAX_CONCURRENCY", "architecture": "ARCHITECTURE"}  # fmt: skip
    return Deployment.model_validate({field: os.environ[name] for field, name in names.items() if os.environ.get(name)})


def bounded(
    plan: Plan, media: Storage, items: Sequence[Item], max_cost: float | None
) -> tuple[Sequence[Item], Forecast]:
    """Return the items with what each is predicted to take, and what the job will cost.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        items: What is to be made.
        max_cost: That the job itself allows, US dollars.

    Raises:
        CapExceeded: ``source-too-long``, ``too-many-tasks`` or ``cost-too-high``.
    """
    _refuse_large(plan, len(items))
    stack = environment_stack()
    calls = calls_of(plan, media, items, stack)
    prediction = predict_job(plan, calls, stack, sampled=False)
    caps = [cap for cap in (float(os.environ.get("MAX_COST") or 0), max_cost) if cap]
    refuse_above(prediction, min(caps, default=None))
    # Not of subtitles: they are requests by the thousand, whose time nobody has measured on S3.
    made = (call for call in calls if not call.key.startswith(f"{TEXT}/"))
    seconds = {call.key: lambda_seconds(call.cpu, call.waits, stack.memory) for call in made}
    known = [item.model_copy(update={"seconds": seconds.get(item.key)}) for item in items]
    return known, Forecast(total=prediction.cost.total, storage=prediction.cost.storage_requests)


def seconds_for(item: Item) -> float | None:
    """Return the wall clock that a task may take; ``None``: as long as its budget allows."""
    return max(LEAST, TIMES * item.seconds) if item.seconds is not None else None


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
