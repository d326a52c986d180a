"""The class of all commands: global options before or after the name, and errors that become one line."""

from __future__ import annotations

import contextlib
from typing import Any

import click
from click.core import ParameterSource

from streamify.cli import out
from streamify.cli.options import OPTIONS_KEY, Common, Given, global_options
from streamify.errors import Interrupted, StreamifyError

CONTEXT = {"max_content_width": 100, "help_option_names": ["-h", "--help"]}
"""Settings of every command's context."""


def _store(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if param.name and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
        ctx.meta.setdefault(OPTIONS_KEY, {})[param.name] = value


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from streamify._version import __version__

        given = ctx.find_object(Given)
        if given is not None and given.document.owed:
            out.print_json({"version": __version__}, given.document)
        else:
            out.say(f"streamify {__version__}")
        ctx.exit()


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
        super().__init__(*args, context_settings=CONTEXT, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; return its exit code."""
        common = Common.of(ctx)
        common.document.owed = common.json
        try:
            return super().invoke(ctx)
        except StreamifyError as error:
            return out.failure(error, common)
        except KeyboardInterrupt:
            return out.failure(Interrupted(130), common)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            return out.bug(error, common)
