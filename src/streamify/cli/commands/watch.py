"""``streamify watch``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamify.cli import complete, flags, out
from streamify.cli.command import Command
from streamify.cli.options import Common

if TYPE_CHECKING:
    from streamify.watch.start import Options, Watching

DRAIN = 30.0
"""Seconds for which ``--once`` waits for hooks that do not answer."""


@click.command("watch", cls=Command)
@click.argument("uploads", shell_complete=complete.folders)
@click.argument("media", shell_complete=complete.folders)
@click.option("--once", is_flag=True, help="Carry out what is there, then exit: for cron.")
@click.option(
    "--jobs", "at_once", type=click.IntRange(1, 64), default=4, show_default=True, metavar="N",
    help="Jobs that share the workers at the same moment; short ones go first.",
)  # fmt: skip
@click.option(
    "--settle", type=click.FloatRange(0, 3600), metavar="SECONDS",
    help="Seconds without a change after which an upload counts as whole.  [default: 2; 10 on network file systems; 0 "
    "in object storage]",
)  # fmt: skip
@click.option(
    "--poll", type=click.FloatRange(0.1, 86400), metavar="SECONDS",
    help="Look at all of UPLOADS every so many seconds.  [default: when the kernel tells of a change; 5 on network "
    "file systems; 10 in object storage]",
)  # fmt: skip
@click.option("--on-done", multiple=True, metavar="TARGET", help="URL that is called, or 'exec:PROGRAM ARGUMENTS' that "
              "is run, when a stream is complete. May be given several times.")  # fmt: skip
@click.option("--on-failed", multiple=True, metavar="TARGET", help="The same when a job failed or was cancelled.")
@click.option("--webhook-secret-file", type=click.Path(path_type=Path), metavar="FILE", help="Holds the secret that "
              "signs calls of URLs: whsec_BASE64.")  # fmt: skip
@flags.settings_flags
@click.pass_context
def command(ctx: click.Context, /, uploads: str, media: str, once: bool, **_: object) -> int:
    """Turn every upload that arrives in UPLOADS into a stream below MEDIA, until Ctrl-C.

    UPLOADS and MEDIA are folders, or prefixes in object storage. The stream of UPLOADS/a/b.mov is MEDIA/a/b.mov/.
    Settings in b.mov.streamify.yaml beside it go before those of this command.
    """
    from streamify.cli.show.watched import telling
    from streamify.cli.signals import stopping
    from streamify.model.location import Location
    from streamify.watch.start import prepared

    common, base, options = Common.of(ctx), flags.effective(ctx), _options(ctx)
    source, target = Location.of_dest(uploads), Location.of_dest(media)
    with (
        telling(common) as tell,
        stopping(common.document) as stop,
        prepared(source, target, base, options, tell, stop) as watching,
    ):
        _announce(watching, uploads, media, tell)
        watching.watcher.run(once=once, check=watching.check)
        unconfirmed = watching.deliveries.drain(DRAIN)
    return _finish(common, watching, media, unconfirmed)


def _options(ctx: click.Context) -> Options:
    from streamify.errors import UsageError
    from streamify.watch.hooks import parse_target
    from streamify.watch.start import Options
    from streamify.watch.webhook import parse_secret

    given, file = ctx.params, ctx.params["webhook_secret_file"]
    targets = [parse_target(text, "job.done", "--on-done") for text in given["on_done"]]
    targets += [parse_target(text, "job.failed", "--on-failed") for text in given["on_failed"]]
    key = None
    if file is not None:
        try:
            key = parse_secret(file.read_text())
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise UsageError("hook-secret", f"cannot read {file}: {reason}", "check --webhook-secret-file") from error
    return Options(given["settle"], given["poll"], given["at_once"], targets, key)


def _announce(watching: Watching, uploads: str, media: str, tell: object) -> None:
    from streamify.errors import counted
    from streamify.model.event import Event

    text = f"watching {uploads} ({watching.how}); streams go to {media}"
    text += f"; {counted(watching.known, 'upload')} known" if watching.known else ""
    assert callable(tell)
    tell(Event(time=time.time(), kind="watch.ready", message=text, data={"known": watching.known}))


def _finish(common: Common, watching: Watching, media: str, unconfirmed: int) -> int:
    """Say what became of all uploads, at the end of ``--once``; return the exit code."""
    from streamify.cli.show.summary import shell_command
    from streamify.errors import JobsFailed, counted

    ended, left = watching.watcher.ended, watching.watcher.left
    failed = [one for one in ended if one.outcome != "complete"]
    error = None
    if failed:
        text = f"{counted(len(failed), 'job')} of {len(ended)} failed: " + ", ".join(one.key for one in failed[:5])
        text += ", ..." if len(failed) > 5 else ""
        error = JobsFailed(text, f"see: {shell_command('jobs', media)}")
    if common.json:
        told = {
            "ended": [one.model_dump(mode="json", by_alias=True) for one in ended],
            "left": left,
            "hooks_unconfirmed": unconfirmed,
        }
        if error is not None:
            told["error"] = {"code": error.code, "message": error.message, "hint": error.hint}
        out.print_json(told, common.document)
        return error.exit_code if error is not None else 0
    if not common.quiet:
        rest = f", {counted(len(left), 'upload')} left for the next run: {', '.join(left[:5])}" if left else ""
        rest += f", {counted(unconfirmed, 'call')} of hooks not confirmed" if unconfirmed else ""
        out.say(f"{len(ended) - len(failed)} complete, {len(failed)} failed{rest}")
    return out.failure(error, common) if error is not None else 0
