"""One segment of the source into all its renditions, from one decode."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from av.video.frame import PictureType, VideoFrame

from streamify.media.package import Packaged
from streamify.media.video.ahead import drawn_ahead
from streamify.media.video.burn import Burner
from streamify.media.video.captions import place
from streamify.media.video.decode import DecodeLog, Picture, undecodable
from streamify.media.video.encode import VideoEncoder
from streamify.media.video.encoders import Encoders
from streamify.media.video.picture import Renditions, output_colour, window_pictures
from streamify.media.video.sieve import Sieve
from streamify.media.video.window import WindowSource
from streamify.model.plan import Segment, Timeline
from streamify.model.progress import OnProgress
from streamify.model.result import Cost, Seam
from streamify.model.settings import Deinterlace
from streamify.model.source import Look, Part, VideoFacts
from streamify.model.track import VideoTrack

DECODED = 1
"""Pictures of the source that may wait to be scaled, where a thread of its own decodes; each may have 100 MB (8K)."""


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
    burner: Burner | None = None,
) -> Transcoded:
    """Decode, scale and encode ``[start, end)``.

    Where other packets were read than the index has, all is done again, with the file read from its start: there it is
    read as it was for the index.

    Args:
        source: Where the bytes are.
        video: Facts about the stream.
        timeline: From source time to output time.
        segment: Which segment.
        tracks: Renditions to make.
        keyframes: Output ticks of the IDR pictures, in order, the segment's start first.
        threads: Threads that encode; 1 does everything on this one. With more, another one decodes.
        progress: Called with the pictures of the segment that were decoded and given to the encoders.
        burner: Draws subtitles into the pictures.

    Raises:
        SourceError: Not one picture decodes, of the window or beside it.
    """
    log, watch = DecodeLog(), _Watch()
    colour = output_colour(video)
    encoders = [VideoEncoder(track, colour) for track in tracks]
    renditions = Renditions(video, tracks)
    sieve, runs = Sieve(timeline, segment), _Runs(video.look)
    due = [tick - segment.start for tick in keyframes]
    decoded = _pictures(source, video, segment, log, watch, tracks[0].recipe.deinterlace)
    with ExitStack() as stack:
        pictures = stack.enter_context(drawn_ahead(decoded, DECODED)) if threads > 1 else decoded
        shown = _with_anchors(sieve.kept(pictures), timeline)
        fed = stack.enter_context(Encoders(encoders, [track.width * track.height for track in tracks], threads))
        previous: Picture | None = None
        frames: list[VideoFrame] = []
        for picture, ticks, anchor in shown:
            kind = PictureType.P if anchor else PictureType.NONE
            while due and ticks >= due[0]:
                due.pop(0)
                kind = PictureType.I
            before = time.thread_time()
            if picture is not previous:  # else it is shown again
                runs.add(picture.pts, renditions.look(picture))
                frames, previous = renditions.make(picture), picture
            drawn = frames
            if burner is not None:
                at = burner.seconds(picture.pts, segment.start + ticks)
                drawn = burner.draw(frames, renditions.look(picture), at)
            watch.scale += time.thread_time() - before
            fed.encode(drawn, ticks, kind)
            if progress is not None:
                progress(sieve.pictures, segment.pictures, "pictures")
        if log.misread:
            again = replace(source, through=True)
            return transcode_segment(again, video, timeline, segment, tracks, keyframes, threads, progress, burner)
        if sieve.empty:
            raise undecodable(segment)
        packaged = fed.finish(
            reorder=timeline.reorder,
            duration=segment.end - segment.start,
            start=segment.start,
            sequence=_sequence(timeline, segment),
            captions=place(log.captions, sieve.decoded, sieve.times) if tracks[0].recipe.captions else {},
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
    source: WindowSource, video: VideoFacts, segment: Segment, log: DecodeLog, watch: _Watch, done: Deinterlace
) -> Generator[Picture, None, None]:
    pictures = window_pictures(source, video, segment, log, done)
    while True:
        before = time.thread_time()
        picture = next(pictures, None)
        watch.decode += time.thread_time() - before
        if picture is None:
            return
        if picture.pts >= segment.earliest or picture.pts < segment.source_start:
            yield picture


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
    """Return the init segment of a rendition, which no picture changes; no picture is encoded for it."""
    encoder = VideoEncoder(track, output_colour(video))
    encoder.feign()
    return encoder.package(reorder=timeline.reorder, duration=1, start=0, sequence=1, captions={}).init
