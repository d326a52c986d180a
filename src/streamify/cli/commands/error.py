"""``streamify error``."""

from __future__ import annotations

from difflib import get_close_matches

import click

from streamify._project import ERRORS_URL
from streamify.cli import out
from streamify.cli.command import Command
from streamify.cli.complete import error_codes
from streamify.cli.options import Common
from streamify.cli.show.explained import explanations, plain
from streamify.errors import UsageError


@click.command("error", cls=Command)
@click.argument("code", shell_complete=error_codes)
@click.pass_context
def command(ctx: click.Context, /, code: str) -> None:
    """Explain the error CODE that stands in brackets at the end of an error line. Needs no network."""
    known = explanations()
    if code not in known:
        close = get_close_matches(code.lower(), known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"all codes: {ERRORS_URL}"
        raise UsageError("error-unknown", f"there is no error code '{code}'", hint)
    found, url = known[code], f"{ERRORS_URL}#{code}"
    common = Common.of(ctx)
    if common.json:
        out.print_json({"code": code, "section": found.section, "text": found.text, "url": url}, common.document)
    else:
        out.say(f"{code}: {found.section}", "", *plain(found.text), "", url)
