"""Demands: shared by viewers, bounded, answered once the segment exists."""

from __future__ import annotations

import pytest

from streamify.errors import SourceError
from streamify.jobs.demands import LONGEST_QUEUE, MOST_OF_ONE, Demands, TooManyDemands
from streamify.planning.agenda import Wanted

FIRST, SECOND = Wanted("v", 0), Wanted("v", 1)


def test_a_demand_is_handed_over_once_and_answered_to_all_who_wait() -> None:
    demands = Demands()
    futures = [demands.want(FIRST), demands.want(FIRST), demands.want(SECOND)]
    assert demands.news.done()
    assert demands.take(9) == (FIRST, SECOND)
    assert not demands.news.done()
    assert demands.take(9) == ()
    demands.made([FIRST])
    assert [future.done() for future in futures] == [True, True, False]
    assert demands.want(FIRST).done()
    assert not demands.news.done()  # it exists: nothing to do


def test_what_there_is_no_room_for_waits() -> None:
    demands = Demands()
    for wanted in (FIRST, SECOND):
        demands.want(wanted)
    assert demands.take(1) == (FIRST,)
    assert demands.news.done()
    assert demands.take(0) == ()
    assert demands.take(1) == (SECOND,)
    assert not demands.news.done()


def test_what_the_last_viewer_left_is_told_of_once() -> None:
    demands = Demands()
    futures = [demands.want(FIRST), demands.want(FIRST), demands.want(SECOND)]
    demands.take(9)
    demands.leave(FIRST, futures[0])
    assert not demands.news.done()
    demands.leave(FIRST, futures[1])
    assert demands.news.done()
    assert demands.let_go() == {FIRST}
    assert not demands.news.done()
    assert demands.let_go() == set()
    demands.leave(SECOND, futures[2])
    demands.want(SECOND)
    assert demands.let_go() == set()  # another one waits for it
    demands.made([SECOND])
    demands.leave(SECOND, futures[2])
    assert demands.let_go() == set()


def test_what_its_only_viewer_left_is_not_handed_over() -> None:
    demands = Demands()
    futures = [demands.want(FIRST), demands.want(SECOND), demands.want(SECOND)]
    demands.leave(FIRST, futures[0])
    demands.leave(SECOND, futures[1])
    assert demands.take(9) == (SECOND,)
    demands.made([FIRST, SECOND])
    assert [future.done() for future in futures] == [False, False, True]


def test_a_failure_is_told_and_the_next_demand_is_handed_over_again() -> None:
    demands = Demands()
    future = demands.want(FIRST)
    demands.take(9)
    demands.failed([FIRST], SourceError("broken", "the source is broken"))
    assert isinstance(future.exception(), SourceError)
    assert not demands.want(FIRST).done()
    assert demands.take(9) == (FIRST,)


def test_the_queue_is_bounded_but_not_for_what_is_in_it() -> None:
    demands = Demands()
    for number in range(LONGEST_QUEUE):
        demands.want(Wanted("v", number), f"viewer {number}")
    with pytest.raises(TooManyDemands):
        demands.want(Wanted("v", LONGEST_QUEUE))
    demands.want(FIRST)
    demands.made([SECOND])
    demands.want(Wanted("v", LONGEST_QUEUE))


def test_one_viewer_leaves_room_for_others_and_viewers_take_turns() -> None:
    demands = Demands()
    futures = [demands.want(Wanted("v", number), "greedy") for number in range(MOST_OF_ONE)]
    with pytest.raises(TooManyDemands):
        demands.want(Wanted("v", 99), "greedy")
    demands.want(Wanted("a", 7), "modest")
    demands.want(Wanted("a", 8), "modest")
    demands.want(Wanted("v", 1), "modest")  # which somebody else waits for: it costs no place
    assert demands.take(3) == (FIRST, Wanted("a", 7), SECOND)
    assert demands.take(2) == (Wanted("a", 8), Wanted("v", 2))
    demands.leave(Wanted("v", 3), futures[3])
    demands.want(Wanted("v", 99), "greedy")
    assert demands.take(1) == (Wanted("v", 4),)


def test_the_end_of_the_job_answers_everybody() -> None:
    demands = Demands()
    future = demands.want(FIRST)
    demands.made([SECOND])
    demands.close(SourceError("broken", "the source is broken"))
    assert isinstance(future.exception(), SourceError)
    assert isinstance(demands.want(FIRST).exception(), SourceError)
    assert demands.want(SECOND).exception() is None
