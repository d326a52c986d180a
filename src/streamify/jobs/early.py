"""Publishes a stream while it is made: manifests that grow, each version naming only what is certified."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction

from streamify.dest.layout import (
    CHAPTERS,
    CHAPTERS_JSON,
    GROWING,
    MANIFESTS,
    is_thumbnails,
    playlist_key,
    storyboard_key,
)
from streamify.errors import Interrupted, StreamifyError
from streamify.jobs.ahead import Listed
from streamify.jobs.certificate import Ledgers, losses
from streamify.jobs.early_images import MadeImages
from streamify.jobs.hold_base import Hold
from streamify.jobs.prefix import CertifiedPrefix
from streamify.jobs.publish import StreamView
from streamify.jobs.repeated import repeated
from streamify.jobs.segments import SegmentList
from streamify.jobs.words import read_words, text_faults, text_manifest, text_tasks
from streamify.manifests.dash import Growing
from streamify.manifests.words import TextManifest
from streamify.model.job import GrowingState
from streamify.model.plan import Plan
from streamify.model.result import MediaResult, TextResult
from streamify.model.track import AudioTrack
from streamify.model.words import TextRecord
from streamify.planning.early import Extent, grown, pause
from streamify.planning.words import declared_captions
from streamify.storage.base import Storage
from streamify.storage.saved import read_saved

LOOK = 0.1
"""Seconds between two looks at what exists."""

PATIENCE = 5.0
"""Seconds that the first version waits for subtitles: players read the master playlist once, and would not learn of
those that it names later."""


class EarlyPublisher:
    """Publishes what is certified of a stream, as it grows.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        hold: Of DEST.
        done: (track, segment) of everything that exists.
        local: Whether it is looked for segments of sound, which exist before their task is done; that costs a request
            each in an object store.
        clock: Seconds, monotonic.
        listed: Finds what exists, where nobody tells of it with `made`.
        segments: Of the plan, where they were read before.
    """

    def __init__(
        self,
        plan: Plan,
        media: Storage,
        hold: Hold,
        done: Iterable[tuple[str, int]] = (),
        *,
        local: bool = True,
        clock: Callable[[], float] = time.monotonic,
        listed: Listed | None = None,
        segments: SegmentList | None = None,
    ) -> None:
        self._listed = listed
        self._plan, self._media, self._hold, self._local = plan, media, hold, local
        self._done, self._clock = set(done), clock
        self._words: dict[str, TextRecord] = {}  # of subtitles that exist
        self._awaited = self._missing_words()
        self._images, self._imaged, self._illustrated = MadeImages(plan, media), True, False
        self._ready: float | None = None  # since when there is something to publish
        self._written: dict[str, bytes] = {}
        self._next = 0.0
        self.lines = 0
        """Segments listed in all versions together."""
        state = read_saved(media, GROWING, GrowingState, at="DEST")
        ours = state is not None and set(state.tracks) <= {track.id for track in plan.tracks}
        self._extent = Extent(state.tracks, state.segments) if state is not None and ours else Extent()
        self._since = state.since if state is not None and ours else None
        # Last: whoever gets no publisher cannot close the list.
        self._segments = segments.again() if segments is not None else SegmentList(plan, media)
        self._sums = Ledgers()
        self._prefixes = {
            track.id: CertifiedPrefix(plan, track, media, self._segments.__getitem__, self._sums, listed, count=first)
            for first, track in zip([True] + [False] * len(plan.tracks), plan.tracks, strict=False)
        }

    def made(self, result: MediaResult | TextResult) -> None:
        """Take note of what a task made. Can be called from any thread."""
        if isinstance(result, TextResult):
            self._awaited.difference_update([record.track for record in result.records])
        else:
            self._done.update((record.track, record.segment) for record in result.records)

    def imaged(self) -> None:
        """Take note that there is another image. Can be called from any thread."""
        self._imaged = True

    def look(self) -> None:
        """Take in what exists by now, and publish it if there is more than before and its time has come.

        Raises:
            DestinationError: The storage failed, or another job holds DEST by now.
        """
        if self._listed is not None:
            self._done |= self._listed.look()
            if self._awaited:
                self._awaited = self._missing_words()
        if self._imaged:
            self._imaged = False
            self._illustrated = self._images.look() or self._illustrated
        for prefix in self._prefixes.values():
            while self._may_exist(prefix) and prefix.extend():
                pass
        strict = self._plan.settings.strict  # what is damaged must be known before, not only when the piece ends
        made = {track: prefix.judged if strict else len(prefix) for track, prefix in self._prefixes.items()}
        video, audio = ([track.id for track in tracks] for tracks in (self._plan.video, self._plan.audio))
        if any(made[track] < self._extent.segments for track in self._extent.tracks):  # a file was removed
            withdraw(self._media)
            self._extent = Extent()
        extent = grown(self._extent, made, video, audio)
        whole = Extent((*video, *audio), self._plan.segments)
        if extent.segments and extent != whole and self._is_due(extent) and not any(losses(self._plan, self._sums)):
            self._publish(extent)

    @property
    def published(self) -> bool:
        """Whether there is a version."""
        return self._since is not None

    @property
    def whole(self) -> bool:
        """Whether all of the stream exists: the rest is left to its end."""
        return all(len(prefix) == self._plan.segments for prefix in self._prefixes.values())

    def close(self) -> None:
        """Close the list of segments."""
        self._segments.close()

    def _missing_words(self) -> set[str]:
        """Return the ids of the subtitles that are to be made."""
        return {track.id for task in text_tasks(self._plan, self._media) for track in task.tracks}

    def _may_exist(self, prefix: CertifiedPrefix) -> bool:
        next_one = (prefix.track.id, len(prefix))
        return next_one in self._done or (self._local and isinstance(prefix.track, AudioTrack))

    def _is_due(self, extent: Extent) -> bool:
        changed = extent != self._extent or not self._written or self._illustrated
        return changed and self._clock() >= self._next and not self._waits_for_words()

    def _waits_for_words(self) -> bool:
        if self._since is not None or not self._awaited:
            return False
        self._ready = self._clock() if self._ready is None else self._ready
        return self._clock() < self._ready + PATIENCE

    def _publish(self, extent: Extent) -> None:
        self._hold.check()
        now, wait = time.time(), pause(len(extent.tracks), extent.segments)
        self._since = self._since or now
        tracks = tuple(self._prefixes[track].manifest(extent.segments) for track in extent.tracks)
        words = self._made_words(extent.segments)
        last = self._segments[extent.segments - 1]
        thumbnails = self._images.storyboard(Fraction(last.end, self._plan.timeline.timescale))
        folders = (*(track.track.folder for track in tracks), *(one.track.folder for one in words))
        folders = (*folders, *([thumbnails.folder] if thumbnails is not None else []))
        state = GrowingState(tracks=extent.tracks, folders=folders, segments=extent.segments, since=self._since)
        self._media.put(GROWING, state.to_json())  # first: what is withdrawn or gone on with is read from it
        update = Fraction(max(1, round(wait)))
        growing = Growing(datetime.fromtimestamp(self._since, UTC), datetime.fromtimestamp(now, UTC), update)
        length = Fraction(self._plan.timeline.end, self._plan.timeline.timescale)
        view = StreamView(
            tracks,
            self._plan.target_duration,
            length,
            growing,
            self._plan.chapters,
            thumbnails,
            declared_captions(self._plan),
            tuple(words),
            subtitles=tuple(track.id for track in self._plan.text),
            illustrated=False,
        )
        for key, text in view.texts().items():
            data = text.encode()
            if self._written.get(key) != data:
                self._media.put(key, data)
                self._written[key] = data
        self.lines += len(extent.tracks) * extent.segments
        self._extent, self._next, self._illustrated = extent, self._clock() + wait, False

    def _made_words(self, segments: int) -> list[TextManifest]:
        """Return the subtitles that exist, as far as pictures and sound are published."""
        for track in self._plan.text:
            known = track.id in self._words or track.id in self._awaited
            record = read_words(self._media, track) if not known else None
            if record is not None and not any(text_faults(track, record, self._media, self._plan.segments)):
                self._words[track.id] = record
        made = [track for track in self._plan.text if track.id in self._words]
        if not made:
            return []
        published = [self._segments[index] for index in range(segments)]
        scale = self._plan.timeline.timescale
        borders = [Fraction(tick, scale) for tick in (*(one.start for one in published), published[-1].end)]
        found = (text_manifest(track, self._words[track.id], borders) for track in made)
        return [one for one in found if one is not None]


@contextmanager
def publishing(publisher: EarlyPublisher) -> Iterator[None]:
    """Publish in a thread of its own while the body runs.

    Raises:
        DestinationError: As of `EarlyPublisher.look`, where the body itself raises nothing.
    """
    errors: list[StreamifyError] = []

    def look() -> bool:
        try:
            publisher.look()
        except StreamifyError as error:
            errors.append(error)
        return not errors

    try:
        with repeated(look, LOOK, "streamify-early"):
            yield
    finally:
        publisher.close()
    for error in errors:
        raise error


@contextmanager
def withdrawing(media: Storage, hold: Hold) -> Iterator[None]:
    """Withdraw a stream that grows if the body fails; not if it is stopped, for then another run goes on."""
    try:
        yield
    except Interrupted:
        raise
    except BaseException as failed:
        try:
            hold.check()
            withdraw(media)
        except StreamifyError as error:  # DEST is another's by now, or is what failed
            failed.add_note(f"its manifests were not withdrawn: {error}")
        raise


def withdraw(media: Storage) -> None:
    """Remove the manifests of a stream that grows, if there is one: the ones that players begin with first."""
    state = read_saved(media, GROWING, GrowingState, at="DEST")
    if state is None:
        return
    for key in (*MANIFESTS, CHAPTERS, CHAPTERS_JSON):
        media.delete(key)
    for folder in state.folders:
        media.delete(playlist_key(folder))
        if is_thumbnails(folder):
            media.delete(storyboard_key(folder))
    media.delete(GROWING)
