"""Tracks that a new stream replaced: kept for a while, because viewers still play them, then removed.

No manifest names them any more. A list at DEST says since when; the end of each job removes those whose time is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streamify.dest.layout import (
    LEDGER,
    RETIRED,
    TEXT,
    TRACK_FOLDERS,
    captions_part_folder,
    ledger_folder,
    ledger_track,
    loudness_folder,
    loudness_key,
    sheet_record_folder,
    streamify_track_of,
    text_record_key,
    text_track,
    track_folder,
    track_of,
)
from streamify.jobs.report import read_report
from streamify.model.job import Retired
from streamify.model.plan import Plan
from streamify.model.text import size
from streamify.storage.base import Listed, Storage
from streamify.storage.saved import read_saved


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be."""

    tracks: tuple[str, ...] = ()
    files: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        tracks = f"{len(self.tracks)} replaced track{'s' * (len(self.tracks) != 1)}"
        return f"removed {tracks}, {self.files} files, {size(self.bytes)}: {', '.join(self.tracks)}"


def known_tracks(media: Storage) -> frozenset[str]:
    """Return the ids of the tracks at DEST by its ledger and its report; without a report, also by its folders."""
    ledger = {ledger_track(entry.key) for entry in media.list(LEDGER)}
    ledger |= {track for entry in media.list(TEXT) if (track := text_track(entry.key)) is not None}
    report = read_report(media, newer="ignore")
    if report is not None:
        boards = [report.thumbnails.id] if report.thumbnails is not None else []
        words = [track.id for track in report.subtitles]
        return frozenset(ledger.union((track.id for track in report.tracks), boards, words))
    found = (streamify_track_of(file.key) for folder in TRACK_FOLDERS for file in media.list(folder))
    return frozenset(ledger.union(track for track in found if track is not None))


def retire(plan: Plan, media: Storage, others: frozenset[str], now: float) -> Retired:
    """Note that tracks were replaced; those of the plan are not, whatever was noted of them before.

    Args:
        plan: Of the stream that is published.
        media: Rooted at DEST.
        others: Ids of all tracks that were replaced.
        now: Seconds since the epoch.
    """
    before = read_saved(media, RETIRED, Retired, at="DEST") or Retired()
    kept = {track.id for track in (*plan.tracks, *plan.text)}
    if plan.storyboard is not None:
        kept.add(plan.storyboard.id)
    tracks = {track: before.tracks.get(track, now) for track in sorted({*before.tracks, *others} - kept)}
    found = Retired(tracks=tracks)
    if found != before:
        _write(media, found)
    return found


def overdue(retired: Retired, now: float, grace: float) -> tuple[str, ...]:
    """Return the tracks whose time is over.

    Args:
        retired: All of them.
        now: Seconds since the epoch.
        grace: Seconds that each is kept.
    """
    return tuple(track for track, since in retired.tracks.items() if since + grace <= now)


def remove_tracks(media: Storage, retired: Retired, tracks: tuple[str, ...]) -> Removed:
    """Remove tracks: of their folders only what Streamify writes, so that a user's file stays."""
    if not tracks:
        return Removed()
    files = list(_files(media, frozenset(tracks)))
    for file in files:
        media.delete(file.key)
    for track in tracks:
        for kind in TRACK_FOLDERS:
            media.delete_folder(track_folder(kind, track))
        for entry in list(media.list(ledger_folder(track))):  # last: a run that is cut off here is finished by the next
            media.delete(entry.key)
        media.delete_folder(ledger_folder(track))
        for entry in list(media.list(loudness_folder(track))):
            media.delete(entry.key)
        media.delete_folder(loudness_folder(track))
        for entry in list(media.list(sheet_record_folder(track))):
            media.delete(entry.key)
        media.delete_folder(sheet_record_folder(track))
        for entry in list(media.list(captions_part_folder(track))):
            media.delete(entry.key)
        media.delete_folder(captions_part_folder(track))
        media.delete(loudness_key(track))
        media.delete(text_record_key(track))
    _write(media, Retired(tracks={track: since for track, since in retired.tracks.items() if track not in tracks}))
    return Removed(tracks, len(files), sum(file.size for file in files))


def forget_tracks(media: Storage, tracks: frozenset[str]) -> None:
    """Take tracks that were removed off the list."""
    retired = read_saved(media, RETIRED, Retired, at="DEST")
    if retired is not None and tracks & retired.tracks.keys():
        left = {track: since for track, since in retired.tracks.items() if track not in tracks}
        _write(media, Retired(tracks=left))


def _files(media: Storage, tracks: frozenset[str]) -> Iterator[Listed]:
    for folder in TRACK_FOLDERS:
        yield from (file for file in media.list(folder) if track_of(file.key) in tracks)


def _write(media: Storage, retired: Retired) -> None:
    if retired.tracks:
        media.put(RETIRED, retired.to_json())
    else:
        media.delete(RETIRED)
