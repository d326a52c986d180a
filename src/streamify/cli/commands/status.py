"""``streamify status``."""

from __future__ import annotations

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("status", cls=Command)
@click.argument("job", shell_complete=complete.folders)
@click.pass_context
def command(ctx: click.Context, /, job: str) -> None:
    """Show how far a job is: whether it runs, what exists of each rendition, how long it takes yet, and what failed.

    JOB is the DEST of a transcode, or the ARN of an execution on AWS.
    """
    from streamify.backends.choose import for_job
    from streamify.cli.show.summary import status_lines
    from streamify.cli.signals import raising

    with raising():
        backend, dest = for_job(job)
        found = backend.status(dest)
    out.print_json(found) if Common.of(ctx).json else out.say(*status_lines(found))
