"""A DEST that an execution holds by its claim: Step Functions knows whether it lives."""

from __future__ import annotations

from streamify.jobs.claim import read
from streamify.jobs.hold_base import taken
from streamify.jobs.steps import Run
from streamify.storage.base import Storage


class ExecutionHold:
    """See `streamify.jobs.hold_base.Hold`.

    To stop an execution does not stop a function of it that runs: another job may have begun and ended meanwhile.
    """

    def __init__(self, media: Storage, run: Run) -> None:
        self._media, self._run = media, run

    @property
    def alone(self) -> bool:
        """See `Hold.alone`."""
        return True

    def beat(self) -> None:
        """See `Hold.beat`."""

    def check(self) -> None:
        """See `Hold.check`."""
        held = read(self._media)
        if held is None or held.run != self._run.id:
            raise taken(self._run.places.media, held)
