"""The order of tasks: everything once, one decode for all renditions, threads where cores would idle."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.planning.schedule import Group, schedule

ALL = (0, 1, 2, 3)


def len_of(segment: int) -> int:
    """All segments are equal."""
    return 1


def test_one_worker_needs_no_threads() -> None:
    missing = [(index, ALL) for index in range(5)]
    assert list(schedule(missing, 1, len_of)) == [Group(index, ALL, 1) for index in range(5)]


@pytest.mark.parametrize("workers", [2, 3, 4, 8])
@pytest.mark.parametrize("segments", [3, 5, 7, 16, 33])
def test_the_last_segments_get_threads(segments: int, workers: int) -> None:
    groups = list(schedule([(index, ALL) for index in range(segments)], workers, len_of))
    assert [group.segment for group in groups] == list(range(segments))
    tail = min(segments, workers)
    assert [group.threads for group in groups] == [1] * (segments - tail) + [4] * tail


def test_the_tail_starts_with_the_dearest() -> None:
    costs = [9, 9, 1, 5, 3, 7]
    groups = list(schedule([(index, ALL) for index in range(6)], 2, costs.__getitem__))
    assert [(group.segment, group.threads) for group in groups] == [(0, 1), (1, 1), (5, 1), (3, 1), (4, 4), (2, 4)]


def test_nothing_to_do() -> None:
    assert list(schedule([], 4, len_of)) == []


@given(missing=st.lists(st.sets(st.integers(0, 3), min_size=1), max_size=40), workers=st.integers(1, 16))
def test_everything_once(missing: list[set[int]], workers: int) -> None:
    wanted = [(index * 3, tuple(sorted(one))) for index, one in enumerate(missing)]
    found = list(schedule(wanted, workers, len_of))
    made = Counter((group.segment, one) for group in found for one in group.renditions)
    assert set(made) == {(index, one) for index, renditions in wanted for one in renditions}
    assert set(made.values()) <= {1}
