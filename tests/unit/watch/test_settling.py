"""When an upload counts as whole: the clock is a number that the test says."""

from __future__ import annotations

from streamify.watch.settling import Settling
from streamify.watch.uploads import Seen

WALL = 1_700_000_000.0


def seen(size: int, age: float = 0.0, key: str = "a.mp4") -> Seen:
    return Seen(key, size, f"{size}-{age}", WALL - age)


def test_what_grows_waits_until_it_stands_still() -> None:
    waiting = Settling(2, own_clock=True)
    for second in range(5):
        waiting.see(seen(second), second, WALL)
        assert list(waiting.settled(second)) == []
    waiting.see(seen(4), 5.9, WALL + 5.9)
    assert list(waiting.settled(5.9)) == []
    assert list(waiting.settled(6.0)) == [seen(4)]


def test_what_was_moved_here_whole_does_not_wait() -> None:
    waiting = Settling(2, own_clock=True)
    waiting.see(seen(9, age=2), 100, WALL)
    assert list(waiting.settled(100)) == [seen(9, age=2)]


def test_an_old_time_proves_nothing_where_another_clock_writes_it_or_once_it_was_seen_to_change() -> None:
    network = Settling(10, own_clock=False)
    network.see(seen(9, age=3600), 100, WALL)
    assert list(network.settled(109)) == []
    assert len(list(network.settled(110))) == 1
    here = Settling(2, own_clock=True)
    here.see(seen(8), 0, WALL)
    here.see(seen(9, age=3600), 1, WALL)  # as cp -p does at its end
    assert list(here.settled(2.5)) == []
    assert len(list(here.settled(3))) == 1


def test_a_time_of_change_in_the_future_does_not_hold_it_for_ever() -> None:
    waiting = Settling(2, own_clock=True)
    waiting.see(seen(9, age=-86_400), 0, WALL)
    assert list(waiting.settled(2)) != []


def test_somebody_who_writes_without_a_change_is_waited_for() -> None:
    waiting = Settling(2, own_clock=True)
    waiting.see(seen(9), 0, WALL)
    waiting.touch("a.mp4", 2)
    assert list(waiting.settled(3.9)) == []
    assert len(list(waiting.settled(4))) == 1


def test_what_is_gone_is_forgotten() -> None:
    waiting = Settling(0, own_clock=True)
    waiting.see(seen(9), 0, WALL)
    waiting.forget("a.mp4")
    assert list(waiting.settled(9)) == []
