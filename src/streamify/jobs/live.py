"""A stream while it is made, as viewers see it: whole from the moment it is planned."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Lock
from typing import Any

from streamify.dest.layout import MANIFESTS, is_words, ledger_key, track_of
from streamify.errors import REPORT, StreamifyError, TasksFailed, counted
from streamify.jobs.demands import Demands, wanted_by
from streamify.jobs.early_images import MadeImages
from streamify.jobs.planned import planned_view
from streamify.jobs.progress import JobProgress, State
from streamify.jobs.publish import StreamView
from streamify.jobs.survey import read_records
from streamify.model.plan import Plan
from streamify.planning.agenda import Wanted, foreseen
from streamify.planning.realtime import needed_first
from streamify.storage.base import Storage


class LiveStream:
    """What a job and the server of its stream share. Every method can be called from any thread."""

    def __init__(self) -> None:
        self.demands = Demands()
        self.progress = JobProgress()
        self.error: StreamifyError | None = None
        """Why the job failed."""
        self._lock = Lock()
        self._state: State = "planning"
        self._texts: dict[str, bytes] = {}
        self._view: StreamView | None = None
        self._images: MadeImages | None = None
        self._needed: dict[str, int] = {}  # first segments of a rendition before it is offered
        self._offered: frozenset[str] = frozenset()
        self._tracks: dict[str, int] = {}  # segments by track
        self._words: frozenset[str] = frozenset()  # ids of tracks of subtitles
        self._media: Storage | None = None
        self._borders: Sequence[int] = ()

    @property
    def state(self) -> State:
        """How far the job is."""
        return self._state

    @property
    def watchable(self) -> bool:
        """Whether there is anything to watch: the stream was planned."""
        return bool(self._texts)

    def surveyed(self, plan: Plan, media: Storage, done: Iterable[tuple[str, int]], borders: Sequence[int]) -> None:
        """Tell that a plan is at DEST, and (track, segment) of what exists of its stream.

        `borders`: starts of the segments and the end of the last, output ticks.
        """
        self._media, self._borders, self._images = media, borders, MadeImages(plan, media)
        self.progress.planned(plan, self._borders, done)
        for wanted in foreseen(plan.video, ()):  # the sound is so much sooner made that it need not compete yet
            self.demands.want(wanted)

    def planned(self, plan: Plan, media: Storage, workers: int) -> None:
        """Tell that the init segments of the tracks of the plan that was surveyed are at DEST as well.

        Args:
            plan: Of the job.
            media: Rooted at DEST.
            workers: Tasks that run at the same moment: they decide which renditions can be watched as they are made.
        """
        view, images = planned_view(plan, self._borders, media), self._images
        news = images is not None and images.look()
        if images is not None:  # with those that were told of before there was a view
            view = images.shown(view)
        texts = {key: text.encode() for key, text in view.texts().items()}
        with self._lock:
            self._texts, self._tracks = texts, {track.id: plan.segments for track in plan.tracks}
            self._words = frozenset(track.id for track in plan.text)
            self._view, self._needed = view, needed_first(plan, workers)
            self._offered = frozenset(self._tracks)
            self._state = "making"
        self._offer()
        if images is not None and news:
            self.progress.imaged(images.told())
        for wanted in foreseen(plan.video, plan.audio):
            self.demands.want(wanted)
        self.progress.enter("making")

    def imaged(self) -> None:
        """Tell that there is another image of the stream. Blocks."""
        images = self._images
        if images is None or not images.look():
            return
        with self._lock:
            if self._view is not None:
                self._view = images.shown(self._view)
                texts = self._offered_view(self._view).texts()
                self._texts = self._texts | {key: text.encode() for key, text in texts.items()}
        self.progress.imaged(images.told())

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Tell viewers how the job ends that runs inside: the stream is complete, or what keeps it from being so."""
        try:
            yield
        except StreamifyError as error:
            self._ended(error)
            raise
        except BaseException as error:
            self._ended(StreamifyError("internal-error", f"{type(error).__name__}: {error}", REPORT))
            raise
        self._ended(None)

    def _ended(self, error: StreamifyError | None) -> None:
        if isinstance(error, TasksFailed):  # each viewer is told: not the whole list
            error = StreamifyError(error.code, in_short(error))
        with self._lock:
            self.error = error
            self._state = "complete" if error is None else "failed"
        self.demands.close(error)
        self.progress.enter(self._state, str(error) if error is not None else None)

    def snapshot(self, now: float) -> dict[str, Any]:
        """Return all that there is to know of the job; see `JobProgress`."""
        return self.progress.snapshot(now)

    def changes(self, now: float) -> dict[str, Any] | None:
        """Return what changed since the last call; see `JobProgress`."""
        return self.progress.changes(now)

    def look(self) -> None:
        """Look for segments that exist before their task tells it. Blocks."""
        media = self._media
        if media is None:
            return
        with suppress(StreamifyError):  # a store that cannot be reached now: the task tells it later
            for track, segment in self.progress.awaited():
                while media.stat(ledger_key(track, segment)) is not None:
                    self.progress.found(track, segment, time.time())
                    segment += 1

    def detail(self, track: str, segment: int) -> dict[str, Any] | None:
        """Return what is known of a segment, with what its ledger entry says; ``None``: there is none. Blocks."""
        found = self.progress.detail(track, segment)
        return with_record(found, self._media) if self._media is not None else found

    def text(self, key: str) -> bytes | None:
        """Return a manifest of the whole stream, from its plan; ``None``: there is none of that key.

        Those that name all tracks leave out renditions that this machine makes slower than they play, until enough of
        them exists.
        """
        if key in MANIFESTS:
            self._offer()
        return self._texts.get(key)

    def _offer(self) -> None:
        """Name those renditions that can be watched by now."""
        late = {track for track, count in self._needed.items() if count and self.progress.begun(track) < count}
        offered = frozenset(self._tracks) - late
        with self._lock:
            if self._view is not None and offered != self._offered:
                self._offered = offered
                texts = self._offered_view(self._view).manifests()
                self._texts = self._texts | {key: text.encode() for key, text in texts.items()}

    def _offered_view(self, view: StreamView) -> StreamView:
        """Return a view without the renditions that cannot be watched yet."""
        return replace(view, tracks=tuple(track for track in view.tracks if track.track.id in self._offered))

    def is_coming(self, key: str) -> bool:
        """Return whether a key is that of a file of subtitles that are being made."""
        return self._state == "making" and is_words(key) and track_of(key) in self._words

    def wanted(self, key: str) -> Wanted | None:
        """Return the segment that a key names; ``None``: the stream has no such segment."""
        return wanted_by(key, self._tracks)


def with_record(found: dict[str, Any] | None, media: Storage) -> dict[str, Any] | None:
    """Return what is known of a segment, with what its ledger entry says. Blocks."""
    if found is None:
        return None
    [record] = read_records(media, [(found["track"], found["segment"])])
    made = {"bytes": record.media.size, "frames": record.frames} if record is not None else None
    cost = record.cost.model_dump(include={"decode", "scale", "encode", "other"}) if record is not None else None
    return found | {"made": made, "cost": cost}


_CAUSES = 3


def in_short(error: StreamifyError) -> str:
    """Return why a job failed; of many failed tasks their most frequent causes, for each says its own on the page."""
    if not isinstance(error, TasksFailed):
        return str(error)
    causes = Counter(map(str, error.failures)).most_common()
    told = "; ".join(cause for cause, _ in causes[:_CAUSES])
    more = f"; and {counted(len(causes) - _CAUSES, 'other cause')}" if len(causes) > _CAUSES else ""
    return f"{counted(len(error.failures), 'task')} failed: {told}{more}"
