"""``streamify probe``."""

from __future__ import annotations

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common, starter_of
from streamify.cli.signals import stopping


@click.command("probe", cls=Command)
@click.argument("source", shell_complete=complete.paths)
@click.pass_context
def command(ctx: click.Context, /, source: str) -> None:
    """Show what a video is: streams, exact rate and length, rotation, colour, and what is peculiar about it."""
    from streamify.cli.show.summary import facts
    from streamify.jobs import run as jobs
    from streamify.model.location import Location

    common = Common.of(ctx)
    with stopping(common.document) as stop:
        found = jobs.probe(Location.of_source(source), stop, starter_of(ctx))
    out.print_json(found, common.document) if common.json else out.say(*facts(found))
