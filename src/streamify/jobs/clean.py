"""Removes what nobody needs at the DEST of a job.

Needed is what a plan, the report or a manifest names, in whatever state the job is, and what viewers of a replaced
stream may still play. Nothing is removed while a job runs there.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from streamify.dest.layout import (
    IFRAMES,
    MANIFESTS,
    PLAYLIST,
    RETIRED,
    STATE,
    TRACK_FOLDERS,
    run_of_plan,
    run_plan_key,
    streamify_track_of,
    text_file_key,
)
from streamify.errors import DestinationError
from streamify.jobs.hold import read_claim
from streamify.jobs.hold_base import IsRunning, describe
from streamify.jobs.record import read_job
from streamify.jobs.report import read_report
from streamify.jobs.retire import forget_tracks
from streamify.model.cleaning import Cleaning, Removable
from streamify.model.job import Retired
from streamify.model.location import Location
from streamify.model.settings import Settings
from streamify.model.status import JobStatus
from streamify.planning.litter import Needed, litter
from streamify.storage.base import Listed, Storage
from streamify.storage.local import LEFT_BEHIND, LocalStorage
from streamify.storage.saved import read_saved
from streamify.tasks.plan_file import read_plan

Check = Callable[[], None]

BATCH = 100
"""Objects that are removed between two looks whether a job has begun; folders have a lock for that."""


def clean_job(
    status: JobStatus,
    media: Storage,
    is_running: IsRunning,
    *,
    older_than: float = 0,
    state: bool = False,
    remove: bool = False,
) -> Cleaning:
    """Find what nobody needs at the DEST of a job; remove it where that is asked for.

    Args:
        status: Of the job.
        media: Rooted at DEST.
        is_running: As of `streamify.jobs.status.job_status`.
        older_than: Seconds since it was last written.
        state: Count plan, ledger and records of a finished job as not needed.
        remove: Remove it.

    Raises:
        DestinationError: ``job-running``; or the state there cannot be read, which says what is needed.
    """
    dest = Location.of_dest(status.dest)
    if status.state == "running":
        raise _running(dest, status.run.id if status.run is not None else "")
    with _shut(dest, media, is_running, status.run.id if status.run is not None else "") as check:
        check()
        now, kept = time.time(), []
        if state and status.state != "complete":
            kept.append(f"{STATE}: the job is {status.state}, and resume needs it")
        entries = _entries(media)
        needed = needed_at(media, entries, status, state=state)
        age = max(older_than, 0 if isinstance(media, LocalStorage) else LEFT_BEHIND)
        found = [
            Removable(key=entry.key, size=entry.size, kind=kind)
            for entry in entries
            if (kind := litter(entry.key, needed, now)) is not None and _is_older(entry, age, now)
        ]
        if isinstance(media, LocalStorage):
            ours = (entry for entry in media.abandoned() if _is_ours(entry.key) and _is_older(entry, older_than, now))
            found += [Removable(key=entry.key, size=entry.size, kind="temporary") for entry in ours]
        kept += _in_grace(needed, now)
        if remove:
            _remove(media, found, check)
    return Cleaning(dest=status.dest, removed=remove, items=tuple(found), kept=tuple(kept))


def needed_at(media: Storage, entries: Iterable[Listed], status: JobStatus, *, state: bool) -> Needed:
    """Return what is needed at a DEST.

    Args:
        media: Rooted there.
        entries: All of it.
        status: Of its job.
        state: Whether plan, ledger and records of a finished job are not.
    """
    finished = status.state == "complete"
    runs = frozenset({status.run.id}) if finished and status.run is not None else None
    keys = [entry.key for entry in entries]
    ids = [run for key in keys if (run := run_of_plan(key)) is not None and (runs is None or run in runs)]
    plans = [plan for plan in (read_plan(media), *(read_plan(media, run_plan_key(run)) for run in ids)) if plan]
    tracks: dict[str, int] = {}
    for plan in plans:
        tracks |= {track.id: max(tracks.get(track.id, -1), plan.segments) for track in plan.tracks}
        tracks |= {track.id: max(tracks.get(track.id, -1), plan.segments) for track in plan.text}
        tracks |= {plan.storyboard.id: plan.storyboard.sheets} if plan.storyboard is not None else {}
    report = read_report(media)
    for words in report.subtitles if report is not None else ():
        tracks[words.id] = max(tracks.get(words.id, -1), len(words.segments.size))
    for item in report.tracks if report is not None else ():
        tracks[item.id] = max(tracks.get(item.id, -1), len(item.segments.size))
    if report is not None and report.thumbnails is not None:
        tracks[report.thumbnails.id] = len(report.thumbnails.sheets)
    named, shown = _published(media, keys)
    tracks = dict.fromkeys(shown, -1) | tracks
    job = read_job(media)
    grace = (job.settings if job is not None else Settings()).replace_grace
    retired = read_saved(media, RETIRED, Retired, at="DEST") or Retired()
    return Needed(
        tracks=tracks,
        named=frozenset(named),
        retired={track: since + grace for track, since in retired.tracks.items()},
        burns=frozenset(plan.burn.id for plan in plans if plan.burn is not None),
        segment_lists=frozenset(plan.segment_list for plan in plans),
        text_files=frozenset(
            text_file_key(digest)
            for plan in plans
            for digest in (
                *(track.recipe.file for track in plan.text),
                *((plan.burn.file, plan.burn.font) if plan.burn is not None else ()),
            )
            if digest is not None
        ),
        runs=runs,
        state=not (state and finished),
    )


_URI = re.compile(r'^(?!#)(\S.*)$|URI="([^"]*)"', re.MULTILINE)


def _published(media: Storage, keys: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the keys that playlists name, and the ids of the tracks that manifests name."""
    raw = [(media.get(key) or b"").decode(errors="replace") for key in MANIFESTS]
    texts = [*raw, *(html.unescape(unquote(text)) for text in raw)]
    named: set[str] = set()
    folders: dict[str, str] = {}
    for key in keys:
        track, (folder, _, name) = streamify_track_of(key), key.rpartition("/")
        if track is not None:
            folders[folder] = track
            if name in (PLAYLIST, IFRAMES):
                text = (media.get(key) or b"").decode(errors="replace")
                named |= {f"{folder}/{unquote(line or quoted)}" for line, quoted in _URI.findall(text)}
    return named, {track for folder, track in folders.items() if any(f"{folder}/" in text for text in texts)}


def _entries(media: Storage) -> list[Listed]:
    return [entry for folder in (STATE, *TRACK_FOLDERS) for entry in media.list(folder)]


def _is_older(entry: Listed, seconds: float, now: float) -> bool:
    return not seconds or (entry.modified is not None and entry.modified + seconds <= now)


def _is_ours(key: str) -> bool:
    top = key.partition("/")[0]
    return top == key or top in (STATE, *TRACK_FOLDERS)


def _in_grace(needed: Needed, now: float) -> Iterator[str]:
    for track, until in needed.retired.items():
        if track not in needed.tracks and until > now:
            yield f"{track}: replaced, and viewers may play it for {until - now:.0f} s more"


def _remove(media: Storage, found: Iterable[Removable], check: Check) -> None:
    """Remove media before its ledger: what is cut off here is found again."""
    ordered = sorted(found, key=lambda item: (item.key.startswith(f"{STATE}/"), item.key))
    for number, item in enumerate(ordered):
        if number % BATCH == 0:
            check()
        media.delete(item.key)
    folders = {parent for item in ordered for parent in _parents(item.key)}
    for folder in sorted(folders, key=len, reverse=True):
        media.delete_folder(folder)
    gone = {
        track for item in ordered if (track := streamify_track_of(item.key)) is not None and item.kind == "replaced"
    }
    left = {streamify_track_of(entry.key) for entry in _entries(media)} if gone else set()
    forget_tracks(media, frozenset(gone - left))


def _parents(key: str) -> Iterator[str]:
    """Yield the folders of a key, but for the two that every DEST has."""
    folder = key.rpartition("/")[0]
    while "/" in folder:
        yield folder
        folder = folder.rpartition("/")[0]


@contextmanager
def _shut(dest: Location, media: Storage, is_running: IsRunning, run: str) -> Iterator[Check]:
    """Keep runs out of DEST; in an object store, which has no lock, what is given notices one that begins."""
    if not dest.remote:
        from streamify.jobs.hold_folder import shut

        with shut(dest) as last:
            if last is not None and last.run != run:
                raise _running(dest, describe(last))
            yield lambda: None
        return

    def check() -> None:
        held, alive = read_claim(dest, media, is_running)
        if alive or (held is not None and held.run != run):
            raise _running(dest, describe(held) if held is not None else "")

    yield check


def _running(dest: Location, who: str) -> DestinationError:
    return DestinationError(
        "job-running",
        f"a job runs at {dest}" + (f": {who}" if who else ""),
        "wait for its end, or end it with `streamify cancel`; what it needs cannot be told before",
    )
