"""``streamify clean``."""

from __future__ import annotations

import os
import re

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@click.command("clean", cls=Command)
@click.argument("job", required=False, shell_complete=complete.folders)
@click.option("--older-than", "age", metavar="AGE", help="Only what is older: 90s, 30m, 12h, 7d, 2w.")
@click.option("--state", is_flag=True, help="Also plan, ledger and records, where the job is finished.")
@click.option("--cache", is_flag=True, help="In place of a JOB: the streams that play SOURCE keeps.")
@click.option("--yes", is_flag=True, help="Remove it; without this it is only shown.")
@click.pass_context
def command(ctx: click.Context, /, job: str | None, age: str | None, *, state: bool, cache: bool, yes: bool) -> None:
    """Show what nobody needs at the DEST of a job, and with --yes remove it: files of tracks that no plan and no
    manifest names, temporary files, replaced tracks that no viewer can play any more, records of earlier runs.

    What a manifest names always stays. Nothing is removed while a job runs there.

    JOB is the DEST of a transcode, or the ARN of an execution on AWS.
    """
    from streamify.backends.choose import for_job
    from streamify.backends.here import is_running
    from streamify.cli.show.cleaning import cleaned
    from streamify.cli.signals import raising
    from streamify.errors import UsageError
    from streamify.jobs.clean import clean_job
    from streamify.jobs.clean_cache import clean_cache
    from streamify.jobs.locations import cache_root

    common, seconds = Common.of(ctx), _seconds(age)
    if (job is None) != cache:
        raise UsageError("usage", "give either a JOB or --cache", "see: streamify clean --help")
    with raising():
        if job is None:
            found = clean_cache(cache_root(os.environ), older_than=seconds, remove=yes)
        else:
            backend, dest = for_job(job)
            found = clean_job(
                backend.status(dest), backend.storage(dest), is_running, older_than=seconds, state=state, remove=yes
            )
    if common.json:
        out.print_json(found, common.document)
    elif not common.quiet:
        out.say(*cleaned(found, every=common.verbose))


def _seconds(age: str | None) -> float:
    from streamify.errors import UsageError

    if age is None:
        return 0
    parts = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([smhdw])", age.strip())
    if parts is None:
        raise UsageError(
            "age-invalid", f"--older-than {age} is no age", "give a number and s, m, h, d or w, such as 7d"
        )
    return float(parts[1]) * _UNITS[parts[2]]
