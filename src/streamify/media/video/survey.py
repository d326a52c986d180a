"""A bounded look at pictures over the whole film: do they change midway, and are they interlaced?"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice

from av.video.frame import VideoFrame

from streamify.media.source.light import PQ, light_peak
from streamify.media.source.video_index import VideoIndex
from streamify.media.video.combing import combed
from streamify.media.video.decode import Picture, glance
from streamify.media.video.deinterlace import kinds
from streamify.media.video.look import Looks
from streamify.media.video.screen import look_for_screen
from streamify.media.video.window import WindowSource
from streamify.model.plan import Segment
from streamify.model.source import Colour, FieldsSeen, Look, Part, PictureSeen, VideoFacts

PLACES = 4
"""Places that are looked at beside the start, the last one near the end."""
MORE = 12
"""Places more, where some pictures are interlaced and others not."""
WINDOW = 6
"""Pictures that are looked at in each place."""
LEAD = 40
"""Pictures decoded at most to reach a place."""
THREADS = 2
"""Places that are looked at side by side, where it has to be soon."""
SIDE_BY_SIDE = 2560 * 1440
"""Pixels of a picture above which one is looked at after another: each decoder holds up to thirty pictures."""
GLANCES = 64
"""Looks at most, where pictures change, to find where."""
LINEAR = 400
"""Pictures decoded at most, from the keyframe before a change, to find it."""


@dataclass
class Surveyed:
    """What was seen."""

    parts: list[Part]
    """Runs of pictures that look alike, as far as they were found; the first one is that of the facts."""
    coded: dict[Look, Fraction | None] = field(default_factory=dict)
    """Sample aspect in the bitstream of each look."""
    fields: list[FieldsSeen] = field(default_factory=list)
    """What was seen of fields in each place, the start first."""
    content: list[PictureSeen] = field(default_factory=list)
    """What the first picture of each place looks like that is not behind damage; not of the start where its pictures
    were given: the caller has looked at them."""


def survey(
    source: WindowSource,
    video: VideoFacts,
    index: VideoIndex,
    beginning: Sequence[VideoFrame] = (),
    threads: int = THREADS,
) -> Surveyed:
    """Look at a few places of a film; where the pictures changed between two of them, find where.

    Args:
        source: Where the bytes are.
        video: What is known of the pictures.
        index: When they are shown, and where they are.
        beginning: The first pictures; empty: they are looked at.
        threads: Places that are looked at side by side.
    """
    return _Survey(source, video, index, threads).run(
        [Picture(number, frame) for number, frame in enumerate(beginning)]
    )


def look_at_fields(pictures: Iterable[Picture]) -> FieldsSeen:
    """Return what pictures in a row tell of fields."""
    told, repeated, count = {"flagged": 0, "tff": 0, "bff": 0, "progressive": 0, "undetermined": 0}, [], 0
    for picture, kind, again in kinds(pictures):
        # idet takes some patterns that move up or down for fields: their lines do not alternate.
        if kind in ("tff", "bff") and not picture.frame.interlaced_frame and not combed(picture.frame):
            kind = "undetermined"
        told["flagged" if picture.frame.interlaced_frame else kind] += 1
        repeated += [count] if again else []
        count += 1
    return FieldsSeen(
        pictures=count,
        flagged=told["flagged"],
        top=told["tff"],
        bottom=told["bff"],
        progressive=told["progressive"],
        repeated=tuple(repeated),
    )


@dataclass(frozen=True)
class _Place:
    time: int
    """Presentation time of a picture that decoding can begin at, source ticks."""
    look: Look


@dataclass(frozen=True)
class _Seen:
    """What is seen at a place."""

    first: Picture
    fields: FieldsSeen
    content: PictureSeen | None
    """``None``: all pictures are behind damage, and show what is not there."""


def _look(pictures: Sequence[Picture]) -> _Seen:
    whole = next((picture for picture in pictures if not picture.spoilt), None)
    content = look_for_screen(whole.frame) if whole is not None else None
    return _Seen(pictures[0], look_at_fields(pictures), content)


class _Survey:
    def __init__(self, source: WindowSource, video: VideoFacts, index: VideoIndex, threads: int) -> None:
        self._source, self._index, self._threads = source, index, threads
        self._looks = Looks(video)
        self._left, self._pixels = GLANCES, video.width * video.height
        self._start = _Place(index.pts[0], video.look)
        self._found = Surveyed([], {video.look: video.coded_aspect})
        self._peaks: dict[Colour, int | None] = {video.colour: video.colour.peak}

    def run(self, beginning: Sequence[Picture]) -> Surveyed:
        seen, content = self._found.fields, self._found.content
        if beginning:
            seen.append(look_at_fields(beginning))
        else:
            self._start = self._first() or self._start
        start = len(content)
        before = self._start
        self._found.parts.append(Part(first=self._index.pts[0], look=before.look))
        for place in self._places(PLACES):
            self._find(before, place)
            before = place
        if len({one.interlaced for one in seen}) > 1:
            del seen[1:], content[start:]
            for _ in self._places(PLACES + MORE):
                pass
        self._found.parts[1:] = [self._with_peak(part) for part in self._found.parts[1:]]
        return self._found

    def _first(self) -> _Place | None:
        """Look at the start: at the keyframe there, or before it."""
        start = self._index.pts[0]
        keys = self._index.key_times(start, start + 1)
        time = keys[-1] if keys else start
        pictures = list(islice(self._pictures(time, None, LEAD), WINDOW))
        if not pictures:
            return None
        self._found.fields.append(look_at_fields(pictures))
        shown = next((one for one in pictures if one.pts >= start), None)
        shown = shown or next(self._pictures(start, self._after(start), LEAD), None)
        if shown is not None and not shown.spoilt:  # what comes before a part of a film is no part of it
            self._found.content.append(look_for_screen(shown.frame))
        return _Place(start, self._look(pictures[0]))

    def _places(self, count: int) -> Iterator[_Place]:
        for found in self._glances(list(self._times(count))):
            if found is not None:
                self._found.fields.append(found.fields)
                self._found.content += [found.content] if found.content is not None else []
                yield _Place(found.first.pts, self._look(found.first))

    def _times(self, count: int) -> Iterator[int]:
        """Yield when the places begin, that many at most: at keyframes behind the start."""
        return places(self._index, self._start.time, count)

    def _glances(self, times: Sequence[int]) -> Iterator[_Seen | None]:
        """Yield what is seen at each place, in order; ``None``: nothing decodes."""
        if self._pixels > SIDE_BY_SIDE or self._threads == 1:
            yield from map(self._glance, times)
            return
        with ThreadPoolExecutor(self._threads, "survey") as threads:
            yield from threads.map(self._glance, times)

    def _glance(self, time: int) -> _Seen | None:
        pts, end = self._index.pts, bisect_left(self._index.pts, time) + WINDOW
        pictures = list(islice(self._pictures(time, pts[end] if end < len(pts) else None, LEAD), WINDOW))
        return _look(pictures) if pictures else None

    def _look_at(self, time: int) -> _Place | None:
        picture = next(self._pictures(time, self._after(time), LEAD), None)
        return None if picture is None else _Place(picture.pts, self._look(picture))

    def _look(self, picture: Picture) -> Look:
        look = self._looks.of(picture)
        self._found.coded.setdefault(look, picture.aspect)
        if look.colour.transfer == PQ and look.colour not in self._peaks:
            self._peaks[look.colour] = light_peak([picture.frame])
        return look

    def _with_peak(self, part: Part) -> Part:
        peak = self._peaks.get(part.look.colour)
        if peak is None:
            return part
        look = part.look.model_copy(update={"colour": part.look.colour.model_copy(update={"peak": peak})})
        self._found.coded.setdefault(look, self._found.coded.get(part.look))
        return part.model_copy(update={"look": look})

    def _find(self, before: _Place, after: _Place) -> None:
        """Find the changes between two places, of which at most one is expected between two alike."""
        if before.look == after.look:
            return
        keys = [time for time in self._index.key_times(before.time + 1, after.time) if before.time < time < after.time]
        if keys and self._left:
            self._left -= 1
            middle = self._look_at(keys[len(keys) // 2])
            if middle is not None and before.time < middle.time < after.time:
                self._find(before, middle)
                self._find(middle, after)
                return
        for picture in self._pictures(before.time, self._after(after.time), LINEAR):
            look = self._look(picture)
            if look != self._found.parts[-1].look:
                self._found.parts.append(Part(first=picture.pts, look=look))
            if picture.pts >= after.time:
                return

    def _after(self, time: int) -> int | None:
        """Return the time of a picture a little later than one."""
        place = min(bisect_right(self._index.pts, time) + 1, len(self._index.pts) - 1)
        return self._index.pts[place] if self._index.pts[place] > time else None

    def _pictures(self, start: int, end: int | None, limit: int) -> Iterator[Picture]:
        return pictures_between(self._source, self._index, start, end, limit)


def places(index: VideoIndex, latest: int, count: int) -> Iterator[int]:
    """Yield when places all over a film begin, that many at most: at keyframes behind the time `latest`."""
    for number in range(1, count + 1):
        at = index.pts[(len(index.pts) - 1) * number // count]
        keys = index.key_times(at, at + 1)
        if keys and keys[-1] > latest:
            latest = keys[-1]
            yield latest


def pictures_between(
    source: WindowSource, index: VideoIndex, start: int, end: int | None, limit: int
) -> Iterator[Picture]:
    """Yield the pictures in ``[start, end)`` and one more, as far as some pictures decoded from a keyframe give them.

    Args:
        source: Where the bytes are.
        index: When they are shown, and where they are.
        start: Source ticks.
        end: Source ticks; ``None``: the end of the film.
        limit: Pictures that are decoded at most.
    """
    found = index.locate(start, end)
    window = Segment(
        index=0, start=0, end=1, source_start=start, source_end=end, frames=1, first=start, next=end,
        entries=found.entries, splice=found.splice, packets=found.packets,
    )  # fmt: skip
    return glance(source, window, limit)
