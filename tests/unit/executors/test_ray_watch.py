"""A head that does not answer is gone after a while, whether it refuses, or lets a look last for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from types import SimpleNamespace

import pytest

from ray_table import NODES
from streamify.executors.ray import watch as watching
from streamify.executors.ray.news import Node
from streamify.executors.ray.watch import watch

LOOK = 0.01


def unseen(_: tuple[Node, ...]) -> None:
    pytest.fail("a look gave nodes")


@dataclass
class Clock:
    now: float = 0


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The head is lost when a test says so: on a busy machine a look may come late."""
    monkeypatch.setattr(watching, "LOOK", LOOK)
    clock = Clock()
    monkeypatch.setattr(watching, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_a_look_that_never_ends_is_not_waited_for(clock: Clock) -> None:
    never, looks, seen = Event(), list[int](), list[tuple[Node, ...]]()

    def look() -> tuple[Node, ...]:
        looks.append(1)
        if len(looks) > 1:
            clock.now += 21
            never.wait()
        return NODES

    def see(nodes: tuple[Node, ...]) -> None:
        seen.append(nodes)

    assert watch(look, (ConnectionError,), Event(), see) == "its head has not answered for 20 s"
    assert (len(looks), seen) == (2, [NODES])
    never.set()


def test_a_head_that_refuses_for_long_is_gone_and_its_last_error_says_why(clock: Clock) -> None:
    errors = (ConnectionError(f"refused {number}") for number in range(1000))

    def look() -> tuple[Node, ...]:
        clock.now += 5
        raise next(errors)

    found = watch(look, (ConnectionError,), Event(), unseen)
    assert isinstance(found, ConnectionError)
    assert str(found) != "refused 0"


def test_a_look_that_fails_by_a_timeout_of_its_own_is_followed_by_another() -> None:
    stop = Event()
    answers: Iterator[bool] = iter([False, True])

    def look() -> tuple[Node, ...]:
        if not next(answers):
            raise TimeoutError("timed out")
        return NODES

    assert watch(look, (ConnectionError,), stop, lambda _: stop.set()) is None
    assert next(answers, None) is None


def test_an_answer_in_between_is_enough() -> None:
    stop, seen = Event(), list[tuple[Node, ...]]()
    answers: Iterator[bool] = iter([False, False, True, False, True])

    def look() -> tuple[Node, ...]:
        if not next(answers):
            raise ConnectionError
        return NODES

    def see(nodes: tuple[Node, ...]) -> None:
        seen.append(nodes)
        if len(seen) == 2:
            stop.set()

    assert watch(look, (ConnectionError,), stop, see) is None
    assert seen == [NODES, NODES]


def test_an_error_of_another_kind_is_raised() -> None:
    def look() -> tuple[Node, ...]:
        raise KeyError("a fault of ours")

    with pytest.raises(KeyError):
        watch(look, (ConnectionError,), Event(), unseen)
