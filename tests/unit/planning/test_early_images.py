"""Which images of a stream that is being made can be made by now."""

from __future__ import annotations

from fractions import Fraction

import pytest

from streamify.model.images import PosterPlan, Storyboard
from streamify.model.plan import Timeline
from streamify.planning.early_images import (
    early_candidates,
    early_poster,
    is_early_poster,
    is_poster_due,
    published_sheets,
    segments_for_sheet,
)

TIMELINE = Timeline(time_base=Fraction(1, 25), origin=0, timescale=25, frame_duration=1, end=100 * 25)
BORDERS = [*range(0, 100 * 25, 6 * 25), 100 * 25]
BOARD = Storyboard(
    id="b", track="t", width=16, height=16, columns=5, rows=5, interval=Fraction(1), count=100
)  # fmt: skip


@pytest.mark.parametrize(("sheet", "segments"), [(0, 5), (1, 9), (2, 13), (3, 17)])
def test_a_sheet_needs_the_segments_up_to_its_last_thumbnail(sheet: int, segments: int) -> None:
    # Of 25 thumbnails from 0 s on the last shows 24 s, with which the fifth segment of 6 s begins.
    assert segments_for_sheet(BOARD, TIMELINE, BORDERS, sheet) == segments


def test_a_poster_is_chosen_with_the_first_segment_and_again_as_the_stream_grows() -> None:
    def tries(serves: bool) -> list[int]:
        found, tried = [], 0
        for segments in range(1, 100):
            if is_poster_due(segments, tried, serves=serves):
                tried = segments
                found.append(segments)
        return found

    assert tries(serves=False) == [1, 2, 4, 8, 16, 32, 64]
    assert tries(serves=True) == [1, 8, 64]
    assert not is_poster_due(0, 0, serves=False)


def test_candidates_are_spread_over_what_exists() -> None:
    found = early_candidates(TIMELINE, BORDERS, 2)
    assert [one.at for one in found] == [18, 56, 93, 131, 168, 206, 243, 281]  # (2n + 1) / 16 of 12 s, 25 a second
    assert [one.segment for one in found] == [0, 0, 0, 0, 1, 1, 1, 1]
    keyframes = TIMELINE.model_copy(update={"keyframe_frames": 50})
    assert [one.at for one in early_candidates(keyframes, BORDERS, 2)] == [0, 50, 100, 150, 200, 250]
    assert [one.at for one in early_candidates(keyframes, BORDERS, 1)] == [0, 50, 100]
    # A first segment of 2 s has one keyframe: its pictures, at (2n + 1) / 16 of 2 s
    assert [one.at for one in early_candidates(keyframes, [0, 50, 150], 1)] == [3, 9, 15, 21, 28, 34, 40, 46]
    assert len(early_candidates(TIMELINE.model_copy(update={"end": 1}), [0, 1], 1)) == 1


def test_an_early_poster_is_never_taken_for_the_last_one() -> None:
    plan = PosterPlan(id="01234567", track="t", at=None, sizes=((16, 16),))
    assert early_poster(plan, 4).id != plan.id
    assert is_early_poster(plan, early_poster(plan, 4).id)
    assert not is_early_poster(plan, plan.id)
    assert not is_early_poster(plan, "76543210-4")


@pytest.mark.parametrize(("made", "until", "named"), [(0, 99, 0), (2, 24, 0), (2, 25, 1), (2, 60, 2), (4, 99, 3)])
def test_no_sheet_goes_further_than_what_is_published(made: int, until: int, named: int) -> None:
    assert published_sheets(BOARD, made, Fraction(until)) == named
