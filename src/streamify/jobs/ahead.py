"""What exists of a stream in an object store, by listings: to ask for each segment would take a minute for a film."""

from __future__ import annotations

from typing import Protocol

from streamify.dest.layout import ledger_folder, ledger_key, segment_index, segment_key
from streamify.jobs.survey import belongs
from streamify.model.plan import Plan
from streamify.model.result import SegmentRecord
from streamify.model.track import AudioTrack, VideoTrack
from streamify.storage.base import Storage
from streamify.storage.objects import ObjectStorage
from streamify.storage.saved import parse_saved

MOST = 2000
"""Segments of a track that are read in one look; the rest is read in the next."""


class Existing(Protocol):
    """What a publisher asks of segments: their ledger entries, and the sizes of their media files."""

    def get(self, key: str) -> bytes | None:
        """Return a ledger entry, or ``None`` where there is none yet."""

    def size(self, key: str) -> int | None:
        """Return the bytes of a media file, or ``None`` where there is none."""


class Asked:
    """`Existing` by one request each.

    Args:
        media: Rooted at DEST.
    """

    def __init__(self, media: Storage) -> None:
        self._media = media

    def get(self, key: str) -> bytes | None:
        """See `Existing.get`."""
        return self._media.get(key)

    def size(self, key: str) -> int | None:
        """See `Existing.size`."""
        found = self._media.stat(key)
        return found.size if found is not None else None


class Listed:
    """`Existing` as of the last look: two listings a track, then the entries side by side.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
    """

    def __init__(self, plan: Plan, media: ObjectStorage) -> None:
        self._plan, self._media = plan, media
        self._next = {track.id: 0 for track in plan.tracks}
        self._entries: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}

    def look(self) -> set[tuple[str, int]]:
        """Find what follows, without a gap, on what was found before; return (track, segment) of it.

        Raises:
            DestinationError: The storage failed. What was found is lost then: a new `Listed` has to begin anew.
        """
        return {(track.id, index) for track in self._plan.tracks for index in self._more(track)}

    def get(self, key: str) -> bytes | None:
        """See `Existing.get`; an entry is given once."""
        return self._entries.pop(key, None)

    def size(self, key: str) -> int | None:
        """See `Existing.size`."""
        return self._sizes.pop(key, None)

    def _more(self, track: VideoTrack | AudioTrack) -> range:
        first = self._next[track.id]
        entries = self._found(ledger_folder(track.id), ledger_key(track.id, first - 1) if first else "", ".json")
        files = self._found(track.folder, segment_key(track.folder, first - 1) if first else "", ".m4s")
        stop = first
        while stop in entries and stop in files and stop < first + MOST:
            stop += 1
        keys = [ledger_key(track.id, index) for index in range(first, stop)]
        for index, key, data in zip(range(first, stop), keys, self._media.get_many(keys), strict=True):
            record = parse_saved(SegmentRecord, data, key, newer="ignore") if data is not None else None
            if data is None or record is None or not belongs(record, track, index) or record.media.size != files[index]:
                stop = index  # looked at anew the next time: what an earlier run left may be made again
                break
            self._entries[key], self._sizes[segment_key(track.folder, index)] = data, files[index]
        self._next[track.id] = stop
        return range(first, stop)

    def _found(self, folder: str, after: str, suffix: str) -> dict[int, int]:
        """Return the sizes of files by their segments. Names of five digits sort as their numbers do."""
        listed = self._media.list(folder, after if self._plan.segments <= 100_000 else "")
        named = ((segment_index(one.key.removesuffix(suffix) + ".m4s"), one.size) for one in listed
                 if one.key.endswith(suffix))  # fmt: skip
        return {index: size for index, size in named if index is not None}
