"""Which function a call goes to, how long it takes there, and which renditions share one. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

from streamify.backends.aws.pricing.deployment import Deployment
from streamify.backends.aws.pricing.prices import PRICES, Prices
from streamify.backends.aws.pricing.work import Call, Load, video_call
from streamify.errors import CapExceeded
from streamify.model.plan import Plan
from streamify.planning.schedule import Groups, group_renditions
from streamify.planning.speed import from_table

FULL_VCPU = 1769
"""MB of memory that come with one whole vCPU. Less memory gets its share of one."""

CHILD_TRANSITIONS = 2
"""Start and the one state of a child of the distributed map."""


def function_of(call: Call, stack: Deployment) -> int:
    """Return which of the stack's functions a call goes to: the first that has the memory, else the largest."""
    fitting = (number for number, memory in enumerate(stack.functions) if memory >= call.memory)
    return next(fitting, stack.functions.index(stack.largest))


def seconds_of(call: Call, memory: int) -> float:
    """Return what a call takes in a function with so much memory, MB; it has a thread for each vCPU."""
    cores = memory / FULL_VCPU
    return lambda_seconds(max(call.cpu / cores, call.alone if cores > 1 else 0), call.waits)


def lambda_seconds(busy: float, waits: float) -> float:
    """Return what one call is billed: whole milliseconds.

    Args:
        busy: Seconds in which it computes.
        waits: Seconds in which it waits for others.
    """
    return math.ceil(round((busy + waits) * 1000, 6)) / 1000


def refuse_unfit(plan: Plan, calls: Iterable[Call], stack: Deployment) -> None:
    """Raise where a call has not enough memory or time in any function: it would be tried, and billed, in vain.

    Args:
        plan: Of the job.
        calls: Of it.
        stack: Where they would run.

    Raises:
        CapExceeded: ``task-too-large`` or ``task-too-long``.
    """
    for call in calls:
        if call.memory > stack.largest:
            raise CapExceeded(
                "task-too-large",
                f"task {call.key} is predicted to need {call.memory:,} MB,"
                f" the largest function has {stack.largest:,} MB",
                "raise LargestMemory of the stack (accounts have up to 10240 MB, new ones 3008), or leave out the"
                " largest rendition with --ladder",
            )
        seconds = seconds_of(call, stack.functions[function_of(call, stack)])
        if seconds > stack.longest_task:
            raise CapExceeded(
                "task-too-long",
                f"task {call.key} is predicted to take {seconds:,.0f} s, the stack allows {stack.longest_task:,.0f} s:"
                " half of TaskSeconds",
                _shorter(plan, call, seconds, stack),
            )


def _shorter(plan: Plan, call: Call, seconds: float, stack: Deployment) -> str:
    if not call.key.startswith("video/"):
        return "make such a film with --engine local, or without these tracks"
    step = plan.settings.keyframe_seconds
    fitting = int(plan.settings.segment_seconds * Fraction(stack.longest_task / seconds) / step) * step
    faster = "choose a faster --preset or a smaller --ladder"
    return f"choose --segment-seconds {float(fitting):g}, or {faster}" if fitting >= step else faster


def choose_groups(plan: Plan, stack: Deployment, prices: Prices = PRICES) -> Groups:
    """Return the renditions that share a call: what costs least, where no call takes longer than the longest alone.

    What is shared is the decode, and for HDR the tone map, which cost as much for the smallest rendition as for the
    largest. Renditions next to each other in the ladder share one, so that those of the same function do.

    Args:
        plan: Of the job.
        stack: Where it runs; what its operator chose in `group_below` goes first.
        prices: Of AWS.
    """
    video = plan.video
    if stack.group_below is not None or not video:
        return group_renditions(video, stack.group_below or 0)
    load, speed = _usual(plan), from_table(plan)

    def priced(group: Sequence[int]) -> tuple[float, float]:
        call = video_call(plan, 0, tuple(group), load, speed)
        memory = stack.functions[function_of(call, stack)]
        seconds = seconds_of(call, memory)
        dollars = seconds * memory / 1024 * prices.gb_second[stack.architecture] + prices.request
        fits = call.memory <= memory
        return seconds if fits else math.inf, dollars + CHILD_TRANSITIONS * prices.transition + call.gets * prices.get

    longest = max(priced((number,))[0] for number in range(len(video)))
    best: list[tuple[float, Groups]] = [(0.0, ())]
    for stop in range(1, len(video) + 1):
        ways = []
        for first in range(stop):
            group = tuple(range(first, stop))
            seconds, dollars = priced(group)
            if len(group) == 1 or seconds <= longest:
                ways.append((best[first][0] + dollars, (*best[first][1], group)))
        best.append(min(ways, key=lambda way: way[0]))
    return best[-1][1]


def _usual(plan: Plan) -> Load:
    """Return the load of a segment of usual length without pictures before it."""
    assert plan.source.video is not None
    seconds = float(plan.settings.segment_seconds)
    decoded = round(seconds * float(plan.source.video.average_rate))
    return Load(decoded, -(-decoded // plan.timeline.keep_every), plan.source.ref.size // max(1, plan.segments))
