"""``streamify verify``."""

from __future__ import annotations

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("verify", cls=Command)
@click.argument("dest", shell_complete=complete.folders)
@click.option(
    "--source",
    metavar="SOURCE",
    shell_complete=complete.paths,
    help="Also compare the pictures with those of the original.",
)
@click.pass_context
def command(ctx: click.Context, /, dest: str, source: str | None) -> None:
    """Recompute the certificate of the stream in DEST from its bytes. Exit code 6 and a line for every fault."""
    from streamify.cli.show.progress import watching
    from streamify.cli.show.summary import verified
    from streamify.cli.signals import stopping
    from streamify.jobs.verify import verify
    from streamify.model.location import Location

    common = Common.of(ctx)
    original = None if source is None else Location.of_source(source)
    with watching(common) as on_event, stopping(common.document) as stop:
        found = verify(Location.of_dest(dest), original, on_event, stop)
    found.check()
    if common.json:
        out.print_json(found, common.document)
    elif not common.quiet:
        out.say(*verified(found))
