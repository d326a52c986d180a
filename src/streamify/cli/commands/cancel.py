"""``streamify cancel``."""

from __future__ import annotations

import click

from streamify.cli import out
from streamify.cli.common import Command, Common


@click.command("cancel", cls=Command)
@click.argument("job")
@click.pass_context
def command(ctx: click.Context, /, job: str) -> None:
    """End the execution that carries a job out on AWS. What is finished stays, and resume goes on from there.

    JOB is the DEST of a transcode, or the ARN of an execution. A job of this machine is ended with Ctrl-C in its
    terminal.
    """
    from streamify import control
    from streamify.cli.signals import raising

    common = Common.of(ctx)
    with raising():
        found = control.cancel(job)
    if common.json:
        out.print_json(found)
    elif not common.quiet:
        out.say(f"cancelled: {found.execution}" if found.cancelled else f"had ended: {found.execution} {found.status}")
