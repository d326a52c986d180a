"""What `run-task` says. Values in, lines out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from streamify.cli.text import table
from streamify.model.text import size

if TYPE_CHECKING:
    from streamify.model.single import SingleRun, TaskList

_WORDS = {
    "same": "the same bytes as the job's",
    "different": "other bytes than the job's",
    "none": "not made by the job",
}


def tasks(found: TaskList) -> list[str]:
    """Return what ``run-task --list`` says."""
    return table([(one.task, one.state) for one in found.tasks]) if found.tasks else ["no tasks"]


def single(found: SingleRun) -> list[str]:
    """Return what `run-task` says."""
    return list(_lines(found))


def _lines(found: SingleRun) -> Iterator[str]:
    yield f"{found.task}: {found.seconds:.2f} s, {found.cpu_seconds:.2f} CPU seconds"
    yield "  " + ", ".join(
        f"{name} {seconds:.2f} s" for name, seconds in found.spent.model_dump().items() if seconds >= 0.005
    )
    for one in found.before:
        length = f"{one.ended - one.started:.2f} s" if one.ended is not None else "not ended"
        why = f": {one.failure}" if one.failure is not None else ""
        yield f"  in the job: attempt {one.number} {one.outcome}, {length}, worker {one.worker or 'unknown'}{why}"
    yield from table([(f"  {file.key}", size(file.size), file.sha256[:16], _WORDS[file.job]) for file in found.files])
    if not found.files and found.job != "none":
        yield f"  {_WORDS[found.job].replace('bytes', 'plan')}"
    if found.job == "different":
        yield from (f"  {reason}" for reason in found.reasons or ("codec build and kind of processor are those of the "
                    "plan: the job's file was damaged, or the code differs",))  # fmt: skip
    if found.folder is not None:
        yield f"Kept in {found.folder}"
