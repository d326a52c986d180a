"""Images of a finished stream: which are still to be made, and what is known of those that are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streamify.dest.layout import POSTER, POSTER_RECORD, PREVIEW_RECORD, is_poster, sheet_key, sheet_record_key
from streamify.jobs.segments import borders
from streamify.model.images import (
    Moment,
    Poster,
    PosterPlan,
    Preview,
    PreviewPlan,
    SheetRecord,
    Storyboard,
    StoryboardReport,
)
from streamify.model.plan import Plan
from streamify.model.task import PosterTask, PreviewTask, SheetTask
from streamify.model.track import VideoTrack
from streamify.planning.budget import image_budget
from streamify.planning.early_images import is_early_poster
from streamify.planning.images import candidates, more_candidates, preview_moments, smallest, tile_moments
from streamify.storage.base import Storage
from streamify.storage.saved import parse_saved

IMAGE = "image"
"""What the keys of tasks of images begin with."""
POSTER_TASK = f"{IMAGE}/poster"


def sheet_task_key(number: int) -> str:
    """Return the key of the task of a sheet of thumbnails."""
    return f"{IMAGE}/thumbnails/{number:05d}"


def image_tasks(plan: Plan, media: Storage) -> Iterator[SheetTask | PosterTask | PreviewTask]:
    """Yield a task for each image that is missing; all segments of the stream have to be there."""
    board, poster = plan.storyboard, plan.poster
    missing = missing_sheets(media, board) if board is not None else []
    if poster is not None and read_poster(plan, media) is not None:
        poster = None
    preview = plan.preview if read_preview(plan, media) is None else None
    if not missing and poster is None and preview is None:
        return
    starts = borders(plan, media)
    if board is not None:
        yield from (sheet_task(plan, board, starts, number) for number in missing)
    if poster is not None:
        found, more = (among(poster, plan.timeline, starts) for among in (candidates, more_candidates))
        yield poster_task(plan, poster, found, more)
    if preview is not None:
        yield _preview_task(plan, preview, starts)


def _preview_task(plan: Plan, preview: PreviewPlan, starts: Sequence[int]) -> PreviewTask:
    moments, track = preview_moments(preview, plan.timeline, starts), _track(plan, preview.track)
    return PreviewTask(
        key=f"{IMAGE}/preview",
        plan=preview,
        track=track,
        moments=moments,
        budget=image_budget(plan, track, len({one.segment for one in moments})),
    )


def sheet_task(plan: Plan, board: Storyboard, starts: Sequence[int], number: int) -> SheetTask:
    """Return the task of a sheet; `starts`: of the segments and the end of the last, output ticks."""
    moments, track = tile_moments(board, plan, starts, number), _track(plan, board.track)
    return SheetTask(
        key=sheet_task_key(number),
        storyboard=board,
        track=track,
        number=number,
        moments=moments,
        budget=image_budget(plan, track, len({one.segment for one in moments})),
    )


def poster_task(plan: Plan, poster: PosterPlan, found: tuple[Moment, ...], more: tuple[Moment, ...] = ()) -> PosterTask:
    """Return the task of a poster that is chosen from some pictures, and from `more` where none of these serves."""
    track = _track(plan, poster.track)
    return PosterTask(
        key=POSTER_TASK,
        plan=poster,
        track=track,
        scout=smallest(plan.video),
        candidates=found,
        more=more,
        budget=image_budget(plan, track, 1 + len(found) + len(more)),
    )


def read_poster(plan: Plan, media: Storage) -> Poster | None:
    """Return the poster of a plan; ``None``: it is not there."""
    found = read_any_poster(plan, media)
    return found if found is not None and plan.poster is not None and found.id == plan.poster.id else None


def read_any_poster(plan: Plan, media: Storage, known: Poster | None = None) -> Poster | None:
    """Return the poster of a plan, or one of the first segments of its film; ``None``: there is none.

    The files of one that is `known` to be there are not looked for again.
    """
    data = media.get(POSTER_RECORD) if plan.poster is not None else None
    found = parse_saved(Poster, data, POSTER_RECORD) if data is not None else None
    if found is None or plan.poster is None:
        return None
    if found == known:
        return found
    if found.id != plan.poster.id and not is_early_poster(plan.poster, found.id):
        return None
    return found if all(_is_there(media, one.key, one.size) for one in found.stills) else None


def read_preview(plan: Plan, media: Storage) -> Preview | None:
    """Return the animated preview of a plan; ``None``: there is none, or it is not there."""
    data = media.get(PREVIEW_RECORD) if plan.preview is not None else None
    found = parse_saved(Preview, data, PREVIEW_RECORD) if data is not None else None
    if found is None or plan.preview is None or found.id != plan.preview.id:
        return None
    return found if _is_there(media, found.key, found.size) else None


def read_storyboard(plan: Plan, media: Storage) -> StoryboardReport | None:
    """Return the thumbnails of a plan; ``None``: there are none, or not all of its sheets."""
    board = plan.storyboard
    if board is None:
        return None
    there = tuple(sheet for sheet in read_sheets(media, board) if sheet is not None)
    return storyboard_of(board, there) if len(there) == board.sheets else None


def storyboard_of(board: Storyboard, sheets: tuple[SheetRecord, ...]) -> StoryboardReport:
    """Return what is published of a storyboard whose first sheets, or all, exist."""
    names = ("id", "folder", "width", "height", "columns", "rows", "interval")
    count = min(board.count, len(sheets) * board.tiles)
    return StoryboardReport(sheets=sheets, count=count, **{name: getattr(board, name) for name in names})


def forget_images(plan: Plan, media: Storage) -> None:
    """Remove all images of a plan: they are made anew."""
    if (board := plan.storyboard) is not None:
        for number in range(board.sheets):
            media.delete(sheet_record_key(board.id, number))
            media.delete(sheet_key(board.folder, number))
    media.delete(POSTER_RECORD)
    media.delete(PREVIEW_RECORD)


def remove_other_posters(media: Storage, kept: Poster | None, preview: Preview | None) -> None:
    """Remove the files of a poster that another one replaced, and a preview that is no longer wanted."""
    keys = {still.key for still in kept.stills} if kept is not None else set()
    keys |= {preview.key} if preview is not None else set()
    for entry in [*media.list(POSTER)]:
        if entry.key not in keys and is_poster(entry.key):
            media.delete(entry.key)
    media.delete_folder(POSTER)


def missing_sheets(media: Storage, board: Storyboard) -> list[int]:
    """Return the numbers of the sheets of thumbnails that are not there."""
    return [number for number, sheet in enumerate(read_sheets(media, board)) if sheet is None]


def read_sheets(media: Storage, board: Storyboard) -> Iterator[SheetRecord | None]:
    """Yield for every sheet of thumbnails what `read_sheet` returns, with few requests."""
    keys = [sheet_record_key(board.id, number) for number in range(board.sheets)]
    records = [*media.get_many(keys)]
    sizes = {entry.key: entry.size for entry in media.list(board.folder)}
    for key, data in zip(keys, records, strict=True):
        found = parse_saved(SheetRecord, data, key) if data is not None else None
        yield found if found is not None and sizes.get(found.key) == found.size else None


def read_sheet(media: Storage, board: Storyboard, number: int) -> SheetRecord | None:
    """Return what is known of a sheet of thumbnails; ``None``: it is not there."""
    key = sheet_record_key(board.id, number)
    data = media.get(key)
    found = parse_saved(SheetRecord, data, key) if data is not None else None
    return found if found is not None and _is_there(media, found.key, found.size) else None


def _is_there(media: Storage, key: str, size: int) -> bool:
    there = media.stat(key)
    return there is not None and there.size == size


def _track(plan: Plan, name: str) -> VideoTrack:
    return next(track for track in plan.video if track.id == name)
