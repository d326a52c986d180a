"""A stream while it is made, as viewers see it: whole from the moment it is planned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Literal

from streamify.dest.layout import segment_index, track_of
from streamify.errors import StreamifyError
from streamify.jobs.demands import Demands
from streamify.jobs.planned import planned_view
from streamify.jobs.segments import SegmentList
from streamify.model.plan import Plan
from streamify.planning.agenda import Wanted
from streamify.storage.base import Storage

State = Literal["planning", "making", "complete", "failed"]


class LiveStream:
    """What a job and the server of its stream share. Every method can be called from any thread."""

    def __init__(self) -> None:
        self.demands = Demands()
        self.error: StreamifyError | None = None
        """Why the job failed."""
        self._lock = Lock()
        self._state: State = "planning"
        self._texts: dict[str, bytes] = {}
        self._tracks: dict[str, int] = {}  # segments by track

    @property
    def state(self) -> State:
        """How far the job is."""
        return self._state

    @property
    def watchable(self) -> bool:
        """Whether there is anything to watch: the stream was planned."""
        return bool(self._texts)

    def planned(self, plan: Plan, media: Storage) -> None:
        """Tell that a plan and the init segments of its tracks are at DEST."""
        segments = SegmentList(plan, media)
        try:
            borders = [segment.start for segment in segments]
        finally:
            segments.close()
        view = planned_view(plan, [*borders, plan.timeline.end], media)
        texts = {key: text.encode() for key, text in view.texts().items()}
        with self._lock:
            self._texts, self._tracks = texts, {track.id: plan.segments for track in plan.tracks}
            self._state = "making"

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Tell viewers how the job ends that runs inside: the stream is complete, or what keeps it from being so."""
        try:
            yield
        except StreamifyError as error:
            self._ended(error)
            raise
        except BaseException as error:
            self._ended(StreamifyError("internal-error", f"{type(error).__name__}: {error}"))
            raise
        self._ended(None)

    def _ended(self, error: StreamifyError | None) -> None:
        with self._lock:
            self.error = error
            self._state = "complete" if error is None else "failed"
        self.demands.close(error)

    def text(self, key: str) -> bytes | None:
        """Return a manifest of the whole stream, from its plan; ``None``: there is none of that key."""
        return self._texts.get(key)

    def wanted(self, key: str) -> Wanted | None:
        """Return the segment that a key names; ``None``: the stream has no such segment."""
        track, index = track_of(key), segment_index(key)
        if track is None or index is None or index >= self._tracks.get(track, 0):
            return None
        return Wanted(track, index)
