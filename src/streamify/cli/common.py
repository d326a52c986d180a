"""What all commands share: global options before or after the command, and errors that become one line."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from click.core import ParameterSource

from streamify.errors import StreamifyError

_KEY = "streamify.options"


@dataclass(frozen=True)
class Common:
    """The global options."""

    quiet: bool = False
    verbose: bool = False
    json: bool = False
    config: Path | None = None
    events: Path | None = None
    log_format: Literal["text", "json"] = "text"

    @classmethod
    def of(cls, ctx: click.Context) -> Common:
        """Return what was given before or after the command; after wins."""
        return cls(**ctx.meta.get(_KEY, {}))


def _store(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if param.name and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
        ctx.meta.setdefault(_KEY, {})[param.name] = value  # meta is shared by the group's and the command's context


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from streamify._version import __version__
        from streamify.cli.out import print_json, say

        print_json({"version": __version__}) if ctx.find_object(dict) else say(f"streamify {__version__}")
        ctx.exit()


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


class Shared:
    """Mixed into commands and groups: adds the global options and shows them in a section of their own."""

    params: list[click.Parameter]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._global = global_options()
        for param in self._global:
            param.expose_value = False
            param.callback = _store
        self._global.append(
            click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version,
                         help="Show the version and exit.")
        )  # fmt: skip
        self.params = self.params + self._global

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the global ones."""
        rows: dict[bool, list[tuple[str, str]]] = {False: [], True: []}
        for param in ctx.command.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                rows[param in self._global].append(record)
        for title, records in (("Options", rows[False]), ("Global options, before or after the command", rows[True])):
            with formatter.section(title) if records else contextlib.nullcontext():
                formatter.write_dl(records) if records else None
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)


class Command(Shared, click.Command):
    """A command whose expected errors become one line and an exit code, never a traceback."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, context_settings={"max_content_width": 100}, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; return its exit code."""
        from streamify.cli import out

        common = Common.of(ctx)
        try:
            return super().invoke(ctx)
        except StreamifyError as error:
            return out.failure(error, common)
        except KeyboardInterrupt:
            from streamify.errors import Interrupted

            return out.failure(Interrupted(130), common)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            return out.bug(error, common)
