"""A stream that another process of this machine makes, as the server of its DEST sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from streamify.dest.layout import MASTER, REPORT, init_key, is_words, track_of
from streamify.errors import StreamifyError
from streamify.jobs.asked import STALE, ask, take_back
from streamify.jobs.demands import LONGEST_QUEUE, TooManyDemands, wanted_by
from streamify.jobs.early_images import MadeImages
from streamify.jobs.hold import read_claim
from streamify.jobs.hold_base import IsRunning
from streamify.jobs.planned import planned_view
from streamify.jobs.progress import State
from streamify.jobs.publish import StreamView
from streamify.jobs.segments import borders
from streamify.model.location import Location
from streamify.planning.agenda import Wanted
from streamify.storage.base import Storage
from streamify.tasks.plan_file import read_plan

LOOK = 0.5
"""Seconds between two looks at the job."""


class AskedElsewhere:
    """What viewers wait for, handed to the process that runs the job; see `streamify.jobs.demands.Demands`."""

    def __init__(self, media: Storage) -> None:
        self._media = media
        self._lock = threading.Condition()
        self._waiting: dict[Wanted, list[Future[None]]] = {}
        self._asked: dict[Wanted, float] = {}  # when each was last written

    def want(self, wanted: Wanted, viewer: str = "") -> Future[None]:  # noqa: ARG002 - the job gives all one turn
        """Return a future that is never done by itself: that the segment exists is seen by its file.

        Raises:
            TooManyDemands: `LONGEST_QUEUE` others are waited for.
        """
        future: Future[None] = Future()
        with self._lock:
            if wanted not in self._waiting and len(self._waiting) >= LONGEST_QUEUE:
                raise TooManyDemands
            self._waiting.setdefault(wanted, []).append(future)
            self._lock.notify_all()
        return future

    def leave(self, wanted: Wanted, future: Future[None]) -> None:
        """Take back a demand."""
        with self._lock:
            waiting = self._waiting.get(wanted, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._waiting.pop(wanted, None)
            self._lock.notify_all()

    def pass_on(self, timeout: float) -> None:
        """Write what is waited for and was not written lately, and remove what nobody waits for; wait for news."""
        with self._lock:
            wanted, now = list(self._waiting), time.monotonic()
        for one in [one for one in self._asked if one not in wanted]:
            take_back(self._media, one)
            del self._asked[one]
        for one in wanted:
            if now - self._asked.get(one, -STALE) > STALE / 3:
                ask(self._media, one)
                self._asked[one] = now
        with self._lock:
            if set(self._waiting) == set(wanted):
                self._lock.wait(timeout)


class StreamElsewhere:
    """What there is to serve of a DEST where another process may run a job. `look` blocks, all else does not.

    Args:
        dest: Where it is, a folder.
        media: Rooted there.
        is_running: Asked of claims whose holder is an execution on AWS.
    """

    def __init__(self, dest: Location, media: Storage, is_running: IsRunning) -> None:
        self._dest, self._media, self._is_running = dest, media, is_running
        self.demands = AskedElsewhere(media)
        self.error: StreamifyError | None = None
        self._state: State = "complete"
        self._plan: bytes | None = None
        self._texts: dict[str, bytes] = {}
        self._view: StreamView | None = None
        self._images: MadeImages | None = None
        self._tracks: dict[str, int] = {}
        self._words: frozenset[str] = frozenset()

    @property
    def state(self) -> State:
        """``planning``: nothing can be played yet; ``making``; ``complete``: what exists is all there is to serve."""
        return self._state

    def text(self, key: str) -> bytes | None:
        """See `LiveStream.text`; ``None`` too while not every rung has its init segment: what was published goes."""
        return self._texts.get(key)

    def is_coming(self, key: str) -> bool:
        """See `LiveStream.is_coming`."""
        return self._state == "making" and is_words(key) and track_of(key) in self._words

    def wanted(self, key: str) -> Wanted | None:
        """See `LiveStream.wanted`."""
        return wanted_by(key, self._tracks) if self._state == "making" else None

    def look(self) -> None:
        """Look at what the job does."""
        running = self._media.stat(REPORT) is None and read_claim(self._dest, self._media, self._is_running)[1]
        if not running:
            self._state, self._texts, self._tracks, self._view = "complete", {}, {}, None
            return
        if not self._texts:
            self._describe()
        if self._view is not None and self._images is not None and self._images.look():
            texts = self._images.shown(self._view).texts()
            self._texts = {key: text.encode() for key, text in texts.items()}
        made = bool(self._texts) or self._media.stat(MASTER) is not None
        self._state = "making" if made else "planning"

    def _describe(self) -> None:
        plan = read_plan(self._media)
        if plan is None or any(self._media.stat(init_key(track.folder)) is None for track in plan.tracks):
            return
        view = planned_view(plan, borders(plan, self._media), self._media)
        self._tracks = {track.id: plan.segments for track in plan.tracks}
        self._words = frozenset(track.id for track in plan.text)
        self._texts = {key: text.encode() for key, text in view.texts().items()}
        self._view, self._images = view, MadeImages(plan, self._media)


@contextmanager
def following(stream: StreamElsewhere) -> Iterator[StreamElsewhere]:
    """Follow what a job does, in a thread of its own, while the body runs."""
    ended = threading.Event()

    def work() -> None:
        looked = 0.0
        while not ended.is_set():
            try:
                if time.monotonic() - looked >= LOOK:
                    stream.look()
                    looked = time.monotonic()
                stream.demands.pass_on(LOOK)
            except StreamifyError:
                ended.wait(LOOK)  # what is being written, or is gone; requests tell what they find

    stream.look()
    thread = threading.Thread(target=work, name="streamify-elsewhere", daemon=True)
    thread.start()
    try:
        yield stream
    finally:
        ended.set()
        thread.join(timeout=2)
