"""``streamify status``."""

from __future__ import annotations

import click

from streamify.cli import out
from streamify.cli.common import Command, Common


@click.command("status", cls=Command)
@click.argument("job")
@click.pass_context
def command(ctx: click.Context, /, job: str) -> None:
    """Show how far a job is: whether it runs, what exists of each rendition, how long it takes yet, and what failed.

    JOB is the DEST of a transcode, or the ARN of an execution on AWS.
    """
    from streamify.backends.choose import for_job
    from streamify.cli.show.summary import standing
    from streamify.cli.signals import raising

    with raising():
        backend, dest = for_job(job)
        found = backend.status(dest)
    out.print_json(found) if Common.of(ctx).json else out.say(standing(found))
