"""Which images a stream gets, and of which moments. Pure.

They are taken from finished renditions, not from the source: thumbnails from the smallest, whose segments take a
hundredth of the time to decode, the poster from the largest.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction

from streamify.model.images import Moment, PosterPlan, PreviewPlan, Storyboard
from streamify.model.limits import IMAGE_SIDE
from streamify.model.plan import Plan, Timeline
from streamify.model.settings import MediaSettings
from streamify.model.source import Note
from streamify.model.text import decimal
from streamify.model.track import VideoTrack
from streamify.planning.grid import steps_of

COLUMNS = ROWS = 5
"""Of a sheet: 25 thumbnails are about 100 kB, so that the first preview shows soon after the pointer moves."""

ENOUGH = 400
"""Thumbnails above which the interval grows, where the settings name none."""

INTERVALS = (2, 4, 10)
"""Seconds, about, that are tried, where the settings name none; the last is taken for everything longer. What is taken
is a whole number of steps from keyframe to keyframe: of each thumbnail one picture is decoded, no group of them."""

POSTER_PARTS = (1, 2, 4)
"""Of the largest rendition's size: what the poster's sizes are."""

SAMPLES, LEAST_SAMPLES = 25, 5
"""Pictures that a poster is chosen from: at most, and of a short film."""
_SAMPLE_SECONDS = 4
"""Seconds of the film for each of them, where it is neither short nor long."""
_KEYFRAMES = 3
"""Fewer are not chosen from: the pictures between them are looked at, too."""

BLANK = 0.05
"""Worth below which a picture is black, blank or nearly faded away: more are looked at, where no candidate has more."""

SPOT = Fraction(3, 2)
"""Seconds of a preview that show one place, about."""
PREVIEW_RATE = 10
"""Pictures of a preview each second."""
PREVIEW_SIDE = 320
"""Pixels of its longer side at most."""

_MARGIN = Fraction(1, 20)
"""Of the film at its start and at its end, where titles and credits are: no poster is taken from there."""


def storyboard(
    tracks: Sequence[VideoTrack], timeline: Timeline, settings: MediaSettings, build: str
) -> Storyboard | None:
    """Return the thumbnails of a stream; ``None``: it has no pictures, or none are wanted."""
    if not tracks or settings.thumbnails == 0:
        return None
    track = smallest(tracks)
    duration = Fraction(timeline.end, timeline.timescale)
    interval = settings.thumbnails or _interval(duration, timeline, settings)
    count = max(1, -(-duration // interval))
    scale = min(Fraction(settings.thumbnail_size, max(track.width, track.height)), Fraction(1))
    width, height = (max(2, 2 * round(side * scale / 2)) for side in (track.width, track.height))
    columns = min(COLUMNS, count)
    rows = min(ROWS, -(-count // columns))
    digest = _digest(build, track.id, str(interval), width, height, columns, rows)
    return Storyboard(
        id=f"{width}x{height}-{digest}", track=track.id, width=width, height=height, columns=columns, rows=rows,
        interval=interval, count=count,
    )  # fmt: skip


def poster(tracks: Sequence[VideoTrack], timeline: Timeline, settings: MediaSettings, build: str) -> PosterPlan | None:
    """Return what the poster is made from; ``None``: the stream has no pictures, or no poster is wanted."""
    if not tracks or settings.poster == "off":
        return None
    track = largest(tracks)
    last = Fraction(timeline.end - 1, timeline.timescale)
    at = None if settings.poster == "auto" else min(Fraction(settings.poster), last)
    parts = [max(Fraction(part), Fraction(max(track.width, track.height), IMAGE_SIDE)) for part in POSTER_PARTS]
    sizes = tuple((_even(track.width, part), _even(track.height, part)) for part in parts)
    digest = _digest(build, track.id, str(at), sizes)
    return PosterPlan(id=digest, track=track.id, at=at, sizes=sizes)


def preview(
    tracks: Sequence[VideoTrack], timeline: Timeline, settings: MediaSettings, build: str
) -> PreviewPlan | None:
    """Return what the animated preview is made from; ``None``: the stream has no pictures, or none is wanted."""
    if not tracks or settings.preview is None:
        return None
    track = smallest(tracks)
    seconds = min(settings.preview, Fraction(timeline.end, timeline.timescale))
    spots = max(1, round(seconds / SPOT)) if seconds * 2 <= Fraction(timeline.end, timeline.timescale) else 1
    scale = min(Fraction(PREVIEW_SIDE, max(track.width, track.height)), Fraction(1))
    width, height = (max(2, 2 * round(side * scale / 2)) for side in (track.width, track.height))
    digest = _digest(build, track.id, str(seconds), spots, width, height, PREVIEW_RATE)
    return PreviewPlan(id=digest, track=track.id, seconds=seconds, spots=spots, width=width, height=height)


def image_notes(tracks: Sequence[VideoTrack], timeline: Timeline, settings: MediaSettings) -> Iterator[Note]:
    """Yield what is said of images that were asked for and are others, or none."""
    at = settings.poster if isinstance(settings.poster, Fraction) else None
    asked = {"poster": at, "preview": settings.preview, "thumbnails": settings.thumbnails}
    if not tracks:
        absent = [name for name, value in asked.items() if value is not None and (value or name == "poster")]
        if absent:
            yield Note(kind="info", what=f"no {', no '.join(absent)}", why="the source has no pictures")
        return
    end = Fraction(timeline.end, timeline.timescale)
    if at is not None and at >= end:
        yield Note(kind="info", what="the poster is the last picture",
                   why=f"the stream ends at {decimal(end)} s, --poster {decimal(at)} is beyond")  # fmt: skip
    if settings.preview is not None and settings.preview > end:
        yield Note(kind="info", what=f"the preview has {decimal(end)} s", why="the stream is no longer")


def preview_moments(wanted: PreviewPlan, timeline: Timeline, borders: Sequence[int]) -> tuple[Moment, ...]:
    """Return the pictures of an animated preview: runs from places spread evenly over the film but for its ends.

    Args:
        wanted: Of the plan.
        timeline: Of the plan.
        borders: Starts of the segments, output ticks.
    """
    length, run = Fraction(timeline.end, timeline.timescale), wanted.seconds / wanted.spots
    margin = min(length * _MARGIN, (length - wanted.seconds) / 2)
    step = (length - 2 * margin - run) / (wanted.spots - 1) if wanted.spots > 1 else Fraction(0)
    if wanted.spots == 1:
        margin = (length - run) / 2
    count = max(1, round(wanted.seconds * PREVIEW_RATE))
    times = (Fraction(number, PREVIEW_RATE) for number in range(count))
    return tuple(
        moment(margin + spot * step + time - spot * run, timeline, borders)
        for time in times
        for spot in (min(int(time / run), wanted.spots - 1),)
    )


def smallest(tracks: Sequence[VideoTrack]) -> VideoTrack:
    """Return the rendition with the smallest pictures."""
    return min(tracks, key=lambda one: one.width * one.height)


def largest(tracks: Sequence[VideoTrack]) -> VideoTrack:
    """Return the rendition with the largest pictures."""
    return max(tracks, key=lambda one: one.width * one.height)


def tile_moments(board: Storyboard, plan: Plan, borders: Sequence[int], sheet: int) -> tuple[Moment, ...]:
    """Return what the thumbnails of a sheet show.

    Args:
        board: Of the stream.
        plan: Of the stream.
        borders: Starts of the segments, output ticks.
        sheet: Its number.
    """
    numbers = range(sheet * board.tiles, min((sheet + 1) * board.tiles, board.count))
    return tuple(moment(number * board.interval, plan.timeline, borders) for number in numbers)


def moment(seconds: Fraction, timeline: Timeline, borders: Sequence[int]) -> Moment:
    """Return the picture that is shown at a time, seconds."""
    at = min(int(seconds * timeline.timescale), timeline.end - 1)
    return Moment(segment=bisect_right(borders, at) - 1, at=at)


def candidates(wanted: PosterPlan, timeline: Timeline, borders: Sequence[int]) -> tuple[Moment, ...]:
    """Return the pictures that a poster is chosen from: one where its time was given, else some spread over the film.

    Args:
        wanted: Of the plan.
        timeline: Of the plan.
        borders: Starts of the segments, output ticks.
    """
    if wanted.at is not None:
        return (moment(wanted.at, timeline, borders),)
    count = int(Fraction(timeline.end, timeline.timescale) / _SAMPLE_SECONDS)
    return at_keyframes(_spread(min(SAMPLES, max(LEAST_SAMPLES, count)), timeline, borders), timeline, borders)


def more_candidates(wanted: PosterPlan, timeline: Timeline, borders: Sequence[int]) -> tuple[Moment, ...]:
    """Return the pictures that a poster is chosen from where no candidate serves; arguments as of `candidates`."""
    return _spread(SAMPLES, timeline, borders) if wanted.at is None else ()


def at_keyframes(found: Sequence[Moment], timeline: Timeline, borders: Sequence[int]) -> tuple[Moment, ...]:
    """Return the keyframes before some pictures, each once, which are coded best and need no other to be decoded.

    They are returned themselves where these are fewer than `_KEYFRAMES`, as in a film of few seconds, and at a variable
    rate, where keyframes are where there are pictures.
    """
    if timeline.frame_duration is None or timeline.keyframe_frames is None:
        return tuple(found)
    step = timeline.frame_duration * timeline.keyframe_frames
    keys = dict.fromkeys(one.at // step * step for one in found)
    if len(keys) < _KEYFRAMES:
        return tuple(found)
    return tuple(Moment(segment=bisect_right(borders, at) - 1, at=at) for at in keys)


def _spread(count: int, timeline: Timeline, borders: Sequence[int]) -> tuple[Moment, ...]:
    length = Fraction(timeline.end, timeline.timescale)
    margin = length * _MARGIN
    step = (length - 2 * margin) / (count - 1)
    return tuple(dict.fromkeys(moment(margin + number * step, timeline, borders) for number in range(count)))


def _interval(duration: Fraction, timeline: Timeline, settings: MediaSettings) -> Fraction:
    """Return the interval of thumbnails where the settings name none, seconds."""
    if timeline.frame_duration is not None and timeline.keyframe_frames is not None:
        step = Fraction(timeline.frame_duration * timeline.keyframe_frames, timeline.timescale)
    else:
        step = settings.segment_seconds / steps_of(settings.segment_seconds, settings.keyframe_seconds)
    tried = [step * max(1, round(seconds / step)) for seconds in INTERVALS]
    return next((one for one in tried if duration / one <= ENOUGH), tried[-1])


def _even(side: int, part: Fraction) -> int:
    return max(2, 2 * round(side / (2 * part)))


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:8]
