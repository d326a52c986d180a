"""Looking at a published segment: does it decode, and does it show what the source shows?"""

from __future__ import annotations

import io
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from streamify.media.burnt import Burnt
from streamify.media.expected import Expected, unlike_black
from streamify.media.palette import Palette
from streamify.media.registration import misplaced
from streamify.media.source.choice import has_decoder
from streamify.media.source.opening import open_media
from streamify.media.source.reading import decode, decoder, read_packets, stream_of
from streamify.media.source.sidedata import SideDataType, first_of
from streamify.media.video.decode import DecodeLog, Picture
from streamify.media.video.look import Looks
from streamify.media.video.picture import window_pictures
from streamify.media.video.window import WindowSource
from streamify.model.burn import Shown
from streamify.model.plan import Segment, Timeline
from streamify.model.source import VideoFacts
from streamify.model.track import VideoTrack

FLOOR = 16.0
"""Luma PSNR, dB, below which a picture does not show the source's."""

SEEN = 0.25
"""dB by which a picture must be more like the one without its subtitles to lack them: with faint ones, such as the
first steps of a fade, coarse coding alone made 0.21 (2026-11)."""

DOUBT = 30.0
"""Luma PSNR, dB, below which a picture is also compared with the source's neighbours."""

MARGIN = 2.0
"""dB by which a neighbour must be better to count as a picture out of place."""


@dataclass(frozen=True)
class Decoded:
    """What came out of a segment."""

    frames: int
    """Pictures, or samples of sound."""
    first: int | None
    """Presentation time of the first, output ticks."""
    errors: tuple[str, ...]


def decode_published(init: bytes, data: bytes, kind: str) -> Decoded:
    """Decode one segment from its init and media segment."""
    frames, first = 0, None
    last: int | None = None
    errors: list[str] = []
    with open_media(io.BytesIO(init + data), format="mov,mp4,m4a,3gp,3g2,mj2") as container:
        found = container.streams.video if kind == "video" else container.streams.audio
        if not found or not has_decoder(found[0]):
            return Decoded(0, None, (f"it holds no {kind}",))
        stream, context = found[0], decoder(found[0])
        for packet in read_packets(container, stream):
            for frame in decode(context, packet, errors.append):
                frames += frame.samples if isinstance(frame, AudioFrame) else 1
                first = frame.pts if first is None else first
                if last is not None and isinstance(frame, VideoFrame) and frame.pts is not None and frame.pts <= last:
                    errors.append(f"a picture at tick {frame.pts} is decoded behind one at {last}")
                last = frame.pts
    return Decoded(frames, first, tuple(errors))


@dataclass(frozen=True)
class Likeness:
    """How much a segment's pictures are like the source's."""

    compared: int
    lowest: float
    """dB."""
    mean: float
    """dB."""
    faults: tuple[str, ...]


def compare_segment(
    source: WindowSource,
    video: VideoFacts,
    timeline: Timeline,
    segment: Segment,
    track: VideoTrack,
    init: bytes,
    data: bytes,
    burn: Sequence[Shown] = (),
    *,
    left: bool = False,
) -> Likeness:
    """Compare each picture of a published segment with the source's picture of the same time, luma PSNR.

    `burn` is drawn into the source's pictures first. Where colours are off, the other place that chroma samples may
    have is tried, which `left` says: in a rendition that is very small the two differ by tens of levels.
    """
    ours = list(_published(init, data, segment.start))
    log = DecodeLog()
    psnr, palette = _Psnr(), Palette()
    faults: list[str] = []
    values: list[float] = []
    previous: VideoFrame | None = None
    pending: _Doubt | None = None
    least: tuple[float, int, VideoFrame, VideoFrame] | None = None
    shown = 0
    expected = Expected(video, track, left=left)
    burnt = Burnt(burn, track) if burn else None
    for ticks, wanted in _wanted(source, video, timeline, segment, track, expected, log, burnt):
        if pending is not None:
            faults.extend(_out_of_place(psnr, pending, wanted, timeline))
            pending = None
        if ticks is not None and shown < len(ours) and (not shown or ticks == ours[shown][0]):
            at, frame = ours[shown]
            shown += 1
            value = psnr(frame, wanted)
            values.append(value)
            palette.add(at + segment.start, frame, wanted)
            if least is None or value < least[0]:
                least = value, at + segment.start, frame, wanted
            if unlike_black(frame, expected.size):
                faults.append(f"picture at {_seconds(at + segment.start, timeline)} is not at its own aspect: "
                              "what is beside it is not black")  # fmt: skip
            elif value < FLOOR:
                faults.append(
                    f"picture at {_seconds(at + segment.start, timeline)} does not show the source's ({value:.1f} dB)"
                )
            elif burnt is not None and burnt.other is not None and psnr(frame, burnt.other) > value + SEEN:
                faults.append(f"picture at {_seconds(at + segment.start, timeline)} does not show its subtitles")
            elif value < DOUBT:
                pending = _Doubt(at + segment.start, frame, value, previous)
        # else: left out of the stream on purpose, or lost, which the certificate speaks of; or beside the window
        previous = wanted
    if log.misread:
        source = replace(source, through=True)
        return compare_segment(source, video, timeline, segment, track, init, data, burn, left=left)
    if palette.faults() and not left:
        return compare_segment(source, video, timeline, segment, track, init, data, burn, left=True)
    if pending is not None:
        faults.extend(_out_of_place(psnr, pending, None, timeline))
    if shown < len(ours):
        faults.append(f"{len(ours) - shown} pictures have no picture of the source at their time")
    if least is not None and not faults and (how := misplaced(*least[2:])) is not None:
        faults.append(f"picture at {_seconds(least[1], timeline)} is {how}")
    if track.recipe.captions:
        faults.extend(_captions([frame for _, frame in ours], log))
    faults.extend(f"{one} at {_seconds(palette.first, timeline)}" for one in palette.faults())
    if not values:
        return Likeness(0, 0.0, 0.0, ("no picture could be compared", *faults))
    return Likeness(len(values), min(values), sum(values) / len(values), tuple(faults))


def _captions(ours: Sequence[VideoFrame], log: DecodeLog) -> Iterator[str]:
    """Compare the captions that FFmpeg reads in a segment with those in the packets of the source."""
    read = b"".join(first_of(frame, SideDataType.A53_CC) or b"" for frame in ours)
    if read != b"".join(triples for _, triples in log.captions):
        yield "its captions are not those of the source"


@dataclass(frozen=True)
class _Doubt:
    """A picture that is not much like the source's of its time."""

    at: int
    """Output ticks."""
    frame: VideoFrame
    value: float
    """Luma PSNR, dB."""
    before: VideoFrame | None
    """The source's picture before its time."""


def _out_of_place(psnr: _Psnr, doubt: _Doubt, after: VideoFrame | None, timeline: Timeline) -> Iterator[str]:
    for name, other in (("before", doubt.before), ("after", after)):
        if other is not None and psnr(doubt.frame, other) > doubt.value + MARGIN:
            yield f"picture at {_seconds(doubt.at, timeline)} shows the source's picture {name} it"


def _seconds(ticks: int, timeline: Timeline) -> str:
    return f"{ticks / timeline.timescale:.3f} s"


def _published(init: bytes, data: bytes, start: int) -> Iterator[tuple[int, VideoFrame]]:
    with open_media(io.BytesIO(init + data), format="mov,mp4,m4a,3gp,3g2,mj2") as container:
        stream = stream_of(container.streams.video)
        context = decoder(stream)
        for packet in read_packets(container, stream):
            for frame in decode(context, packet):  # what is refused was counted before
                yield (frame.pts or 0) - start, frame


def _wanted(
    source: WindowSource,
    video: VideoFacts,
    timeline: Timeline,
    segment: Segment,
    track: VideoTrack,
    expected: Expected,
    log: DecodeLog,
    burnt: Burnt | None,
) -> Iterator[tuple[int | None, VideoFrame]]:
    """Yield the source's pictures of a segment with their ticks, and those that stand at each tick at which they are
    shown again; ``None`` for those beside it and those left out. `log` receives what happened.
    """
    looks = Looks(video)
    repeats = deque(tick - segment.start for one in segment.repeats for tick in one.ticks)
    length = segment.end - segment.start
    standing: Callable[[int | None], VideoFrame] | None = None
    beside: Callable[[int | None], VideoFrame] | None = None
    before: tuple[Picture, int] | None = None

    def made(picture: Picture) -> Callable[[int | None], VideoFrame]:
        """Return what gives a picture as it is shown at some ticks from the segment's start; ``None``: at its time."""
        look = looks.of(picture)
        frame = expected(picture.frame, look.sample_aspect, picture.turn)
        inside = expected.size

        def shown(ticks: int | None) -> VideoFrame:
            if burnt is None:
                return frame
            at = (
                picture.pts * timeline.time_base
                if ticks is None
                else timeline.seconds_of(picture.pts, segment.start + ticks)
            )
            return burnt(frame, inside, look, at + video.late)

        return shown

    for picture in window_pictures(source, video, segment, log, track.recipe.deinterlace, before=True):
        shown = made(picture)
        inside = segment.source_start <= picture.pts and (
            segment.source_end is None or picture.pts < segment.source_end
        )
        ticks = timeline.ticks_of(picture.pts) if inside else None
        ticks = None if ticks is None else ticks - segment.start
        if before is not None and (ticks is not None or not inside):
            following = min(length if ticks is None else ticks, *itertools.islice(repeats, 1), length)
            yield from _second(before, following, timeline, made)
            before = None
        while ticks is not None and repeats and repeats[0] < ticks:
            tick = repeats.popleft()
            yield tick, (standing or shown)(tick)
        yield ticks, shown(ticks)
        if ticks is not None:
            before = picture, ticks
        if ticks is not None or (segment.held is not None and (standing is None or picture.pts <= segment.held)):
            standing = shown
        elif not inside and (beside is None or picture.pts < segment.source_start):
            beside = shown
    if before is not None:
        yield from _second(before, min([*itertools.islice(repeats, 1), length]), timeline, made)
    if standing is None and beside is not None:  # none of them decodes: the one before stands, or the next
        standing = beside
        repeats = repeats or deque([0])
    while standing is not None and repeats:
        tick = repeats.popleft()
        yield tick, standing(tick)


def _second(
    shown: tuple[Picture, int],
    following: int,
    timeline: Timeline,
    made: Callable[[Picture], Callable[[int | None], VideoFrame]],
) -> Iterator[tuple[int, VideoFrame]]:
    picture, ticks = shown
    if picture.second is not None:
        at = timeline.second(ticks, following)
        yield at, made(replace(picture, frame=picture.second))(at)


class _Psnr:
    """Luma PSNR of two yuv420p pictures of one size, by FFmpeg's own filter."""

    def __init__(self) -> None:
        self._graph: Graph | None = None

    def __call__(self, one: VideoFrame, two: VideoFrame) -> float:
        if self._graph is None:
            self._graph = graph = Graph()
            graph.threads = 1
            inputs = [
                graph.add_buffer(
                    width=one.width, height=one.height, format=VideoFormat("yuv420p"), time_base=Fraction(1, 25)
                )
                for _ in range(2)
            ]
            judge, sink = graph.add("psnr", "shortest=1"), graph.add("buffersink")
            for number, node in enumerate(inputs):
                node.link_to(judge, 0, number)
            judge.link_to(sink)
            graph.configure()
            self._inputs, self._sink, self._count = inputs, sink, 0
        for node, frame in zip(self._inputs, (one, two), strict=True):
            frame.pts, frame.time_base = self._count, Fraction(1, 25)
            node.push(frame)
        self._count += 1
        text = self._sink.pull().metadata["lavfi.psnr.psnr.y"]
        return 100.0 if text == "inf" else float(text)
