"""``streamify cancel``."""

from __future__ import annotations

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("cancel", cls=Command)
@click.argument("job", shell_complete=complete.folders)
@click.pass_context
def command(ctx: click.Context, /, job: str) -> None:
    """End a job in order, wherever it runs, and wait until it has ended. What is finished stays; resume goes on.

    JOB is the DEST of a transcode, or the ARN of an execution on AWS.
    """
    from streamify.backends.choose import for_job
    from streamify.cli.show.summary import cancelled
    from streamify.cli.signals import raising

    common = Common.of(ctx)
    with raising():
        backend, dest = for_job(job)
        found = backend.cancel(dest)
    if common.json:
        out.print_json(found, common.document)
    elif not common.quiet:
        out.say(*cancelled(found))
