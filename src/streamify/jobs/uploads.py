"""What MEDIA keeps of uploads: one small file for each decision, written once.

A job is decided on by the file that `accept` writes, and is over with the one that `end` writes. Whatever is killed
between the two is found again by what is there.
"""

from __future__ import annotations

from typing import TypeVar

from streamify.dest.media import ACCEPTED, ENDED, accepted_key, ended_key, record_id
from streamify.errors import StreamifyError
from streamify.model.upload import Accepted, Ended
from streamify.storage.base import Storage, is_out_of_reach
from streamify.storage.saved import parse_saved, read_saved

S = TypeVar("S", Accepted, Ended)


class UploadRecords:
    """The records below MEDIA.

    Args:
        media: Rooted at MEDIA.
    """

    def __init__(self, media: Storage) -> None:
        self._media = media
        self._accepted = _ids(media, ACCEPTED)
        self._ended = _ids(media, ENDED)

    def is_known(self, upload: str) -> bool:
        """Return whether a version of an upload, by its id, was decided on before."""
        return upload in self._accepted or upload in self._ended

    @property
    def count(self) -> int:
        """Number of versions of uploads that have ended."""
        return len(self._ended)

    def unfinished(self) -> tuple[list[Accepted], list[str]]:
        """Return the uploads whose jobs have not ended, and what is wrong with records that cannot be read."""
        found, faults = [], []
        for upload in sorted(self._accepted - self._ended):
            try:
                record = read_saved(self._media, accepted_key(upload), Accepted, at="MEDIA")
            except StreamifyError as error:
                if is_out_of_reach(error):
                    raise
                faults.append(str(error))
                record = None
            if record is not None:
                found.append(record)
            else:  # its upload is decided on once more when it is seen
                self._accepted.discard(upload)
        return found, faults

    def accept(self, record: Accepted) -> None:
        """Note that an upload gets a job."""
        self._media.put(accepted_key(record.id), record.to_json())
        self._accepted.add(record.id)

    def end(self, record: Ended) -> None:
        """Note what became of an upload."""
        self._media.put(ended_key(record.id), record.to_json())
        self._ended.add(record.id)


def read_all(media: Storage) -> tuple[list[Accepted], list[Ended], list[str]]:
    """Return what MEDIA keeps of uploads, in the order of time: accepted, ended, and what cannot be read and why."""
    faults: list[str] = []
    accepted = _read(media, ACCEPTED, Accepted, faults)
    ended = _read(media, ENDED, Ended, faults)
    return sorted(accepted, key=lambda one: one.accepted), sorted(ended, key=lambda one: one.ended), faults


def _read(media: Storage, folder: str, kind: type[S], faults: list[str]) -> list[S]:
    keys = sorted(entry.key for entry in media.list(folder) if entry.key.endswith(".json"))
    found = []
    for key, data in zip(keys, media.get_many(keys), strict=True):
        try:
            record = parse_saved(kind, data, key, at="MEDIA") if data is not None else None
        except StreamifyError as error:
            faults.append(str(error))
            continue
        if record is not None:
            found.append(record)
        elif data is not None:
            faults.append(f"{key} at MEDIA cannot be read (remove it)")
    return found


def _ids(media: Storage, folder: str) -> set[str]:
    return {record_id(entry.key) for entry in media.list(folder) if entry.key.endswith(".json")}
