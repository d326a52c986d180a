"""Storages and source locations from the text that tests have at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streamify.jobs.locations import find_source
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.result import SplitResult
from streamify.model.settings import MediaSettings
from streamify.model.task import SplitTask
from streamify.storage import locate
from streamify.storage.base import Storage
from streamify.storage.locate import StoreLocations
from streamify.tasks.run import run_task


def open_storage(text: str) -> Storage:
    """Return the storage at a path or URL."""
    return locate.open_storage(Location.parse(text))


def locations(uploads: str | Path, media: str | Path) -> StoreLocations:
    """Return where a worker finds uploads and media."""
    return StoreLocations(uploads=Location.parse(str(uploads)), media=Location.parse(str(media)))


def split(source: Path, **settings: Any) -> Plan:
    """Return the plan of a source, made in this process: no worker has to start."""
    folder, ref = find_source(Location.parse(str(source)))
    task = SplitTask(source=ref, settings=MediaSettings.model_validate(settings), write=False)
    result = run_task(task, locations(folder.key, folder.key).open())
    assert isinstance(result, SplitResult)
    return Plan.from_json(result.plan.encode())
