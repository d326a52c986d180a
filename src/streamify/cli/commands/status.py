"""``streamify status``."""

from __future__ import annotations

import click

from streamify.cli import complete, out
from streamify.cli.command import Command
from streamify.cli.options import Common


@click.command("status", cls=Command)
@click.argument("job", required=False, shell_complete=complete.folders)
@click.option("--stack", metavar="NAME", help="List the latest jobs of a stack on AWS, in place of JOB.")
@click.pass_context
def command(ctx: click.Context, /, job: str | None, stack: str | None) -> None:
    """Show how far a job is: whether it runs, what exists of each rendition, how long it takes yet, and what failed.

    JOB is the DEST of a transcode, or the ARN of an execution on AWS.
    """
    if (job is None) == (stack is None):
        raise click.UsageError("give JOB, or --stack NAME", ctx)
    if stack is not None:
        _list(ctx, stack)
        return
    assert job is not None
    from streamify.backends.choose import for_job
    from streamify.cli.show.summary import status_lines
    from streamify.cli.signals import raising

    with raising():
        backend, dest = for_job(job)
        found = backend.status(dest)
    common = Common.of(ctx)
    out.print_json(found, common.document) if common.json else out.say(*status_lines(found))


def _list(ctx: click.Context, stack: str) -> None:
    from streamify.backends.aws.stack_jobs import list_stack_jobs
    from streamify.cli.show.stack import stack_lines
    from streamify.cli.signals import raising

    with raising():
        found = list_stack_jobs(stack)
    common = Common.of(ctx)
    out.print_json(found, common.document) if common.json else out.say(*stack_lines(found))
