"""``streamify plan``."""

from __future__ import annotations

from json import loads
from typing import TYPE_CHECKING

import click

from streamify.cli import complete, flags, out
from streamify.cli.command import Command
from streamify.cli.options import Common, starter_of
from streamify.cli.signals import stopping

if TYPE_CHECKING:
    from streamify.model.location import Location
    from streamify.model.settings import Settings


@click.command("plan", cls=Command)
@click.argument("source", required=False, shell_complete=complete.paths)
@flags.settings_flags
@click.option("--print-settings", is_flag=True, help="Print the settings that hold and where each came from.")
@click.option("--print-schema", is_flag=True, help="Print the JSON Schema of the settings.")
@click.pass_context
def command(ctx: click.Context, /, source: str | None, print_settings: bool, print_schema: bool, **_: object) -> None:
    """Show what transcode would do with SOURCE, without doing it.

    Takes every flag of transcode. SOURCE may be left out with --print-settings and --print-schema.
    """
    from streamify.cli.show.summary import planned
    from streamify.model.location import Location
    from streamify.settings import read as settings_io

    common = Common.of(ctx)
    if print_schema:
        schema = settings_io.schema()
        out.print_json(loads(schema), common.document) if common.json else out.write_exactly(schema)
        return
    effective = flags.effective(ctx)
    if print_settings:
        if common.json:
            out.print_json(loads(effective.to_json()), common.document)
        else:
            out.say(*effective.to_yaml().rstrip("\n").split("\n"))
        return
    if source is None:
        raise click.UsageError("Missing argument 'SOURCE'", ctx)
    if effective.settings.engine == "aws":
        _on_aws(Location.of_source(source), effective.settings, common)
        return
    from streamify.jobs import run as jobs

    with stopping(common.document) as stop:
        plan = jobs.plan(Location.of_source(source), effective.settings, stop, starter_of(ctx))
    out.print_json(plan, common.document) if common.json else out.say(*planned(plan))


def _on_aws(source: Location, settings: Settings, common: Common) -> None:
    from streamify.backends.aws.pricing.cost import refuse_above
    from streamify.backends.aws.pricing.predict import predict_source
    from streamify.cli.show.predicted import predicted
    from streamify.cli.show.summary import planned

    with stopping(common.document) as stop:
        plan, prediction = predict_source(source, settings, stop)
    if not common.json:
        out.say(*planned(plan), *predicted(prediction))
    refuse_above(prediction, settings.max_cost)
    if common.json:
        out.print_json(
            plan.model_dump(mode="json", by_alias=True) | {"aws": prediction.model_dump(mode="json")}, common.document
        )
