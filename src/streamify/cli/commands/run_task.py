"""``streamify run-task``."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("run-task", cls=Command)
@click.argument("job", shell_complete=complete.folders)
@click.argument("key", required=False)
@click.option("--list", "listing", is_flag=True, help="List the keys of the job's tasks.")
@click.option("--source", metavar="SOURCE", shell_complete=complete.paths, help="A copy of the source, where it moved.")
@click.option("--out", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Keep what it makes in this folder.  [default: a temporary one]")  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context, /, job: str, key: str | None, source: str | None, folder: Path | None, *, listing: bool
) -> int:
    """Run one task of a job alone, in this process, from its exact input: the plan at DEST and the source. Whatever
    ran it before, it runs here, so that a debugger can stop anywhere:

    \b
        python -m pdb -m streamify run-task DEST video/00003/720p

    Nothing at DEST changes. What it makes is compared with what the job made: exit code 6 where it differs. The task
    has none of the limits that workers have.

    JOB is the DEST of a transcode, or the ARN of an execution on AWS.
    """
    from streamify.backends.choose import for_job
    from streamify.cli.show.single import single, tasks
    from streamify.cli.signals import raising
    from streamify.errors import UsageError
    from streamify.jobs.single import list_tasks, run_single
    from streamify.model.location import Location

    common = Common.of(ctx)
    if (key is None) != listing:
        raise UsageError("usage", "give either a KEY or --list", "see: streamify run-task --help")
    with raising():
        backend, dest = for_job(job)
        status = backend.status(dest)
    if key is None:
        listed = list_tasks(status, backend.storage(dest))
        out.print_json(listed, common.document) if common.json else out.say(*tasks(listed))
        return 0
    original = None if source is None else Location.of_source(source)
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="streamify-task-")))
        found = run_single(status, backend.storage, key, place.resolve(), original, None)
    found = found if folder is not None else found.model_copy(update={"folder": None})
    out.print_json(found, common.document) if common.json else out.say(*single(found))
    return 6 if found.job == "different" else 0
