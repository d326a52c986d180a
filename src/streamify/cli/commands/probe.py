"""``streamify probe``."""

from __future__ import annotations

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common
from streamify.cli.signals import raising


@click.command("probe", cls=Command)
@click.argument("source", shell_complete=complete.paths)
@click.pass_context
def command(ctx: click.Context, /, source: str) -> None:
    """Show what a video is: streams, exact rate and length, rotation, colour, and what is peculiar about it."""
    from streamify import api
    from streamify.cli.show.summary import facts

    with raising():
        found = api.probe(source)
    out.print_json(found) if Common.of(ctx).json else out.say(*facts(found))
