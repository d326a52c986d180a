"""The tasks that make images: a sheet of thumbnails, the poster, the preview. All read finished segments alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

from streamify.dest.layout import (
    POSTER_RECORD,
    PREVIEW,
    PREVIEW_RECORD,
    init_key,
    ledger_key,
    poster_key,
    segment_key,
    sheet_key,
    sheet_record_key,
)
from streamify.errors import DestinationError
from streamify.media.video.images import Judge, PreviewMaker, SheetMaker, poster_files
from streamify.model.images import Moment, Poster, Preview, SheetRecord, Still
from streamify.model.result import ImageResult, SegmentRecord
from streamify.model.task import PosterTask, PreviewTask, SheetTask
from streamify.model.track import VideoTrack
from streamify.mp4.fragments import fragments
from streamify.planning.images import BLANK, PREVIEW_RATE
from streamify.storage.base import Storage, Stores, sha256
from streamify.storage.saved import parse_saved

PREVIEW_BYTES = 2_000_000
"""Of an animated preview, about: its quality is lowered until it has no more."""


def run_image(task: SheetTask | PosterTask | PreviewTask, stores: Stores) -> ImageResult:
    """Make the image of a task. See `run_task` for errors."""
    match task:
        case SheetTask():
            return run_sheet(task, stores)
        case PosterTask():
            return run_poster(task, stores)
        case PreviewTask():
            return run_preview(task, stores)


def run_sheet(task: SheetTask, stores: Stores) -> ImageResult:
    """Write a sheet of thumbnails, then what is known of it. See `run_task` for errors."""
    board, media = task.storyboard, stores.media
    folder = task.track.folder
    maker = SheetMaker(_read(media, init_key(folder)), board.width, board.height)
    for index, moments in groupby(task.moments, key=lambda one: one.segment):
        data = _segment(media, task.track, index, certified=task.certified)
        maker.add(data, [one.at for one in moments])
    data, key = maker.finish(board.columns, board.rows), sheet_key(board.folder, task.number)
    media.put_new(key, data)
    record = SheetRecord(key=key, size=len(data), sha256=sha256(data))
    media.put(sheet_record_key(board.id, task.number), record.to_json())
    return ImageResult(key=task.key)


def run_poster(task: PosterTask, stores: Stores) -> ImageResult:
    """Choose a picture, write the poster in all sizes and formats, then what is known of it.

    See `run_task` for errors.
    """
    media, plan, chosen = stores.media, task.plan, _chosen(task, stores.media)
    if chosen is None:
        return ImageResult(key=task.key, made=False)
    stills = list[Still]()
    init = _read(media, init_key(task.track.folder))
    segment = _segment(media, task.track, chosen.segment, certified=task.certified)
    for width, height, kind, data in poster_files(init, segment, chosen.at, plan.sizes, webp=not task.least):
        key = poster_key(width, "webp" if kind == "image/webp" else "jpg")
        media.put(key, data)
        stills.append(Still(key=key, type=kind, width=width, height=height, size=len(data), sha256=sha256(data)))
    at = Fraction(chosen.at, task.track.timescale)
    media.put(POSTER_RECORD, Poster(id=plan.id, at=at, stills=tuple(stills)).to_json())
    return ImageResult(key=task.key)


def run_preview(task: PreviewTask, stores: Stores) -> ImageResult:
    """Write the animated preview, then what is known of it. See `run_task` for errors."""
    media, plan, folder = stores.media, task.plan, task.track.folder
    maker = PreviewMaker(_read(media, init_key(folder)), plan.width, plan.height)
    for index, moments in groupby(task.moments, key=lambda one: one.segment):
        maker.add(_read(media, segment_key(folder, index)), [one.at for one in moments])
    data = maker.finish(PREVIEW_RATE, PREVIEW_BYTES)
    media.put(PREVIEW, data)
    found = Preview(
        id=plan.id, key=PREVIEW, width=plan.width, height=plan.height, seconds=plan.seconds,
        pictures=len(task.moments), size=len(data), sha256=sha256(data),
    )  # fmt: skip
    media.put(PREVIEW_RECORD, found.to_json())
    return ImageResult(key=task.key)


def _chosen(task: PosterTask, media: Storage) -> Moment | None:
    """Return the candidate that shows most, the first of those that show equally much; ``None``: none shows enough."""
    if len(task.candidates) == 1 and not task.least:
        return task.candidates[0]
    judge = Judge(_read(media, init_key(task.scout.folder)))
    worth = _judged(judge, task, task.candidates, media)
    if task.more and max(worth.values()) < BLANK:
        worth |= _judged(judge, task, task.more, media)
    best = max(worth, key=lambda one: worth[one])
    return best if worth[best] >= task.least else None


def _judged(judge: Judge, task: PosterTask, found: Sequence[Moment], media: Storage) -> dict[Moment, float]:
    """Return what pictures of the scout are worth.

    The keyframe before each stands for it where they are far enough apart: it is coded best, and nothing else has to be
    decoded for it. In a short film there are fewer keyframes than candidates.
    """
    worth = dict[Moment, float]()
    for index, group in groupby(found, key=lambda one: one.segment):
        data = _segment(media, task.scout, index, certified=task.certified)
        keys = [part.decode_time for part in fragments(data)]
        wanted = [one.at for one in group]
        before = [keys[max(0, bisect_right(keys, at) - 1)] for at in wanted]
        times = before if len(set(before)) == len(wanted) else wanted
        worth.update(zip((Moment(segment=index, at=at) for at in times), judge(data, times), strict=True))
    return worth


def _segment(media: Storage, track: VideoTrack, index: int, *, certified: bool) -> bytes:
    """Return a segment; where nothing has compared it with its ledger entry yet, what is another is an error."""
    key = segment_key(track.folder, index)
    data = _read(media, key)
    if not certified:
        entry = ledger_key(track.id, index)
        record = parse_saved(SegmentRecord, _read(media, entry), entry)
        if record is None or record.media.sha256 != sha256(data):
            hint = "run the same command again: what is missing is made anew"
            raise DestinationError("segment-gone", f"{key} at DEST is not what its worker wrote", hint)
    return data


def _read(media: Storage, key: str) -> bytes:
    """Return a file that tasks have made."""
    data = media.get(key)
    if data is None:
        raise DestinationError(
            "segment-gone",
            f"{key} at DEST is gone since it was made",
            "run the same command again: what is missing is made anew",
        )
    return data
