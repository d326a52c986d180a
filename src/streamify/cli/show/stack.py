"""The jobs of a stack, as text. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamify.cli.show.summary import utc
from streamify.cli.text import table
from streamify.errors import counted

if TYPE_CHECKING:
    from streamify.model.status import StackJobs


def stack_lines(found: StackJobs) -> list[str]:
    """Return a table of jobs, and why those ended that did not succeed."""
    rows = [("DEST", "STATE", "STARTED"), *((job.dest, job.state, utc(job.started)) for job in found.jobs)]
    lines = table(rows) if found.jobs else []
    lines += [f"{job.dest}: {job.error}" for job in found.jobs if job.error]
    earlier = ", and earlier ones" if found.more else ""
    return [*lines, f"stack {found.stack}: {counted(len(found.jobs), 'job')}{earlier}"]
