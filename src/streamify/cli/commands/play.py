"""``streamify play``."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import Future, InvalidStateError
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import click

from streamify.cli import complete, flags, out
from streamify.cli.command import Command
from streamify.cli.options import Common, starter_of

if TYPE_CHECKING:
    from streamify.http.files import StreamFiles
    from streamify.http.guard import Log
    from streamify.http.listening import Listener
    from streamify.http.play import PlayServer
    from streamify.jobs.live import LiveStream
    from streamify.model.event import Event
    from streamify.model.location import Location
    from streamify.storage.base import Storage


_HEAD_START = 0.2
"""Seconds at most that a job whose engine is ready has for itself, until its first task is at work."""


@click.command("play", cls=Command)
@click.argument("stream", metavar="DEST|SOURCE", shell_complete=complete.paths)
@click.argument("dest", metavar="[DEST]", required=False, shell_complete=complete.folders)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; 0 takes a free one.  [default: 0]")
@click.option("--allow-origin", metavar="ORIGIN", help="Let pages of this origin (or '*') read the stream (CORS).")
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@flags.settings_flags
@click.pass_context
def command(ctx: click.Context, /, stream: str, dest: str | None, **_: object) -> int:
    """Serve a stream on a page that plays it, until Ctrl-C.

    With a DEST alone: the stream there, finished or made by another process now. With a SOURCE: the stream that is made
    of it meanwhile, in DEST or in a cache folder; whatever is watched is made first, and the same command goes on where
    it was ended.
    """
    from streamify.errors import Interrupted
    from streamify.model.location import Location

    try:
        if dest is None and not _is_file(stream):
            _serve(ctx, Location.of_dest(stream))
        else:
            _serve_while_making(ctx, Location.of_source(stream), dest)
    except Interrupted as error:
        if Common.of(ctx).document.owed:  # it came before the URL
            raise
        return error.exit_code  # the usual way to end it: no word needed
    return 0


def _is_file(given: str) -> bool:
    """Return whether a file or an object has that name, so that it is a source and no stream."""
    from streamify.model.location import Location
    from streamify.storage.locate import reach_storage

    location = Location.of_source(given)
    if not location.remote:
        return location.path.is_file()
    return bool(location.key) and reach_storage(location.root).stat(location.key) is not None


def _serve(ctx: click.Context, dest: Location) -> None:
    from streamify.backends.here import is_running
    from streamify.cli.signals import raising
    from streamify.http.play import open_play
    from streamify.jobs.elsewhere import StreamElsewhere, following
    from streamify.jobs.found import FoundJob
    from streamify.storage.locate import reach_storage

    common, options = Common.of(ctx), ctx.params
    log, media = out.logger(common, "error"), reach_storage(dest)
    with raising(), ExitStack() as stack:
        elsewhere = None
        if not dest.remote:  # demands are files, which are looked for several times a second
            elsewhere = stack.enter_context(following(StreamElsewhere(dest, media, is_running)))
        server = stack.enter_context(open_play(
            _files(dest, media), options["host"], options["port"], log=log, job=FoundJob(dest, media, is_running),
            live=elsewhere, allow_origin=options["allow_origin"],
        ))  # fmt: skip
        _announce(ctx, server.url)
        server.run()


def _serve_while_making(ctx: click.Context, source: Location, given: str | None) -> None:
    from streamify.backends.here import Here
    from streamify.cli.show.progress import watching
    from streamify.cli.signals import stopping
    from streamify.errors import Interrupted, JobCancelled, StreamifyError, UsageError
    from streamify.http.listening import listening
    from streamify.jobs.live import LiveStream
    from streamify.jobs.locations import cache_folder, find_source
    from streamify.model.location import Location

    common, options, settings = Common.of(ctx), ctx.params, flags.effective(ctx).settings
    if settings.engine == "aws":
        hint = "leave out --engine aws, or transcode there and play its DEST"
        raise UsageError("engine-unsupported", "a stream is made on demand on this machine alone", hint)
    dest = Location.of_dest(given or str(cache_folder(os.environ, find_source(source)[1], settings.media())))
    live, backend, log = LiveStream(), Here(starter_of(ctx)), out.logger(common, "error")
    errors: list[BaseException] = []
    servers: list[PlayServer] = []
    ready: Future[None] = Future()
    begun, over = threading.Event(), threading.Event()
    with (
        watching(common) as show,
        stopping(common.document) as stop,
        listening(options["host"], options["port"]) as listener,
    ):

        def on_event(event: Event) -> None:
            show(event)
            if event.kind == "engine.ready":
                with suppress(InvalidStateError):  # the job has ended meanwhile
                    ready.set_result(None)
            elif event.kind == "task.started":
                begun.set()

        def make() -> None:
            try:
                backend.play(source, dest, settings, live, on_event, stop)
            except BaseException as error:  # raised in the main thread
                errors.append(error)
                interrupted = isinstance(error, Interrupted) and not isinstance(error, JobCancelled)
                if live.watchable and isinstance(error, StreamifyError) and not interrupted:
                    log(str(error))
            begun.set()
            with suppress(InvalidStateError):  # the engine was ready, or is at this moment
                ready.set_exception(errors[0]) if errors else ready.set_result(None)
            if live.watchable:
                stop.signalled.wait()  # a signal that comes before the server takes them must end it, too
            over.set()
            for server in servers:
                server.stop()

        maker = threading.Thread(target=make, name="streamify-job")
        maker.start()
        try:
            ready.result()  # raises why the job ended before: then there is nothing to serve
            begun.wait(_HEAD_START)  # a browser takes a core, and to load code takes the interpreter from the job
            if not stop.is_set():
                _announce(ctx, listener.url)
                servers.append(_server(ctx, dest, listener, live, log))
                if not over.is_set():  # else nobody stops the server
                    servers[0].run()
        finally:
            stop.signalled.set()
            stop.set()
            maker.join()
    for error in errors:
        raise error
    raise Interrupted(stop.exit_code)


def _server(ctx: click.Context, dest: Location, listener: Listener, live: LiveStream, log: Log) -> PlayServer:
    """Return the server of a stream that is made; its code is loaded while the job has begun."""
    from streamify.http.play import play_server
    from streamify.storage.locate import reach_storage

    files, origin = _files(dest, reach_storage(dest)), ctx.params["allow_origin"]
    return play_server(files, listener, log=log, job=live, live=live, allow_origin=origin)


def _files(dest: Location, media: Storage) -> StreamFiles:
    from streamify.http.files import FolderFiles, ObjectFiles

    return ObjectFiles(media, str(dest)) if dest.remote else FolderFiles(dest.path)


def _announce(ctx: click.Context, url: str) -> None:
    common = Common.of(ctx)
    if common.json:
        out.print_json({"url": url}, common.document)
    else:
        out.say(f"{url}  (Ctrl-C ends)")
    if not ctx.params["no_open"] and _desktop():
        import webbrowser

        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _desktop() -> bool:
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(screen) and sys.stdout.isatty() and "SSH_CONNECTION" not in os.environ
