"""``streamify probe``."""

from __future__ import annotations

import click

from streamify.cli import out
from streamify.cli.common import Command, Common
from streamify.cli.signals import raising


@click.command("probe", cls=Command)
@click.argument("source")
@click.pass_context
def command(ctx: click.Context, /, source: str) -> None:
    """Show what a video is: streams, exact rate and length, rotation, colour, and what is peculiar about it."""
    from streamify import api
    from streamify.cli.show.summary import facts

    with raising():
        found = api.probe(source)
    out.print_json(found) if Common.of(ctx).json else out.say(facts(found))
