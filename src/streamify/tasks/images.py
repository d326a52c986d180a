"""The tasks that make images: a sheet of thumbnails, the poster, the preview. All read finished segments alone."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from itertools import groupby

from streamify.dest.layout import (
    POSTER_RECORD,
    PREVIEW,
    PREVIEW_RECORD,
    init_key,
    poster_key,
    segment_key,
    sheet_key,
    sheet_record_key,
)
from streamify.errors import DestinationError
from streamify.media.video.images import Judge, PreviewMaker, SheetMaker, poster_files
from streamify.model.images import Moment, Poster, Preview, SheetRecord, Still
from streamify.model.result import ImageResult
from streamify.model.task import PosterTask, PreviewTask, SheetTask
from streamify.mp4.fragments import fragments
from streamify.planning.images import PREVIEW_RATE
from streamify.storage.base import Storage, Stores, sha256

PREVIEW_BYTES = 2_000_000
"""Of an animated preview, about: its quality is lowered until it has no more."""


def run_sheet(task: SheetTask, stores: Stores) -> ImageResult:
    """Write a sheet of thumbnails, then what is known of it. See `run_task` for errors."""
    board, media = task.storyboard, stores.media
    maker, folder = SheetMaker(board.width, board.height), task.track.folder
    init = _read(media, init_key(folder))
    for index, moments in groupby(task.moments, key=lambda one: one.segment):
        maker.add(init, _read(media, segment_key(folder, index)), [one.at for one in moments])
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
    folder, stills = task.track.folder, []
    init, segment = _read(media, init_key(folder)), _read(media, segment_key(folder, chosen.segment))
    for width, height, kind, data in poster_files(init, segment, chosen.at, plan.sizes):
        key = poster_key(width, "webp" if kind == "image/webp" else "jpg")
        media.put(key, data)
        stills.append(Still(key=key, type=kind, width=width, height=height, size=len(data), sha256=sha256(data)))
    at = Fraction(chosen.at, task.track.timescale)
    media.put(POSTER_RECORD, Poster(id=plan.id, at=at, stills=tuple(stills)).to_json())
    return ImageResult(key=task.key)


def run_preview(task: PreviewTask, stores: Stores) -> ImageResult:
    """Write the animated preview, then what is known of it. See `run_task` for errors."""
    media, plan, folder = stores.media, task.plan, task.track.folder
    maker, init = PreviewMaker(plan.width, plan.height), _read(media, init_key(folder))
    for index, moments in groupby(task.moments, key=lambda one: one.segment):
        maker.add(init, _read(media, segment_key(folder, index)), [one.at for one in moments])
    data = maker.finish(PREVIEW_RATE, PREVIEW_BYTES)
    media.put(PREVIEW, data)
    found = Preview(
        id=plan.id, key=PREVIEW, width=plan.width, height=plan.height, seconds=plan.seconds,
        pictures=len(task.moments), size=len(data), sha256=sha256(data),
    )  # fmt: skip
    media.put(PREVIEW_RECORD, found.to_json())
    return ImageResult(key=task.key)


def _chosen(task: PosterTask, media: Storage) -> Moment:
    """Return the candidate that shows most; the first of those that show equally much.

    The keyframe before each stands for it where they are far enough apart: it is coded best, and nothing else has to be
    decoded for it. In a short film there are fewer keyframes than candidates.
    """
    if len(task.candidates) == 1:
        return task.candidates[0]
    judge, worth, folder = Judge(), dict[Moment, float](), task.scout.folder
    init = _read(media, init_key(folder))
    for index, group in groupby(task.candidates, key=lambda one: one.segment):
        data = _read(media, segment_key(folder, index))
        keys = [part.decode_time for part in fragments(data)]
        wanted = [one.at for one in group]
        before = [keys[max(0, bisect_right(keys, at) - 1)] for at in wanted]
        times = before if len(set(before)) == len(wanted) else wanted
        worth.update(zip((Moment(segment=index, at=at) for at in times), judge(init, data, times), strict=True))
    return max(worth, key=lambda one: worth[one])


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
