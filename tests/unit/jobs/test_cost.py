"""How much of a job is done, by length."""

from __future__ import annotations

import pytest

from plan_samples import plan
from streamify.jobs.cost import share_done


def test_shorter_segments_at_the_start_count_by_their_length() -> None:
    found, windows = plan(ladder="360p")
    assert len(windows) == 4  # 2, 4, 6 and, counted as a whole one, 2 s
    [track] = found.video
    shares = [share_done(found, {track.id: count}) for count in range(5)]
    assert shares == pytest.approx([0, 2 / 18, 6 / 18, 12 / 18, 1])


def test_segments_that_are_alike_count_the_same() -> None:
    found, _ = plan(ladder="360p", short_start=False)
    assert share_done(found, {found.video[0].id: 1}) == pytest.approx(1 / 3)
