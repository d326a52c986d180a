"""What `explain` says. Values in, lines out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streamify.cli.text import table
from streamify.errors import counted

if TYPE_CHECKING:
    from streamify.model.analysis import Explanation, RunTime, Tries
    from streamify.model.attempt import Attempt, Spent

LONGEST = 3
"""Tasks of the critical path that are named."""


def explained(found: Explanation) -> list[str]:
    """Return what `explain` says."""
    return list(_lines(found))


def _lines(found: Explanation) -> Iterator[str]:
    yield f"{found.dest}: {found.state}" + (f", {_summary(found.run)}" if found.run is not None else "")
    for one in found.findings:
        yield f"  {one.text} [{one.cause}]"
        if one.advice:
            yield f"      {one.advice}"
    if found.run is None:
        return
    yield from _shares(found.run)
    yield from _slowest(found.run)
    yield from _tries(found.run)
    yield from _path(found.run)
    if found.run.running:
        yield "At work:" if found.state == "running" else "At work when it was lost:"
        yield from table([(f"  {one.task}", f"attempt {one.number}", f"worker {one.worker}") for one in
                          found.run.running])  # fmt: skip
    if len(found.runs) > 1:
        yield "Runs:"
        yield from table([
            (f"  {one.id}", datetime.fromtimestamp(one.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"), one.engine,
             one.outcome or ("running" if one is found.runs[-1] and found.state == "running" else "lost"))
            for one in found.runs
        ])  # fmt: skip


def _summary(run: RunTime) -> str:
    again = run.attempts - run.tasks
    tried = f", {counted(again, 'attempt')} more" if again > 0 else ""
    kept = f", {counted(run.reused, 'segment')} kept from earlier runs" if run.reused else ""
    return (
        f"{run.wall_seconds:.1f} s with {counted(run.workers, 'worker')} ({run.engine}), "
        f"{counted(run.tasks, 'task')}{tried}{kept}"
    )


def _shares(run: RunTime) -> Iterator[str]:
    whole = run.wall_seconds * run.workers
    yield f"The workers' time ({run.wall_seconds:.1f} s x {run.workers}):"
    idle = run.idle
    when = (("planning", idle.planning), ("between tasks", idle.between), ("last tasks", idle.tail),
            ("finishing", idle.finishing))  # fmt: skip
    detail = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in when if seconds >= 0.05)
    rows = [*run.spent.model_dump().items(), ("no result", run.lost), ("idle", idle.total)]
    lines = table([
        (f"  {name}", f"{seconds:.1f} s".rjust(10), f"{seconds / whole if whole else 0:.0%}".rjust(4),
         detail if name == "idle" else "")
        for name, seconds in rows if seconds or name != "no result"
    ])  # fmt: skip
    yield from lines


def _slowest(run: RunTime) -> Iterator[str]:
    if not run.slowest:
        return
    yield "Slowest tasks:"
    yield from table([
        (f"  {one.task}", f"{one.seconds:.1f} s".rjust(8), f"usually {one.usual:.1f} s",
         _spent(one.spent) + (f", paused {one.paused:.1f} s" if one.paused else ""))
        for one in run.slowest
    ])  # fmt: skip


def _spent(spent: Spent) -> str:
    parts = spent.model_dump()
    whole = sum(parts.values())
    return ", ".join(f"{name} {seconds / whole:.0%}" for name, seconds in parts.items() if seconds >= 0.05 * whole > 0)


def _tries(run: RunTime) -> Iterator[str]:
    if run.retried:
        yield "Tried again, or failed:"
    for one in run.retried:
        yield f"  {one.task}{_missing(one)}"
        for attempt in one.attempts:
            yield f"    {attempt.number}: {_attempt(attempt)}"


def _missing(one: Tries) -> str:
    return f": {counted(one.missing, 'attempt')} left no record, for the worker was lost" if one.missing else ""


def _attempt(attempt: Attempt) -> str:
    seconds = f" after {attempt.ended - attempt.started:.1f} s" if attempt.ended is not None else ""
    why = f": {attempt.failure.cause} [{attempt.failure.code}]" if attempt.failure is not None else ""
    return f"{attempt.outcome}{seconds}, worker {attempt.worker or 'unknown'}{why}"


def _path(run: RunTime) -> Iterator[str]:
    names = {"planning": "before the first task", "between": "between tasks", "retry": "before another attempt",
             "earlier": "earlier tasks", "finishing": "certificate and manifests"}  # fmt: skip
    tasks = sorted((step for step in run.path if step.what == "task"), key=lambda step: -step.seconds)
    yield f"What the end waited for ({run.wall_seconds:.1f} s, one after another):"
    yield from table([
        *((f"  {name}", f"{seconds:.1f} s".rjust(8)) for what, name in names.items()
          if (seconds := sum(step.seconds for step in run.path if step.what == what)) >= 0.05),
        *([(f"  {counted(len(tasks), 'task')}", f"{sum(step.seconds for step in tasks):.1f} s".rjust(8))]
          if tasks else []),
        *((f"    {step.task}", f"{step.seconds:.1f} s".rjust(8)) for step in tasks[:LONGEST]),
    ])  # fmt: skip
