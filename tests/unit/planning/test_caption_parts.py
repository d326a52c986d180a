"""In how many parts the captions of a film are read."""

from __future__ import annotations

import pytest

from streamify.planning.words import caption_parts


@pytest.mark.parametrize(
    ("hours", "megabits", "parts"),
    [(0.01, 8, 1), (1, 8, 1), (2, 8, 2), (10, 8, 9), (10, 50, 33)],  # 9 CPU s for an hour of 8 Mbit/s
)
def test_each_takes_about_ten_seconds(hours: float, megabits: float, parts: int) -> None:
    assert caption_parts(round(hours * 600), round(hours * 3600 * megabits * 1e6 / 8)) == parts


def test_no_part_is_empty() -> None:
    assert caption_parts(1, 10**12) == 1
    assert caption_parts(7, 10**12) == 7
