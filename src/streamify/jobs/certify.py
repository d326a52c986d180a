"""Certify a stream, or as much of it as there is: every seam and every count of the first segments. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from streamify.jobs.certificate import Ledgers, check_audio, check_video
from streamify.jobs.work import segment_cuts
from streamify.model.plan import Plan, Segment
from streamify.model.report import Certificate
from streamify.model.result import SegmentRecord
from streamify.model.track import AudioTrack, VideoTrack


@dataclass(frozen=True)
class Certified:
    """What certifying found."""

    up_to: int
    """Segments of each track."""
    certificate: Certificate
    """Of those; not the proof of the stream as long as there are more."""
    faults: tuple[str, ...]


class Certifying:
    """Certifies the first segments of a stream, one track after the other.

    Args:
        plan: Of the job.
        segments: Of the plan.
        up_to: How many of them, at least 1.
    """

    def __init__(self, plan: Plan, segments: Iterable[Segment], up_to: int) -> None:
        self._plan, self._segments, self._up_to = plan, segments, up_to
        self._counted = False
        self.sums = Ledgers()
        """Over the tracks that were checked."""

    def check(self, track: VideoTrack | AudioTrack, records: Sequence[SegmentRecord]) -> list[str]:
        """Return the faults of a track, by its first ledger entries in order."""
        whole = self._up_to == self._plan.segments
        first = islice(self._segments, self._up_to)  # one at a time: a film of ten hours has thousands
        if isinstance(track, VideoTrack):
            count, self._counted = not self._counted, True
            pairs = zip(first, records, strict=True)
            step = self._plan.timeline.frame_duration
            return list(check_video(track, pairs, self.sums, count=count, step=step, whole=whole))
        borders = [0]
        for segment in first:
            borders[-1:] = segment.start, segment.end
        cuts = segment_cuts(self._plan, track, borders)
        return list(check_audio(self._plan, track, records, self.sums, cuts, whole=whole))


def certify(
    plan: Plan,
    segments: Iterable[Segment],
    tracks: Iterable[tuple[VideoTrack | AudioTrack, Sequence[SegmentRecord]]],
    up_to: int,
) -> Certified:
    """Certify the first segments of some tracks.

    Args:
        plan: Of the job.
        segments: Of the plan; iterated once per track.
        tracks: Each with its ledger entries in order; one track is held at a time.
        up_to: How many segments of each.
    """
    certifying = Certifying(plan, segments, up_to)
    faults = [fault for track, records in tracks for fault in certifying.check(track, records[:up_to])]
    return Certified(up_to, certifying.sums.certificate(), tuple(faults))
