"""What the pictures of smaller rungs lack beside those of the largest one, seen in pictures all over a film."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import VideoReformatter

from streamify.media.planes import packed
from streamify.media.source.video_index import VideoIndex
from streamify.media.video.decode import Picture
from streamify.media.video.encode import VideoEncoder
from streamify.media.video.picture import Renditions, output_colour
from streamify.media.video.scaling import SCALING
from streamify.media.video.stills import Shown
from streamify.media.video.survey import LEAD, pictures_between, places
from streamify.media.video.window import WindowSource
from streamify.model.plan import Plan
from streamify.model.source import DetailSeen, RungSeen
from streamify.model.track import VideoTrack

PLACES = 24
"""Places that are looked at beside the start, one picture each. Few films get there: a picture that needs the largest
rung ends the look."""
FEW = 6
"""Pictures of a film up to which all are looked at."""
BLOCK = 16
"""Pixels along each side of the parts of a picture that are judged one by one: text is a small part of a screen."""
FINE = 8
"""What mean squared errors of parts are multiplied by: they are whole numbers, up to 255."""
MOST = 0.001
"""Share of the parts of a picture that may lose more than what counts as lost."""
CONTRAST = 24
"""Least steps of luma between the darkest and the brightest place of a picture that shows anything."""

FULL = 219
"""Steps of luma from black to white."""


@dataclass(frozen=True)
class Enough:
    """How much a rung may lack before a larger one is needed, in the words of `RungSeen`."""

    lost: int
    worse: int


def look_for_detail(source: WindowSource, plan: Plan, index: VideoIndex, enough: Enough) -> DetailSeen:
    """Look at pictures all over a film, until one is met that needs the largest rung.

    Args:
        source: Where the bytes are.
        plan: With all rungs of the ladder, largest first.
        index: When pictures are shown, and where they are.
        enough: What makes a rung needed.
    """
    video = plan.source.video
    assert video is not None
    renditions = Renditions(video, plan.video)
    sizes = [_Smaller(plan, track) for track in plan.video[1:]]
    seen = flat = 0
    for picture in _pictures(source, index) if sizes else ():
        largest, *smaller = renditions.make(picture)
        if _contrast(smaller[-1]) < CONTRAST:
            flat += 1
            continue
        seen += 1
        coded: VideoFrame | None = None
        for number, size in enumerate(sizes):
            if not size.loses(largest, smaller[number], enough):
                coded = coded or _coded(plan, plan.video[0], largest)
                size.compare(largest, coded, smaller[number])
            if size.lacks(enough):
                del sizes[number + 1 :]  # those that are smaller lack as much
                break
        if sizes[0].lacks(enough):
            break
    return DetailSeen(pictures=seen, flat=flat, rungs=tuple(size.seen for size in sizes))


def _pictures(source: WindowSource, index: VideoIndex) -> Iterator[Picture]:
    """Yield one picture at the start and one at each place, or all of few; none behind damage."""
    start = index.pts[0]
    if len(index.pts) <= FEW:
        pictures = pictures_between(source, index, start, None, LEAD + FEW)
        yield from islice((picture for picture in pictures if not picture.spoilt), FEW)
        return
    for time in (start, *places(index, start, PLACES)):
        after = index.pts[bisect_right(index.pts, time)] if time < index.pts[-1] else None
        pictures = pictures_between(source, index, time, after, LEAD)
        yield from islice((picture for picture in pictures if not picture.spoilt), 1)


class _Smaller:
    """A rung beside the largest one; holds a scaler."""

    def __init__(self, plan: Plan, track: VideoTrack) -> None:
        self._plan, self._track = plan, track
        self._up = VideoReformatter()
        self._lost = self._worse = 0

    @property
    def seen(self) -> RungSeen:
        """What was seen."""
        side = min(self._track.width, self._track.height)
        return RungSeen(short_side=side, lost=self._lost, worse=self._worse)

    def lacks(self, enough: Enough) -> bool:
        """Return whether a picture was met that needs a larger rung."""
        return self._lost > enough.lost or self._worse > enough.worse

    def loses(self, largest: VideoFrame, scaled: VideoFrame, enough: Enough) -> bool:
        """Judge what scaling alone costs."""
        parts = sorted(_parts(largest, self._large(scaled)), reverse=True)
        self._lost = max(self._lost, parts[int(len(parts) * MOST)])
        return self._lost > enough.lost

    def compare(self, largest: VideoFrame, coded: VideoFrame, scaled: VideoFrame) -> None:
        """Judge what is worse once both are encoded: the errors of a smaller picture become larger ones."""
        ours = self._large(_coded(self._plan, self._track, scaled))
        more = _error(largest, ours) - _error(largest, coded)
        self._worse = max(self._worse, round(100 * more * (FULL / _usual_contrast(scaled)) ** 2))

    def _large(self, frame: VideoFrame) -> VideoFrame:
        width, height = self._plan.video[0].width, self._plan.video[0].height
        return self._up.reformat(
            frame, width=width, height=height, format="yuv420p", src_colorspace=1, dst_colorspace=1,
            interpolation=SCALING, threads=1,
        )  # fmt: skip


def _coded(plan: Plan, track: VideoTrack, frame: VideoFrame) -> VideoFrame:
    """Return a picture as an IDR picture of a rung shows it."""
    assert plan.source.video is not None
    encoder = VideoEncoder(track, output_colour(plan.source.video))
    encoder.encode(frame, ticks=0, kind=PictureType.I)
    encoder.flush()
    made = encoder.package(reorder=plan.timeline.reorder, duration=1, start=0, sequence=1, captions={})
    return next(Shown(made.init).at(made.media, [0]))


def _parts(one: VideoFrame, two: VideoFrame) -> bytes:
    """Return the mean squared error of luma of each part of a picture, times `FINE`.

    An error of 5.6 steps and more counts as that much.
    """
    squared = rf"lut=c0=min(val*val*{FINE}\,255)"
    columns, rows = -(-one.width // BLOCK), -(-one.height // BLOCK)
    return packed(_both(one, two, "blend=all_mode=difference", squared, f"scale={columns}:{rows}:{_AREA}").planes[0])


_AREA = "flags=area+accurate_rnd+bitexact"


def _error(one: VideoFrame, two: VideoFrame) -> float:
    """Return the mean squared error of luma, to two decimals."""
    return float(_both(one, two, "psnr").metadata["lavfi.psnr.mse.y"])


def _both(one: VideoFrame, two: VideoFrame, *filters: str) -> VideoFrame:
    """Return what filters make of the luma of two pictures; the first filter takes both."""
    graph = Graph()
    graph.threads = 1
    first, *rest = (graph.add(*text.split("=", 1)) for text in filters)
    inputs = []
    for number, frame in enumerate((one, two)):
        given = VideoFormat(frame.format.name)
        inputs.append(graph.add_buffer(width=frame.width, height=frame.height, format=given, time_base=Fraction(1)))
        luma = graph.add("extractplanes", "y")
        inputs[-1].link_to(luma)
        luma.link_to(first, 0, number)
    for node in (*rest, graph.add("buffersink")):
        first.link_to(node)
        first = node
    graph.configure()
    for node, frame in zip(inputs, (one, two), strict=True):
        frame.pts, frame.time_base = 0, Fraction(1)
        node.push(frame)
    return graph.vpull()


def _contrast(frame: VideoFrame) -> int:
    luma = packed(frame.planes[0])
    return max(luma) - min(luma)


def _usual_contrast(frame: VideoFrame) -> int:
    """Return the steps of luma that 98 of 100 pixels lie within, at least 1: a logo does not make a dim film bright."""
    luma = packed(frame.planes[0])
    rest, low, high = len(luma) // 100, 0, 255
    left = right = rest
    while low < high and (left := left - luma.count(low)) >= 0:
        low += 1
    while low < high and (right := right - luma.count(high)) >= 0:
        high -= 1
    return max(1, high - low)
