"""What earlier runs left at DEST: the ledger beside the files that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import tee
from typing import Literal

from streamify.dest.layout import TRACK_FOLDERS, init_key, ledger_key, segment_key
from streamify.model.plan import Plan
from streamify.model.result import SegmentRecord
from streamify.model.track import AudioTrack, VideoTrack
from streamify.storage.base import Storage
from streamify.storage.saved import parse_saved


@dataclass(frozen=True)
class Found:
    """What earlier runs left at DEST."""

    done: set[tuple[str, int]]
    """(track, segment) of everything that exists: a ledger entry and a media file of the size it names."""
    damaged: tuple[str, ...]
    """Keys of media files whose ledger entry names another size: what is made again could not take their place."""
    unreadable: int = 0
    """Ledger entries that are damaged, of another place or of another schema: their segments are made again."""


def survey(plan: Plan, media: Storage, *, newer: Literal["refuse", "ignore"] = "refuse") -> Found:
    """Look at what exists, with one listing.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        newer: What becomes of ledger entries of a newer schema: see `streamify.storage.saved.parse_saved`.
    """
    sizes = {entry.key: entry.size for folder in TRACK_FOLDERS for entry in media.list(folder)}

    def there() -> Iterator[tuple[VideoTrack | AudioTrack, int, str]]:
        for track in plan.tracks:
            for index in range(plan.segments):
                key = segment_key(track.folder, index)
                if key in sizes:
                    yield track, index, key

    done, damaged_files, unreadable = set(), [], 0
    entries = media.get_many(ledger_key(track.id, index) for track, index, _ in there())
    for (track, index, key), entry in zip(there(), entries, strict=True):
        where = ledger_key(track.id, index)
        record = parse_saved(SegmentRecord, entry, where, newer=newer) if entry is not None else None
        if record is None or not belongs(record, track, index):
            unreadable += entry is not None
        elif record.media.size != sizes[key]:
            damaged_files.append(key)
        elif init_key(track.folder) in sizes:
            done.add((track.id, index))
    return Found(done, tuple(damaged_files), unreadable)


def belongs(record: SegmentRecord, track: VideoTrack | AudioTrack, index: int) -> bool:
    """Return whether a ledger entry names the track, segment and files of its own place."""
    places = (record.track, record.segment, record.media.key, record.init.key)
    return places == (track.id, index, segment_key(track.folder, index), init_key(track.folder))


def read_records(media: Storage, wanted: Iterable[tuple[str, int]]) -> Iterator[SegmentRecord | None]:
    """Yield the ledger entry of each (track, segment), in their order; ``None``: there is none that can be read."""
    keys, same = tee(ledger_key(*entry) for entry in wanted)
    return map(_record, keys, media.get_many(same))


def _record(key: str, data: bytes | None) -> SegmentRecord | None:
    if data is None:
        return None
    return parse_saved(SegmentRecord, data, key)  # None: the segment is made again and its entry overwritten
