"""Images of a stream that is being made: which are made while it is, and which of them exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from streamify.jobs.images import (
    POSTER_TASK,
    missing_sheets,
    poster_task,
    read_any_poster,
    read_poster,
    read_sheet,
    sheet_task,
    storyboard_of,
)
from streamify.jobs.publish import StreamView
from streamify.model.images import Poster, SheetRecord, StoryboardReport
from streamify.model.plan import Plan
from streamify.model.result import ImageResult, MediaResult
from streamify.model.task import PosterTask, SheetTask, Task
from streamify.planning.early_images import (
    SERVES,
    early_candidates,
    early_poster,
    is_poster_due,
    published_sheets,
    segments_for_sheet,
)
from streamify.planning.images import candidates, smallest
from streamify.planning.lead import OPENING
from streamify.storage.base import Storage


class EarlyImages:
    """Gives out the images that can be made of a stream by now.

    A sheet of thumbnails is made once its segments exist. A poster of the whole film is made at its end, unless its
    time was given; until then one is chosen from what exists, and chosen again as that grows. What fails is made at the
    end, with all that is missing then.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        borders: Starts of the segments and the end of the last, output ticks.
        done: (track, segment) of everything that exists.
        poster: Whether posters are made, too: their files have the same names for every stream at DEST.
    """

    def __init__(
        self,
        plan: Plan,
        media: Storage,
        borders: Sequence[int],
        done: Iterable[tuple[str, int]],
        *,
        poster: bool = True,
    ) -> None:
        self._plan, self._borders = plan, borders
        board = plan.storyboard
        self._sheets = iter(missing_sheets(media, board) if board is not None else [])
        self._sheet = next(self._sheets, None)
        self._poster = plan.poster if poster and read_poster(plan, media) is None else None
        self._tracks = {track.id: 0 for track in plan.video}  # segments from the start on, none of them missing
        self._made = {(track, segment) for track, segment in done if track in self._tracks}
        self._tried, self._serves = 0, False
        self._advance()

    def made(self, result: MediaResult | ImageResult) -> None:
        """Take note of what a task made."""
        if isinstance(result, ImageResult):
            self._serves = self._serves or (result.made and result.key.startswith(POSTER_TASK))
            return
        self._made.update((one.track, one.segment) for one in result.records if one.track in self._tracks)
        self._advance()

    def tasks(self) -> Iterator[Task]:
        """Yield the tasks of what can be made by now, each once."""
        early = {"certified": False, "priority": OPENING}
        yield from (task.model_copy(update=early) for task in self._ready_sheets())
        yield from (task.model_copy(update=early) for task in self._ready_poster())

    def _advance(self) -> None:
        for track in self._tracks:
            while (track, self._tracks[track]) in self._made:
                self._made.remove((track, self._tracks[track]))
                self._tracks[track] += 1

    def _ready_sheets(self) -> Iterator[SheetTask]:
        plan, board = self._plan, self._plan.storyboard
        while board is not None and self._sheet is not None:
            if self._tracks[board.track] < segments_for_sheet(board, plan.timeline, self._borders, self._sheet):
                return
            yield sheet_task(plan, board, self._borders, self._sheet)
            self._sheet = next(self._sheets, None)

    def _ready_poster(self) -> Iterator[PosterTask]:
        plan, wanted = self._plan, self._poster
        if wanted is None:
            return
        there = min(self._tracks[wanted.track], self._tracks[smallest(plan.video).id])
        if wanted.at is not None:
            found = candidates(wanted, plan.timeline, self._borders)
            if found[0].segment < there:
                self._poster = None
                yield poster_task(plan, wanted, found)
        elif there < plan.segments and is_poster_due(there, self._tried, serves=self._serves):
            self._tried = there
            chosen_from = early_candidates(plan.timeline, self._borders, there)
            early = {"key": f"{POSTER_TASK}-{there:05d}", "least": SERVES}
            yield poster_task(plan, early_poster(wanted, there), chosen_from).model_copy(update=early)


class MadeImages:
    """The images of a stream that exist while it is made: a poster, and the first sheets of thumbnails.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
    """

    def __init__(self, plan: Plan, media: Storage) -> None:
        self._plan, self._media = plan, media
        self._sheets: list[SheetRecord] = []
        self.poster: Poster | None = None
        """The one of the whole film, or one of what exists of it."""

    def look(self) -> bool:
        """Look at what exists by now; return whether that is other than before. Two requests, where nothing is new."""
        before = (self.poster, len(self._sheets))
        self.poster = read_any_poster(self._plan, self._media, self.poster)
        board = self._plan.storyboard
        while board is not None and len(self._sheets) < board.sheets:
            sheet = read_sheet(self._media, board, len(self._sheets))
            if sheet is None:
                break
            self._sheets.append(sheet)
        return before != (self.poster, len(self._sheets))

    def storyboard(self, until: Fraction | None = None) -> StoryboardReport | None:
        """Return what can be published of the thumbnails, of a stream that goes as far as `until` (seconds)."""
        board, count = self._plan.storyboard, len(self._sheets)
        if board is None:
            return None
        named = published_sheets(board, count, until) if until is not None else count
        return storyboard_of(board, tuple(self._sheets[:named])) if named else None

    def shown(self, view: StreamView) -> StreamView:
        """Return a view of a whole stream with the thumbnails that exist."""
        board = self._plan.storyboard
        illustrated = board is None or len(self._sheets) == board.sheets
        return replace(view, thumbnails=self.storyboard(), illustrated=illustrated)

    def told(self) -> dict[str, Any]:
        """Return what pages are told: the key of the poster and which one it is, and how many sheets there are."""
        stills = self.poster.stills if self.poster is not None else ()
        still = next((one.key for one in stills if one.type == "image/jpeg" and one.width <= 1280), None)
        version = self.poster.id if self.poster is not None else None
        return {"poster": still, "version": version, "sheets": len(self._sheets)}
