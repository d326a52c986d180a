"""How far a track is certified from its start, one segment after the other."""

from __future__ import annotations

from collections.abc import Callable

from streamify.codecs.registry import codecs_string
from streamify.dest.layout import init_key, ledger_key
from streamify.jobs.ahead import Asked, Existing
from streamify.jobs.certificate import AudioCheck, Ledgers, VideoCheck
from streamify.jobs.survey import belongs
from streamify.jobs.work import segment_cuts
from streamify.manifests.base import SegmentLine, TrackManifest
from streamify.model.plan import Plan, Segment
from streamify.model.result import SegmentRecord
from streamify.model.track import AudioTrack, VideoTrack
from streamify.storage.base import Storage, sha256
from streamify.storage.saved import parse_saved


class CertifiedPrefix:
    """The first segments of one track: there, of the size that its ledger says, every seam checked.

    Hashes are compared at the end, once for all (`streamify.jobs.assemble`): a folder may hold 90 GB.

    Args:
        plan: Of the job.
        track: Which one.
        media: Rooted at DEST.
        segment: Returns a segment of the plan.
        sums: Of the stream: receives what is damaged, and of one video track all sums.
        count: Whether this is that track.
        existing: Gives what exists of it; ``None``: asked of `media` one by one.
    """

    def __init__(
        self,
        plan: Plan,
        track: VideoTrack | AudioTrack,
        media: Storage,
        segment: Callable[[int], Segment],
        sums: Ledgers,
        existing: Existing | None = None,
        *,
        count: bool,
    ) -> None:
        self.track = track
        self._existing = existing or Asked(media)
        self._plan, self._media, self._segment = plan, media, segment
        if isinstance(track, VideoTrack):
            step = plan.timeline.frame_duration
            self._video = VideoCheck(track, sums, count=count, step=step)
        else:
            self._audio = AudioCheck(plan, track, sums)
        self._lines: list[SegmentLine] = []
        self._init: bytes | None = None
        self.fault: str | None = None
        """Why it goes no further."""

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def judged(self) -> int:
        """How many of its first segments all is known of: damage of a piece of sound stands with its last segment."""
        made = len(self)
        if isinstance(self.track, VideoTrack) or made == self._plan.segments:
            return made
        return made - made % (self.track.piece_segments or self._plan.segments)

    def extend(self) -> bool:
        """Take in the next segment if it exists; return whether it did."""
        index = len(self._lines)
        if self.fault is not None or index >= self._plan.segments:
            return False
        key = ledger_key(self.track.id, index)
        data = self._existing.get(key)
        record = parse_saved(SegmentRecord, data, key, newer="ignore") if data is not None else None
        if record is None or not belongs(record, self.track, index):
            return False
        if self._existing.size(record.media.key) != record.media.size:
            return False  # what earlier runs left is made again
        self.fault = next(iter(self._faults(index, record)), None)
        if self.fault is not None:
            return False
        self._lines.append(SegmentLine(record.duration, record.media.size, record.frames))
        return True

    def manifest(self, segments: int) -> TrackManifest:
        """Return what manifests are written from: its first segments, at the rate that its rung is capped to.

        What a stream declares must not change while it grows, and is not measured before its end.
        """
        assert self._init is not None
        rate = self.track.recipe.maxrate if isinstance(self.track, VideoTrack) else self.track.recipe.bitrate
        lines = self._lines[:segments]
        return TrackManifest(self.track, codecs_string(self._init), len(self._init), lines, declared=rate)

    def _faults(self, index: int, record: SegmentRecord) -> list[str]:
        if self._init is None:
            init = self._media.get(init_key(self.track.folder))
            if init is None or sha256(init) != record.init.sha256:
                return [f"{record.init.key} is not what its worker wrote"]
            self._init = init
        if isinstance(self.track, VideoTrack):
            return list(self._video.add(self._segment(index), record))
        segment = self._segment(index)
        units = segment_cuts(self._plan, self.track, (segment.start, segment.end), index)
        return list(self._audio.add(index, record, (units[0], units[1])))
