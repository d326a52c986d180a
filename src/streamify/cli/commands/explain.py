"""``streamify explain``."""

from __future__ import annotations

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("explain", cls=Command)
@click.argument("job", shell_complete=complete.folders)
@click.option("--run", metavar="ID", help="Of its runs this one, or the beginning of its id.  [default: the last]")
@click.pass_context
def command(ctx: click.Context, /, job: str, run: str | None) -> None:
    """Show why a job was slow, or why it failed: what the workers' time went into, the slowest tasks, what was tried
    again, what the end waited for, and what can be done about it.

    JOB is the DEST of a transcode, or the ARN of an execution on AWS. A job that runs can be asked too.
    """
    from streamify.backends.choose import for_job
    from streamify.cli.show.analysis import explained
    from streamify.cli.signals import raising

    with raising():
        backend, dest = for_job(job)
        found = backend.explain(dest, run)
    common = Common.of(ctx)
    out.print_json(found, common.document) if common.json else out.say(*explained(found))
