"""How a job stands, by what lies at its DEST."""

from __future__ import annotations

from streamify.dest.layout import LEDGER, PLAN, REPORT, TRACK_FOLDERS, ledger_key, segment_key
from streamify.errors import DestinationError
from streamify.jobs.state import read_report
from streamify.model.status import JobStatus, TrackStatus
from streamify.model.track import Track
from streamify.storage.base import Storage
from streamify.tasks.plan_file import read_plan


def look(dest: str, media: Storage, *, begun: bool = False) -> JobStatus:
    """Return what is done of the job at a DEST, with three listings.

    Args:
        dest: As the user wrote it.
        media: Rooted there.
        begun: A job is known to have begun, although there may be no plan yet.

    Raises:
        DestinationError: ``no-job``, nothing of a job is there.
    """
    plan, report = read_plan(media), read_report(media)
    if plan is None and report is None and not begun:
        raise DestinationError("no-job", f"there is no job at {dest}", "give the DEST of a transcode")
    complete = report is not None and (plan is None or (report.source, report.settings) == (plan.source, plan.settings))
    there = {one.key for folder in (*TRACK_FOLDERS, LEDGER) for one in media.list(folder)}
    tracks = tuple(_track(track, plan.segments, there) for track in plan.tracks) if plan is not None else ()
    facts = plan or report
    return JobStatus(
        dest=dest,
        state="complete" if complete else "incomplete",
        source=facts.source.ref.key if facts is not None else None,
        done=sum(one.done for one in tracks),
        total=sum(one.total for one in tracks),
        tracks=tracks,
        planned=_written(media, PLAN),
        finished=_written(media, REPORT) if complete else None,
    )


def _written(media: Storage, key: str) -> float | None:
    found = media.stat(key)
    return found.modified if found is not None else None


def _track(track: Track, segments: int, there: set[str]) -> TrackStatus:
    keys = ((segment_key(track.folder, one), ledger_key(track.id, one)) for one in range(segments))
    done = sum(file in there and entry in there for file, entry in keys)
    name = track.name if track.kind == "video" else "audio"
    return TrackStatus(id=track.id, name=name, done=done, total=segments)
