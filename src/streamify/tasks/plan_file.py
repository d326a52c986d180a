"""The plan as it lies at DEST. Apart from the split task, which loads FFmpeg: drivers read plans too."""

from __future__ import annotations

from streamify.dest.layout import PLAN
from streamify.errors import DestinationError
from streamify.model.plan import Plan
from streamify.storage.base import Storage
from streamify.storage.saved import parse_saved


def read_plan(media: Storage, key: str = PLAN) -> Plan | None:
    """Return the plan at DEST, or ``None`` where there is none.

    Raises:
        DestinationError: ``plan-unreadable``, it is damaged or too old; ``state-newer``.
    """
    data = media.get(key)
    if data is None:
        return None
    found = parse_saved(Plan, data, key)
    if found is None:
        raise DestinationError(
            "plan-unreadable",
            f"{key} at DEST is damaged, or of a version that is no longer read",
            "make it anew: streamify transcode SOURCE DEST --replace",
        )
    return found
