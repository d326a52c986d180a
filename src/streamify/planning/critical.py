"""The critical path of a run: what its end waited for, back to its start. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from streamify.model.analysis import Step
from streamify.model.attempt import Attempt

KEPT = 1000
"""Steps that are kept one by one, counted from the end; those before become one."""
SLACK = 0.05
"""Seconds by which a task may begin before the end of the one that made room for it is noted."""


def critical_path(attempts: Sequence[Attempt], start: float, end: float) -> tuple[Step, ...]:
    """Return what the end of a run waited for at each time, the first step first; they sum to ``end - start``.

    The path goes back from the attempt that ended last. What an attempt waited for is the one before it at the same
    task, or else the one that ended last before it began: that one gave its worker free, or was what it needs.

    Args:
        attempts: Of the run, all with an end.
        start: Of the run, seconds since the epoch.
        end: Of the run.
    """
    by_end = sorted(attempts, key=_end)
    ends = [_end(one) for one in by_end]
    before = {(one.task, one.number): one for one in attempts}
    steps: list[Step] = []

    def add(what: str, begin: float, stop: float, one: Attempt | None = None) -> None:
        if one is not None or stop - begin > 0:
            fields = {"task": one.task, "number": one.number, "worker": one.worker} if one is not None else {}
            steps.append(Step.model_validate({
                "what": what, "begin": round(begin - start, 4), "seconds": round(stop - begin, 4), **fields,
            }))  # fmt: skip

    one = by_end[-1] if by_end else None
    at = ends[-1] if ends else start
    add("finishing", at, end)
    while one is not None:
        add("task", one.started, at, one)
        at = one.started
        found = before.get((one.task, one.number - 1))
        what = "retry"
        if found is None or found.started >= at:
            place = bisect_right(ends, at + SLACK) - 1
            while place >= 0 and by_end[place].started >= at:
                place -= 1
            found, what = by_end[place] if place >= 0 else None, "between"
        if found is not None and _end(found) < at:
            add(what, _end(found), at)
            at = _end(found)
        one = found
    add("planning", start, at)
    steps.reverse()
    if len(steps) > KEPT:
        rest = steps[-KEPT + 1 :]
        steps = [Step(what="earlier", begin=0, seconds=round(rest[0].begin, 4)), *rest]
    return tuple(steps)


def _end(attempt: Attempt) -> float:
    assert attempt.ended is not None
    return attempt.ended
