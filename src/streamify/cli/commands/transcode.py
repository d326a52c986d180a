"""``streamify transcode``."""

from __future__ import annotations

import click

from streamify.cli import complete, flags, out
from streamify.cli.command import Command
from streamify.cli.options import Common, starter_of


@click.command("transcode", cls=Command)
@click.argument("source", shell_complete=complete.paths)
@click.argument("dest", shell_complete=complete.folders)
@flags.settings_flags
@click.pass_context
def command(ctx: click.Context, /, source: str, dest: str, **_: object) -> None:
    """Turn the video SOURCE into an HLS + DASH stream in the folder DEST.

    The same command again resumes what was interrupted; finished segments are never made twice.
    """
    from streamify.backends.choose import for_settings
    from streamify.cli.show.progress import watching
    from streamify.cli.show.summary import made
    from streamify.cli.signals import stopping
    from streamify.model.location import Location

    common = Common.of(ctx)
    settings = flags.effective(ctx).settings
    original, folder = Location.of_source(source), Location.of_dest(dest)
    with watching(common) as on_event, stopping(common.document) as stop:
        report = for_settings(settings, starter_of(ctx)).transcode(original, folder, settings, on_event, stop)
    if common.json:
        out.print_json(report, common.document)
    elif not common.quiet:
        out.say(*made(report, str(folder)))
