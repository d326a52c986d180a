"""``streamify status``."""

from __future__ import annotations

import click

from streamify.cli import out
from streamify.cli.common import Command, Common


@click.command("status", cls=Command)
@click.argument("job")
@click.pass_context
def command(ctx: click.Context, /, job: str) -> None:
    """Show how far a job is: what exists of each rendition, and on AWS whether it runs and what failed.

    JOB is the DEST of a transcode, or the ARN of an execution on AWS.
    """
    from streamify import control
    from streamify.cli.show.summary import standing
    from streamify.cli.signals import raising

    with raising():
        found = control.status(job)
    out.print_json(found) if Common.of(ctx).json else out.say(standing(found))
