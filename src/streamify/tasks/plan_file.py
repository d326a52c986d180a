"""The plan as it lies at DEST. Apart from the split task, which loads FFmpeg: drivers read plans too."""

from __future__ import annotations

from pydantic import ValidationError

from streamify.dest.layout import PLAN
from streamify.errors import DestinationError
from streamify.model.plan import Plan
from streamify.storage.base import Storage


def read_plan(media: Storage, key: str = PLAN) -> Plan | None:
    """Return the plan at DEST, or ``None`` where there is none.

    Raises:
        DestinationError: It is damaged or of another version.
    """
    data = media.get(key)
    if data is None:
        return None
    try:
        return Plan.from_json(data)
    except ValidationError as error:
        raise DestinationError(
            "plan-unreadable",
            f"{key} at DEST is damaged or of another version: {error.error_count()} fields do not fit",
            "name another DEST, or pass --replace to start anew",
        ) from error
