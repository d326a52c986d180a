"""Puts together what `watch` works with: the one place of wiring."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from streamify.backends.choose import for_settings
from streamify.backends.here import is_running
from streamify.errors import DestinationError, StreamifyError, UsageError
from streamify.executors.base import OnEvent
from streamify.jobs.engine import Stop
from streamify.jobs.identity import job_identity
from streamify.jobs.locations import find_source
from streamify.jobs.record import read_job
from streamify.jobs.report import read_report
from streamify.jobs.sidecars import gather
from streamify.jobs.uploads import UploadRecords
from streamify.model.event import Event
from streamify.model.location import Location
from streamify.model.report import Report
from streamify.model.settings import Settings
from streamify.model.upload import Accepted
from streamify.planning.ladder import CONTENT, named
from streamify.settings.read import Effective
from streamify.storage.base import Storage
from streamify.storage.locate import open_storage, reach_storage
from streamify.watch.arrivals import Arrivals
from streamify.watch.attempt import CarryOut
from streamify.watch.changes import FOLDER_POLL, OBJECTS_POLL, Changes, Notices, Polling, is_told
from streamify.watch.deliveries import Deliveries
from streamify.watch.engines import Engines
from streamify.watch.hooks import Target
from streamify.watch.keeper import sole
from streamify.watch.order import turn_of
from streamify.watch.uploads import Uploads
from streamify.watch.uploads_folder import FolderUploads
from streamify.watch.uploads_objects import ObjectUploads
from streamify.watch.watcher import Watcher

Tell = Callable[[Event], None]


@dataclass(frozen=True)
class Options:
    """How to watch."""

    settle: float | None = None
    """Seconds without a change after which an upload counts as whole; ``None``: as fits UPLOADS."""
    poll: float | None = None
    """Seconds between two looks at all of UPLOADS; ``None``: as fits it, and where the kernel tells, not at all."""
    at_once: int = 4
    """Jobs that run at the same moment."""
    targets: Sequence[Target] = ()
    """Whom to tell how jobs ended."""
    key: bytes | None = None
    """Signs calls of webhooks."""


@dataclass(frozen=True)
class Watching:
    """All that `watch` works with."""

    watcher: Watcher
    deliveries: Deliveries
    check: Callable[[], None]
    """Raises once another process watches."""
    how: str
    """How changes are noticed, in words."""
    known: int
    """Number of versions of uploads that are over since earlier runs."""


@contextmanager
def prepared(
    source: Location,
    media: Location,
    base: Effective,
    options: Options,
    tell: Tell,
    stop: Stop,
) -> Iterator[Watching]:
    """Give what turns the uploads of `source` into streams below `media`.

    Raises:
        UsageError: ``watch-overlap`` or ``ladder-unknown``; on AWS what fits none of its jobs.
        DestinationError: UPLOADS or MEDIA cannot be used; ``watch-busy``, another process watches.
    """
    check_apart(source, media)
    if isinstance(base.settings.ladder, str) and base.settings.ladder not in ("auto", CONTENT):
        named(base.settings.ladder)  # a wrong name would fail every upload
    if base.settings.engine == "aws":
        from streamify.backends.aws.client.run import refuse_places

        refuse_places(source, media, base.settings)
    if base.origins["replace"] == "default":  # a new version of an upload takes the place of the old one's stream
        settings = base.settings.model_copy(update={"replace": True})
        base = replace(base, settings=settings, origins={**base.origins, "replace": "watch"})
    wake = threading.Event()
    storage = _reach_media(media)
    uploads = _uploads(source)

    def warn(message: str) -> None:
        tell(Event(time=time.time(), kind="note", message=message))

    with sole(media, is_running) as check:
        records = UploadRecords(storage)
        deliveries = Deliveries(storage, options.targets, options.key, tell)
        changes = _changes(uploads, options.poll, wake.set, warn)
        try:
            deliveries.start()
            quiet = uploads.quiet if options.settle is None else options.settle
            watcher = Watcher(
                uploads,
                Arrivals(uploads, changes, quiet, records.is_known, warn),
                records,
                media,
                base,
                carry_out=_carrying_out(Engines(base.settings, remote=source.remote or media.remote)),
                is_made=_is_made,
                is_resumable=is_resumable,
                hooks=deliveries,
                tell=tell,
                at_once=options.at_once,
                stop=stop,
                wake=wake,
            )
            yield Watching(watcher, deliveries, check, changes.how, records.count)
        finally:
            changes.close()
            deliveries.close()


def _carrying_out(engines: Engines) -> CarryOut:
    def carry_out(upload: Accepted, settings: Settings, on_event: OnEvent, stop: Stop) -> Report:
        with engines.share(turn_of(upload)) as engine:
            backend = for_settings(settings, engine=engine)
            return backend.transcode(upload.source, upload.dest, settings, on_event, stop)

    return carry_out


def check_apart(uploads: Location, media: Location) -> None:
    """Refuse places of which one holds the other: streams would become uploads.

    Raises:
        UsageError: ``watch-overlap``.
    """
    if uploads.holds(media) or media.holds(uploads):
        raise UsageError(
            "watch-overlap", f"UPLOADS {uploads} and MEDIA {media} lie in each other", "name two places side by side"
        )


def _reach_media(media: Location) -> Storage:
    if not media.remote and media.path.exists() and not media.path.is_dir():
        raise DestinationError("dest-is-file", f"MEDIA {media} is a file", "name a folder")
    return reach_storage(media)


def _uploads(location: Location) -> Uploads:
    if location.remote:
        uploads: Uploads = ObjectUploads(location, reach_storage(location))
    else:
        if not location.path.is_dir():
            raise DestinationError(
                "uploads-unreadable", f"UPLOADS {location}: there is no such folder", "make it, or mount its disk"
            )
        uploads = FolderUploads(location, shared=not is_told(location.path))
    return uploads


def _changes(uploads: Uploads, poll: float | None, wake: Callable[[], None], warn: Callable[[str], None]) -> Changes:
    if poll is not None:
        return Polling(poll)
    if uploads.location.remote:
        return Polling(OBJECTS_POLL)
    return Notices(uploads.location.path, wake, warn) if uploads.own_clock else Polling(FOLDER_POLL)


def _is_made(upload: Accepted) -> bool:
    """Return whether the stream of an upload is complete."""
    try:
        report = read_report(open_storage(upload.dest), newer="ignore")
        if report is None:
            return False
        return job_identity(report.source.ref.identity, report.settings) == _wanted(upload)
    except StreamifyError:
        return False  # its job says what is wrong


def is_resumable(upload: Accepted) -> bool:
    """Return whether the job at the DEST of an upload is that of the version that is there now, with its settings.

    There is none where it failed before it was recorded; that of another source at DEST is no remedy either, nor is
    one with the settings of an earlier version.
    """
    try:
        job = read_job(open_storage(upload.dest))
        if job is None:
            return False
        return job_identity(job.source_identity, job.settings.media()) == _wanted(upload)
    except StreamifyError:
        return False  # what cannot be looked at is not promised


def _wanted(upload: Accepted) -> str:
    """Return the identity of the job that an upload asks for now.

    Raises:
        StreamifyError: Its source or its settings cannot be read.
    """
    _, ref = find_source(upload.source)
    return job_identity(ref.identity, gather(upload.settings, upload.source).settings)
