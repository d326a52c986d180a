"""Finds the command, loads only its module, and turns every outcome into an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import click

from streamify.cli import out
from streamify.cli.command import CONTEXT, Shared
from streamify.cli.document import Document
from streamify.cli.names import COMMANDS
from streamify.cli.options import Common, Given
from streamify.errors import Interrupted, StreamifyError, UsageError

if TYPE_CHECKING:
    from streamify.executors.local.start import WorkerStarter


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
