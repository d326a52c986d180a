"""The global options, which every command takes before or after its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from streamify.cli.document import Document

if TYPE_CHECKING:
    from streamify.executors.local.start import WorkerStarter

OPTIONS_KEY = "streamify.options"
"""Where the context's ``meta`` keeps what was given; the group's and the command's context share it."""


@dataclass(frozen=True)
class Common:
    """The values of the global options."""

    quiet: bool = False
    verbose: bool = False
    json: bool = False
    config: Path | None = None
    events: Path | None = None
    log_format: Literal["text", "json"] = "text"
    document: Document = field(default_factory=Document)

    @classmethod
    def of(cls, ctx: click.Context) -> Common:
        """Return what was given before or after the command; after wins."""
        given = ctx.find_object(Given)
        options = ctx.meta.get(OPTIONS_KEY, {})
        return cls(**options, document=given.document) if given is not None else cls(**options)


@dataclass(frozen=True)
class Given:
    """What the entry point hands to the commands, as the ``obj`` of click's context."""

    document: Document
    """Whether it is owed is a guess until the command line is parsed."""
    starter: WorkerStarter | None = None
    """Starts the workers."""


def starter_of(ctx: click.Context) -> WorkerStarter | None:
    """Return what starts the workers of a command."""
    given = ctx.find_object(Given)
    return given.starter if given is not None else None


def global_options() -> list[click.Parameter]:
    """Return fresh parameters for one command."""
    path = click.Path(path_type=Path)
    return [
        click.Option(["-q", "--quiet"], is_flag=True, help="No progress and no summary; errors only."),
        click.Option(["-v", "--verbose"], is_flag=True, help="More detail, and the traceback of a bug."),
        click.Option(["--json"], is_flag=True, help="Write exactly one JSON document to stdout, also on failure."),
        click.Option(["--config"], type=path, metavar="FILE", help="Settings file.  [default: ./streamify.yaml]"),
        click.Option(["--events"], type=path, metavar="FILE", help="Append every event to FILE as one JSON line."),
        click.Option(["--log-format"], type=click.Choice(["text", "json"]), help="Form of the log lines on stderr."),
    ]
