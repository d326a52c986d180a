"""``streamify play``."""

from __future__ import annotations

import os
import sys
import threading

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("play", cls=Command)
@click.argument("dest", shell_complete=complete.folders)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; 0 takes a free one.  [default: 0]")
@click.option("--allow-origin", metavar="ORIGIN", help="Let pages of this origin (or '*') read the stream (CORS).")
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@click.pass_context
def command(ctx: click.Context, /, dest: str, host: str, port: int, allow_origin: str | None, no_open: bool) -> int:
    """Serve the stream in DEST on a page that plays it, until Ctrl-C."""
    from streamify.cli.signals import raising
    from streamify.errors import Interrupted
    from streamify.http.files import FolderFiles, ObjectFiles
    from streamify.http.play import open_play
    from streamify.model.location import Location
    from streamify.storage.locate import open_storage

    common = Common.of(ctx)
    location = Location.of_dest(dest)
    files = ObjectFiles(open_storage(location), str(location)) if location.remote else FolderFiles(location.path)
    log = out.logger(common, "error")
    try:
        with raising(), open_play(files, host, port, log=log, allow_origin=allow_origin) as server:
            if common.json:
                out.print_json({"url": server.url})
            else:
                out.say(f"{server.url}  (Ctrl-C ends)")
            if not no_open and _desktop():
                import webbrowser

                threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
            server.run()
    except Interrupted as error:  # the usual way to end it: no word needed
        return error.exit_code
    return 0


def _desktop() -> bool:
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(screen) and sys.stdout.isatty() and "SSH_CONNECTION" not in os.environ
