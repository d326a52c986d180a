"""Which jobs get workers, and how many: expected values by hand; line and leases over a store in memory."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from obstore.store import MemoryStore

from streamify.backends.aws.functions import handlers, turn
from streamify.backends.aws.functions import turns as module
from streamify.backends.aws.functions.observe import Watch
from streamify.backends.aws.functions.turns import Ask, Turns
from streamify.backends.aws.shares import Lease, fits, shares, slot, workers_of
from streamify.errors import DestinationError
from streamify.storage.objects import ObjectStorage


def lease(tasks: int) -> Lease:
    return Lease(run="r", execution="e", tasks=tasks, seen=0)


@pytest.mark.parametrize(("quota", "workers"), [(1000, 900), (10, 9), (15, 13), (2, 1), (1, 1), (10_000, 9_000)])
def test_a_tenth_of_the_account_is_left_to_others(quota: int, workers: int) -> None:
    assert workers_of(quota) == workers


@pytest.mark.parametrize(
    ("tasks", "workers", "expected"),
    [
        ([2400], 900, [900]),
        ([2400, 2400], 900, [450, 450]),
        ([2400, 41, 2400], 900, [430, 41, 429]),  # what a small job does not need, large ones have
        ([1, 1, 1], 2, [1, 1, 1]),  # a job that has its turn always has a worker
        ([100, 300, 700], 900, [100, 300, 500]),
        ([], 900, []),
    ],
)
def test_workers_are_shared_evenly_up_to_what_each_job_can_use(
    tasks: list[int], workers: int, expected: list[int]
) -> None:
    found = shares(tasks, workers)
    assert sorted(found) == sorted(expected)
    assert sum(found) <= max(workers, len(tasks))
    assert all(share <= most for share, most in zip(found, tasks, strict=True))


def test_small_jobs_wait_only_for_small_ones() -> None:
    assert slot(900, 10) == 90
    large = [lease(2400)] * 10
    assert fits(large[:9], 2400, 900, 10)
    assert not fits(large, 2400, 900, 10)
    assert fits(large, 41, 900, 10)
    small = [lease(45)] * 19
    assert fits([*large, *small], 45, 900, 10)  # 20 x 45 = 900
    assert not fits([*large, *small], 46, 900, 10)
    assert fits([], 2400, 1, 10)  # however few workers there are, one job runs


class Machine:
    """Step Functions as far as the line needs it; `deployed/test_turns.py` has the real calls."""

    def __init__(self) -> None:
        self.ended: set[str] = set()
        self.mapless: set[str] = set()
        self.told: dict[str, int] = {}
        self.answers: list[tuple[str, int]] = []
        self.asked = 0

    def runs(self, execution: str) -> bool:
        self.asked += 1
        return execution not in self.ended

    def answer(self, token: str, workers: int) -> bool:
        if token in self.ended:
            return False
        self.answers.append((token, workers))
        self.told[token] = workers
        return True

    def resize(self, execution: str, workers: int) -> bool:
        if execution in self.mapless:
            self.mapless.discard(execution)
            return False
        self.told[execution] = workers
        return True


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(module, "PAUSE", 0)
    return Machine()


@pytest.fixture
def line(machine: Machine) -> Turns:
    return Turns(ObjectStorage(MemoryStore(), "media"), machine, workers=900, jobs=3, most=1000)


order = itertools.count()


def ask(name: str, tasks: int = 2400, **fields: Any) -> Ask:
    started = f"2026-11-26T10:00:00.{next(order):06d}Z"
    return Ask.model_validate(
        {"run": name, "execution": name, "started": started, "tasks": tasks, "token": name} | fields
    )


def test_a_job_alone_has_all_workers_and_gives_half_of_them_to_the_next(line: Turns, machine: Machine) -> None:
    line.ask(ask("a"))
    assert machine.answers == [("a", 900)]
    line.ask(ask("b"))
    assert machine.told == {"a": 450, "b": 450}
    line.end("a")
    assert machine.told["b"] == 900


def test_jobs_get_their_turn_in_the_order_in_which_they_started(line: Turns, machine: Machine) -> None:
    first, *others = [ask(name) for name in "abcdefg"]
    for one in (first, *reversed(others)):  # the last one asks before the others
        line.ask(one)
    assert [name for name, _ in machine.answers] == ["a", "g", "f"]
    line.end("a")
    line.end("g")
    assert [name for name, _ in machine.answers] == ["a", "g", "f", "b", "c"]
    assert machine.told["f"] == machine.told["c"] == 300


def test_a_small_job_is_not_behind_long_ones(line: Turns, machine: Machine) -> None:
    for name in "abcde":
        line.ask(ask(name))
    line.ask(ask("small", tasks=41))
    assert machine.answers[-1] == ("small", 41)
    assert sum(machine.told[name] for name in ("a", "b", "c", "small")) <= 900


def test_a_job_that_asks_again_gets_the_same_answer(line: Turns, machine: Machine) -> None:
    line.ask(ask("a"))
    line.ask(ask("a", token="another"))
    assert machine.answers == [("a", 900), ("another", 900)]
    for name in "bcd":
        line.ask(ask(name))
    waiting = ask("e")
    line.ask(waiting)
    line.ask(waiting.model_copy(update={"token": "e2"}))  # while it waits: one place in the line, with the new token
    for name in "abc":
        line.end(name)
    assert [name for name, _ in machine.answers][-2:] == ["d", "e2"]


def test_a_call_that_is_lost_before_it_answers_leaves_no_second_place_in_the_line(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease was written; the place in the line would give workers to the job once more when it needs none."""
    media = ObjectStorage(MemoryStore(), "media")
    line = Turns(media, machine, workers=900, jobs=3, most=1000)
    asked = ask("a")
    with monkeypatch.context() as patch:
        patch.setattr(media, "delete", lost)
        with pytest.raises(DestinationError):
            line.ask(asked)
    line.ask(asked.model_copy(update={"token": "a2"}))
    line.end("a")
    line.ask(ask("b"))
    assert machine.answers == [("a2", 900), ("b", 900)]


def lost(key: str) -> None:
    raise DestinationError("storage-unreachable", "connection lost")


def test_a_job_that_was_ended_while_it_waited_holds_nothing(line: Turns, machine: Machine) -> None:
    for name in "abcde":
        line.ask(ask(name))
    machine.ended.add("d")
    line.end("a")
    assert machine.answers[-1][0] == "e"
    line.end("b")
    line.end("c")
    assert machine.told["e"] == 900


def test_workers_of_a_job_that_ended_without_a_word_come_back(
    line: Turns, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abcd":
        line.ask(ask(name))
    machine.ended.add("b")
    assert machine.asked == 0  # nobody asks for jobs that have just got their turn
    monkeypatch.setattr(module, "SEEN", -1)
    line.ask(ask("e"))
    assert [name for name, _ in machine.answers] == ["a", "b", "c", "d"]
    line.end("a")
    assert machine.answers[-1][0] == "e"


def test_a_job_whose_map_has_not_begun_is_told_its_share_later(line: Turns, machine: Machine) -> None:
    machine.mapless.add("a")
    line.ask(ask("a"))
    line.ask(ask("b"))
    assert machine.told == {"a": 450, "b": 450}


def test_no_job_has_more_workers_than_max_concurrency(machine: Machine) -> None:
    line = Turns(ObjectStorage(MemoryStore(), "media"), machine, workers=900, jobs=3, most=2)
    line.ask(ask("a"))
    assert machine.answers == [("a", 2)]


@pytest.mark.parametrize("event", [{"ended": "a"}, {"detail": {"executionArn": "arn:aws:states:r:1:execution:x:a"}}])
def test_a_run_that_has_ended_is_named_in_the_log(
    event: dict[str, Any], line: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(handlers, "watch", lambda: Watch(lambda: 0, lines.append))
    monkeypatch.setattr(handlers, "turns", lambda: line)
    handlers.turn(event, None)
    (told,) = map(json.loads, lines)
    assert (told["message"], told["run"], told["outcome"]) == ("turn", "a", "done")


def test_a_quota_that_nobody_tells_is_named_with_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a VPC without an endpoint of Lambda the function ended after a minute, without a reason."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(DestinationError) as caught:
        turn._quota()
    assert (caught.value.code, caught.value.transient) == ("aws-no-endpoint", False)
    assert "Transcoders" in caught.value.hint
