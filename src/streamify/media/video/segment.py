"""One segment of the source into all its renditions, from one decode."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from av.video.frame import PictureType, VideoFrame

from streamify.media.package import Packaged
from streamify.media.video.decode import DecodeLog, Picture, WindowSource, undecodable
from streamify.media.video.encode import VideoEncoder
from streamify.media.video.encoders import Encoders
from streamify.media.video.picture import Renditions, output_colour, window_pictures
from streamify.model.plan import Segment, Timeline
from streamify.model.progress import OnProgress
from streamify.model.source import Look, Part, VideoFacts
from streamify.model.task import Cost, Seam
from streamify.model.track import VideoTrack


@dataclass(frozen=True)
class Transcoded:
    """What one segment became."""

    packaged: tuple[Packaged, ...]
    """Per rendition."""
    seam: Seam
    costs: tuple[Cost, ...]
    """Per rendition."""
    errors: tuple[str, ...]
    looks: tuple[Part, ...] = ()
    """Where a picture does not look as the facts say: the runs of pictures that look alike, the first one included."""
    spoilt: tuple[int, ...] = ()
    """Presentation times of pictures that come behind damage, source ticks."""


@dataclass
class _Watch:
    """CPU seconds by stage."""

    decode: float = 0
    scale: float = 0


def transcode_segment(
    source: WindowSource,
    video: VideoFacts,
    timeline: Timeline,
    segment: Segment,
    tracks: Sequence[VideoTrack],
    keyframes: Sequence[int],
    threads: int = 1,
    progress: OnProgress | None = None,
) -> Transcoded:
    """Decode, scale and encode ``[start, end)``.

    Args:
        source: Where the bytes are.
        video: Facts about the stream.
        timeline: From source time to output time.
        segment: Which segment.
        tracks: Renditions to make.
        keyframes: Output ticks of the IDR pictures, in order, the segment's start first.
        threads: Threads that encode; 1 does everything on this one.
        progress: Called with the pictures of the segment that were decoded and given to the encoders.

    Raises:
        SourceError: Not one picture of the window decodes.
    """
    log, watch = DecodeLog(), _Watch()
    colour = output_colour(video)
    encoders = [VideoEncoder(track, colour) for track in tracks]
    renditions = Renditions(video, tracks)
    sieve, runs = _Sieve(timeline, segment), _Runs(video.look)
    due = [tick - segment.start for tick in keyframes]
    shown = _with_anchors(sieve.kept(_pictures(source, video, segment, log, watch)), timeline)
    with Encoders(encoders, [track.width * track.height for track in tracks], threads) as fed:
        for picture, ticks, anchor in shown:
            kind = PictureType.P if anchor else PictureType.NONE
            while due and ticks >= due[0]:
                due.pop(0)
                kind = PictureType.I
            before = time.thread_time()
            runs.add(picture.pts, renditions.look(picture))
            frames = renditions.make(picture)
            watch.scale += time.thread_time() - before
            fed.encode(frames, ticks, kind)
            if progress is not None:
                progress(sieve.decoded, segment.frames, "pictures")
        if sieve.empty:
            raise undecodable(segment)
        packaged = fed.finish(
            reorder=timeline.reorder,
            duration=segment.end - segment.start,
            start=segment.start,
            sequence=_sequence(timeline, segment),
        )
    share = 1 / len(tracks)
    costs = tuple(
        Cost(
            decode=round(watch.decode * share, 4),
            scale=round(watch.scale * share, 4),
            encode=round(spent, 4),
            preroll_frames=log.preroll,
            bytes_read=log.bytes_read,
        )
        for spent in fed.seconds
    )
    return Transcoded(packaged, sieve.seam(log), costs, tuple(log.errors), runs.seen, tuple(log.spoilt))


class _Runs:
    """Collects runs of pictures that look alike."""

    def __init__(self, usual: Look) -> None:
        self._usual = usual
        self._parts: list[Part] = []

    def add(self, pts: int, look: Look) -> None:
        if not self._parts or self._parts[-1].look != look:
            self._parts.append(Part(first=pts, look=look))

    @property
    def seen(self) -> tuple[Part, ...]:
        """All runs; none where every picture looks as usual."""
        return tuple(self._parts) if any(part.look != self._usual for part in self._parts) else ()


def _pictures(
    source: WindowSource, video: VideoFacts, segment: Segment, log: DecodeLog, watch: _Watch
) -> Iterator[Picture]:
    pictures = window_pictures(source, video, segment, log)
    while True:
        before = time.thread_time()
        picture = next(pictures, None)
        watch.decode += time.thread_time() - before
        if picture is None:
            return
        if picture.pts >= segment.source_start:
            yield picture


class _Sieve:
    """Decides which pictures are shown and when, and keeps the books for the certificate."""

    def __init__(self, timeline: Timeline, segment: Segment) -> None:
        self._timeline, self._segment = timeline, segment
        self._decoded: list[int] = []
        self._encoded = self._dropped = 0
        self._next: int | None = None

    @property
    def decoded(self) -> int:
        """Pictures of the segment so far."""
        return len(self._decoded)

    @property
    def empty(self) -> bool:
        """Whether no picture was kept."""
        return not self._encoded

    def kept(self, pictures: Iterator[Picture]) -> Iterator[tuple[Picture, int]]:
        """Yield kept pictures with their ticks from the start of the segment."""
        latest: int | None = None
        for picture in pictures:
            if self._segment.source_end is not None and picture.pts >= self._segment.source_end:
                self._next = picture.pts
                continue
            self._decoded.append(picture.pts)
            ticks = self._ticks(picture.pts)
            crowded = ticks is not None and latest is not None and self._crowded(ticks - latest, ticks)
            if ticks is None or crowded:
                self._dropped += 1
                continue
            if latest is None:
                ticks = 0  # a lost first picture is replaced by the next: every segment starts at its border
            latest = ticks
            self._encoded += 1
            yield picture, ticks

    def _crowded(self, gap: int, ticks: int) -> bool:
        """Whether a picture comes too soon after the one before it, or before the segment that follows."""
        rest = self._segment.end - self._segment.start - ticks
        return gap < max(1, self._timeline.min_gap) or (
            self._segment.source_end is not None and rest < self._timeline.min_gap
        )

    def _ticks(self, pts: int) -> int | None:
        ticks = self._timeline.ticks_of(pts)
        return None if ticks is None else ticks - self._segment.start

    def seam(self, log: DecodeLog) -> Seam:
        """Return what was seen."""
        lost = sorted(log.packets.difference(self._decoded)) if len(self._decoded) < self._segment.frames else []
        return Seam(
            decoded=len(self._decoded),
            encoded=self._encoded,
            damaged=log.damaged,
            dropped=self._dropped,
            first=self._decoded[0],
            last=self._decoded[-1],
            next=self._next,
            lost=tuple(lost),
            errors=len(log.errors),
        )


def _with_anchors(kept: Iterator[tuple[Picture, int]], timeline: Timeline) -> Iterator[tuple[Picture, int, bool]]:
    """Mark pictures beside a gap: nothing may be reordered across one that is wider than half the reorder delay."""
    widest = timeline.reorder // 2
    held: tuple[Picture, int] | None = None
    wide = False
    for picture, ticks in kept:
        if held is not None:
            ahead = ticks - held[1] > widest
            yield *held, wide or ahead
            wide = ahead
        held = picture, ticks
    if held is not None:
        yield *held, wide


def _sequence(timeline: Timeline, segment: Segment) -> int:
    """Number of the segment's first fragment: goes on from segment to segment (ISO/IEC 14496-12, 8.8.5)."""
    if timeline.frame_duration is None or timeline.keyframe_frames is None:
        return segment.index * 128 + 1
    return segment.start // (timeline.frame_duration * timeline.keyframe_frames) + 1


def video_init(video: VideoFacts, timeline: Timeline, track: VideoTrack) -> bytes:
    """Return the init segment of a rendition, which no picture changes; made from one that is blank."""
    encoder = VideoEncoder(track, output_colour(video))
    encoder.encode(VideoFrame(track.width, track.height, "yuv420p"), ticks=0, kind=PictureType.I)
    encoder.flush()
    return encoder.package(reorder=timeline.reorder, duration=1, start=0, sequence=1).init
