"""``streamify resume``."""

from __future__ import annotations

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("resume", cls=Command)
@click.argument("job", shell_complete=complete.folders)
@click.pass_context
def command(ctx: click.Context, /, job: str) -> None:
    """Go on with a job: only what is missing is made. Source and settings are those of its last run.

    JOB is the DEST of a transcode, or the ARN of an execution on AWS. A job that runs on AWS is followed.
    """
    from streamify.backends.choose import for_job
    from streamify.cli.show.progress import watching
    from streamify.cli.show.summary import made
    from streamify.cli.signals import stopping

    common = Common.of(ctx)
    with watching(common) as on_event, stopping(common.document) as stop:
        backend, dest = for_job(job)
        report = backend.resume(dest, on_event, stop)
    if common.json:
        out.print_json(report, common.document)
    elif not common.quiet:
        out.say(*made(report, str(dest)))
