"""Images of a stream that is being made, beside its other tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from plan_samples import plan, segments_of
from streamify.dest.layout import segment_key, sheet_key, sheet_record_key
from streamify.jobs.agenda import Agenda
from streamify.jobs.demands import Demands
from streamify.jobs.early_images import EarlyImages
from streamify.jobs.fanout import with_images
from streamify.jobs.images import missing_sheets, poster_task
from streamify.model.images import SheetRecord
from streamify.model.plan import Plan, Segment
from streamify.planning.agenda import Wanted
from streamify.planning.images import candidates, more_candidates
from streamify.storage.local import LocalStorage
from streamify.tasks.reach import reach_of


def sample() -> tuple[Plan, list[Segment], set[tuple[str, int]]]:
    """Return a plan, its segments, and what exists: the sound and the first segment of all rungs."""
    found, windows = plan(ladder="1080p,360p", segment_seconds=2, keyframe_seconds=2, thumbnails="1")
    segments = segments_of(windows)
    done = {(track.id, segment.index) for track in found.audio for segment in segments}
    return found, segments, done | {(track.id, 0) for track in found.video}


def images_of(
    found: Plan, segments: list[Segment], done: set[tuple[str, int]], dest: Path, **options: bool
) -> EarlyImages:
    borders = [*(segment.start for segment in segments), segments[-1].end]
    return EarlyImages(found, LocalStorage(dest), borders, done, **options)


@pytest.mark.parametrize("rungs", [1, 2])
def test_no_task_waits_behind_an_image_that_the_agenda_counts_as_given_out(rungs: int, tmp_path: Path) -> None:
    found, segments, done = sample()
    high, low = (track.id for track in found.video)
    if rungs == 1:  # the task makes the other rung alone
        done.add((low, 1))
    demands = Demands()
    agenda = Agenda(found, segments, done, 1, demands)
    tasks = with_images(agenda.rest(), images_of(found, segments, done, tmp_path))
    assert next(tasks).key == "image/poster-00001"
    demands.want(Wanted(high, 1))
    assert next(agenda.urgent(lambda _: False)).key == "video/00001/1080p"
    assert list(agenda.ranked()) == []
    left = [task.key for task in tasks if task.key.startswith("video/00001/")]
    assert left == (["video/00001/360p"] if rungs == 2 else [])


def test_no_poster_is_made_early_of_a_stream_that_replaces_another(tmp_path: Path) -> None:
    found, segments, done = sample()
    done = {(track.id, segment.index) for track in found.tracks for segment in segments[:-1]}
    both, sheets = (
        [task.key for task in images_of(found, segments, done, tmp_path, poster=poster).tasks()]
        for poster in (True, False)
    )
    assert [key for key in both if "poster" in key] == [f"image/poster-{len(segments) - 1:05d}"]
    assert sheets == [key for key in both if "poster" not in key]


def test_a_sheet_is_missing_without_its_record_or_with_a_file_of_another_size(tmp_path: Path) -> None:
    board = sample()[0].storyboard
    assert board is not None
    board, media = board.model_copy(update={"count": 4 * board.tiles}), LocalStorage(tmp_path)
    for number, size in ((0, 5), (1, 4), (2, 5)):
        record = SheetRecord(key=sheet_key(board.folder, number), size=5, sha256="")
        media.put(sheet_key(board.folder, number), b"x" * size)
        if number != 2:
            media.put(sheet_record_key(board.id, number), record.to_json())
    assert missing_sheets(media, board) == [1, 2, 3]


def test_a_poster_task_reaches_what_is_looked_at_where_no_candidate_serves() -> None:
    """In short segments that is more than the segments of its candidates."""
    found, segments, _ = sample()
    assert found.poster is not None
    borders = [*(segment.start for segment in segments), segments[-1].end]
    first, more = (among(found.poster, found.timeline, borders) for among in (candidates, more_candidates))
    task = poster_task(found, found.poster, first, more)
    assert {one.segment for one in more} > {one.segment for one in first}
    for track in (task.track, task.scout):
        assert {segment_key(track.folder, one.segment) for one in more} <= reach_of(task).reads
