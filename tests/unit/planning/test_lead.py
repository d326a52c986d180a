"""How far a stream has to be ahead of its first viewer."""

from __future__ import annotations

import pytest

from streamify.planning.lead import Lead, is_short, may_be_alone


@pytest.mark.parametrize(("workers", "speed"), [(1, 1.25), (1, 1.5), (2, 1.5), (8, 1.5), (1, 4), (2, 4), (8, 4)])
def test_a_viewer_who_starts_with_the_first_segment_never_runs_out(workers: int, speed: float) -> None:
    """A machine that makes all rungs `speed` times as fast as they play, simulated: segments of 6 s, ten minutes.

    Until all rungs have caught up with the lowest one, it needs a lead of s/(s-1) times what a segment takes.
    """
    length, total, poll = 6.0, 100, 6.0
    whole = workers * length / speed  # seconds that one worker needs for a segment in all rungs
    alone = whole / 10
    free, reached, ahead = [0.0] * workers, 0, 0
    ready: dict[int, float] = {}
    since: float | None = None
    left = may_be_alone(total)
    todo = list(range(total))
    while todo:
        worker = free.index(min(free))
        now = free[worker]
        watched = now - since if since is not None and now > since else 0.0
        if left and reached < total and is_short(Lead(watched, reached * length, whole, poll)):
            free[worker] += alone
            ready[reached] = free[worker]
            if since is None:
                since = free[worker]
            left, ahead = left - 1, ahead + 1
        else:
            segment = todo.pop(0)
            free[worker] += whole
            ready.setdefault(segment, free[worker])
        while reached in ready:
            reached += 1
    assert since is not None
    late = [number for number, at in ready.items() if number and at + poll > since + number * length + poll]
    assert late == []
    assert ahead <= may_be_alone(total)


def test_few_segments_are_made_alone() -> None:
    assert [may_be_alone(segments) for segments in (1, 5, 30, 600)] == [2, 2, 6, 120]
