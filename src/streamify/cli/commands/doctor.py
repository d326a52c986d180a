"""``streamify doctor``."""

from __future__ import annotations

from typing import Any

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("doctor", cls=Command)
@click.argument("dest", required=False, shell_complete=complete.folders)
@click.option("--stack", metavar="NAME", help="Check the buckets of a stack on AWS too.")
@click.pass_context
def command(ctx: click.Context, /, dest: str | None, stack: str | None) -> int:
    """Check versions, codecs, CPU, memory and disk; with DEST, whether a stream can be written there.

    Exit code 5 if something is unusable.
    """
    from streamify.cli.checks import checks
    from streamify.model.location import Location

    found = list(checks(Location.of_dest(dest) if dest is not None else None, stack))
    failed = [check for check in found if check.status == "fail"]
    common = Common.of(ctx)
    if common.json:
        document: dict[str, Any] = {"ok": not failed, "checks": [vars(check) for check in found]}
        if failed:
            message = "; ".join(f"{check.name}: {check.text}" for check in failed)
            document["error"] = {"code": "doctor", "message": message, "hint": ""}
        out.print_json(document, common.document)
    else:
        width = max(len(check.name) for check in found)
        out.say(*(f"{check.status:4}  {check.name:{width}}  {check.text}" for check in found))
    return 5 if failed else 0
