"""What a source says of its clock, for judging: the work grows with its packets, and not with their square."""

from __future__ import annotations

import pytest

from streamify.media.source.told import Copies


@pytest.mark.parametrize("again", [1, 50, 5000])
def test_copies_are_looked_for_once(again: int) -> None:
    """Each packet may begin a stretch that came before, up to the end of the file."""
    count = 10_000
    copies = Copies([0] * count, [number % again for number in range(count)])
    for at in range(1, count):
        copies.behind(0, at, 1, 1)
    assert count <= copies.looked <= 3 * count


def test_a_stretch_that_came_before_is_told_by_bytes_times_and_the_clock_behind_it() -> None:
    times = [*range(30), *range(20, 30), *range(30, 40)]
    assert Copies(times, times).behind(0, 30, 29, 1) == 10
    assert Copies(times, [*times[:30], *range(100, 120)]).behind(0, 30, 29, 1) == 0
    assert Copies([*times[:40], *range(130, 140)], times).behind(0, 30, 29, 1) == 0
    loop = [*range(10)] * 3
    assert Copies(loop, loop).behind(0, 10, 9, 1) == 0  # all of it over again
    assert Copies(times[20:50], times[20:50]).behind(0, 10, 29, 1) == 10  # behind which the clock goes on
