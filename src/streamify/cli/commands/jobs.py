"""``streamify jobs``."""

from __future__ import annotations

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("jobs", cls=Command)
@click.argument("media", shell_complete=complete.folders)
@click.pass_context
def command(ctx: click.Context, /, media: str) -> None:
    """List the jobs below the folder or prefix MEDIA: state, share, time left, and why they failed.

    Those of `watch` and those of single commands; on this machine, on others and on AWS.
    """
    from streamify.backends.here import is_running
    from streamify.cli.show.jobs import job_lines
    from streamify.cli.signals import raising
    from streamify.jobs.listing import list_jobs
    from streamify.model.location import Location

    with raising():
        found = list_jobs(Location.of_dest(media), is_running)
    common = Common.of(ctx)
    out.print_json(found, common.document) if common.json else out.say(*job_lines(found))
