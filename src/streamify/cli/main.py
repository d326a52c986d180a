"""The entry point: finds the command, loads only its module, and turns every outcome into an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import click

from streamify.cli import out
from streamify.cli.command import CONTEXT, Shared
from streamify.cli.exit import end_at_once
from streamify.cli.options import Common, Document, Given
from streamify.errors import Interrupted, StreamifyError, UsageError

if TYPE_CHECKING:
    from streamify.executors.local.start import WorkerStarter

COMMANDS = {
    "probe": "Show what a video is.",
    "plan": "Show what transcode would do, without doing it.",
    "transcode": "Turn a video into an HLS + DASH stream.",
    "verify": "Check a finished stream from its bytes.",
    "status": "Show how far a job is.",
    "jobs": "List the jobs below a folder of streams.",
    "explain": "Show why a job was slow, or why it failed.",
    "run-task": "Run one task of a job alone, such as under a debugger.",
    "clean": "Remove what nobody needs at the DEST of a job.",
    "cancel": "End a job; what is finished stays.",
    "resume": "Go on with a job from where it stopped.",
    "watch": "Turn uploads into streams as they arrive.",
    "play": "Serve a stream on a page that plays it.",
    "doctor": "Check this machine and its codecs.",
    "error": "Explain an error code.",
    "completion": "Print a shell completion script.",
}
"""Name and line of help; a command lives in ``streamify.cli.commands.NAME``, which is imported only when it runs.

A ``-`` in the name is a ``_`` there.
"""


class Group(Shared, click.Group):
    """Knows its commands by name without importing them: ``streamify --help`` stays fast."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Return the names in the order of a job."""
        return list(COMMANDS)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"streamify.cli.commands.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command, or suggest one."""
        if args[0] not in COMMANDS:
            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            raise click.UsageError(f"there is no command '{args[0]}'{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their lines of help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Group, no_args_is_help=False, context_settings=CONTEXT)
def cli() -> None:
    """Turn one video into an adaptive HLS + DASH stream, on every core."""


def run(args: Sequence[str], starter: WorkerStarter | None = None, document: Document | None = None) -> int:
    """Run one command line; return the exit code. `starter` starts the workers; `document` is set to what is owed."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to fail
    before = list(args[: args.index("--")] if "--" in args else args)
    log_format: Literal["text", "json"] = "json" if "--log-format=json" in before else "text"
    document = document or Document()
    document.owed = "--json" in before
    common = Common(json=document.owed, log_format=log_format, document=document)
    try:
        code = cli.main(list(args) or ["--help"], "streamify", standalone_mode=False, obj=Given(document, starter))
    except click.ClickException as error:
        ctx = getattr(error, "ctx", None)
        path = ctx.command_path if ctx else "streamify"
        message = error.format_message().rstrip(".")
        if isinstance(error, click.MissingParameter):
            message = " ".join(message.split())  # click lists choices one a line
        return out.failure(UsageError("usage", message, f"see: {path} --help"), common)
    except (click.Abort, KeyboardInterrupt):
        return out.failure(Interrupted(130), common)
    except StreamifyError as error:  # of an option that ends the command, such as --version
        return out.failure(error, common)
    except OSError as error:  # commands catch their own: this is click's, of help that nobody can write
        return out.failure(out.unwritable(error, sys.stdout), common)
    except Exception as error:
        return out.bug(error, common)
    return code if isinstance(code, int) else 0


def main() -> None:
    """Run the command line of this process. Signals that come before a command takes them end it in order, too."""
    document = Document("--json" in sys.argv)

    def interrupt(number: int, _: object) -> None:
        # Not raised: half of a module may be loaded, and libraries swallow what comes in the middle of theirs.
        end_at_once(number, document)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    if _opens_media(sys.argv[1:]):
        from streamify.executors.local.start import WorkerStarter

        with WorkerStarter() as starter:
            starter.start_ahead()
            code = run(sys.argv[1:], starter, document)
    else:
        code = run(sys.argv[1:], document=document)
    gc.freeze()  # or Python looks through all that was loaded once more before it ends: 0.1 s (2026-11)
    sys.exit(code)


def _opens_media(args: Sequence[str]) -> bool:
    """Guess, before anything is parsed, whether a command will need a worker of this machine; a wrong guess is safe."""
    name = next((word for word in args if word in COMMANDS), "")
    engines = ("aws", "inline", *(["ray"] if name in ("transcode", "resume", "play") else []))
    elsewhere = any("://" in word or word.split("=")[-1] in ("--help", *engines) for word in args)
    if name == "play":  # of a SOURCE; a DEST is a folder
        return not elsewhere and any(os.path.isfile(word) for word in args)  # noqa: PTH113  # pathlib raises where a name is too long
    return name in ("probe", "plan", "transcode", "resume") and len(args) > 1 and not elsewhere
