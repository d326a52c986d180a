"""Nodes of a cluster that answer no more; the cluster is a table in memory."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from ray_table import LARGE, NODES, Bench, Table, card, done
from streamify.executors.ray import asking, dispatch
from streamify.executors.ray.news import Asked, Ended, Lost, Node
from streamify.machine.limits import GIB
from streamify.planning.stragglers import Usual

pytestmark = pytest.mark.usefixtures("sound_by_key")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Table(nodes=NODES))


def silent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what waits in Ray's queue wait for too long."""
    now = time.monotonic() + asking.LATE
    monkeypatch.setattr(time, "monotonic", lambda: now)
    bench.happens()


def test_a_task_on_a_node_that_counts_as_dead_is_tried_again_though_ray_says_nothing_of_it(bench: Bench) -> None:
    future = bench.submit("echo:1")
    bench.happens()
    bench.happens(Asked(1, card(node="m", host="node-2")))
    bench.table.nodes = NODES[:1]
    bench.happens()
    assert bench.table.forgotten == [1]
    assert [(one.outcome, one.failure.code if one.failure else "") for one in future.attempts] == [
        ("retried", "node-lost")
    ]
    bench.happens(Asked(2, card()), done(2, "echo:1"))
    assert future.result(timeout=0).key == "echo:1"
    bench.happens(done(1, "echo:1"))  # the node was only cut off
    assert bench.pending.finished


def test_what_waits_in_rays_queue_is_asked_for_anew_once_a_node_is_dead(bench: Bench) -> None:
    futures = [bench.submit(f"echo:{number}") for number in range(8)]
    bench.happens()
    bench.happens(Asked(1, card()), Asked(2, card(node="m")))
    bench.table.nodes = NODES[:1]
    bench.happens()
    assert bench.table.forgotten == [2, 3, 4, 5, 6, 7, 8]
    assert list(bench.table.asked)[8:] == [9, 10, 11]  # with the one that runs, twice what is there
    for number in range(9, 20):
        bench.happens(Asked(number, card()), *([done(1, "echo:0")] if number == 9 else []))
        key = bench.table.given.get(number)
        if key is not None:
            bench.happens(done(number, key))
    assert all(future.done() for future in futures)


def test_a_process_that_asks_in_a_place_that_is_forgotten_has_nothing_to_do(bench: Bench) -> None:
    bench.submit("echo:1")
    bench.happens()
    bench.table.nodes = NODES[:1]
    bench.happens()
    bench.happens(Asked(1, card(node="m")), Ended(1, None))
    assert bench.table.given == {1: None}
    bench.happens(Asked(2, card()))
    assert bench.table.given[2] == "echo:1"


def test_the_end_of_one_node_is_no_sign_that_none_can_start(bench: Bench) -> None:
    bench.table.nodes = tuple(Node(f"n{number}", f"n{number}", 1, 4 * GIB) for number in range(dispatch.STARTS + 2))
    future = bench.submit("echo:1")
    for _ in range(dispatch.STARTS + 1):
        bench.happens()
        bench.table.nodes = bench.table.nodes[1:]
    bench.happens()
    assert not future.done()


def test_a_node_that_has_room_is_asked_by_its_name_where_ray_gives_no_place_for_long(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        bench.submit(f"echo:{number}")
    bench.happens()
    bench.happens(Asked(1, card()))
    assert bench.table.pinned == {}
    silent(bench, monkeypatch)
    assert Counter(bench.table.pinned.values()) == {"n": 1, "m": 2}  # each has two places, and one of them is taken
    [number] = [number for number, node in bench.table.pinned.items() if node == "n"]
    bench.happens(Asked(number, card()), done(1, "echo:0"))
    assert bench.table.given[number] == "echo:1"
    assert Counter(bench.table.pinned.values()) == {"n": 2, "m": 2}


def test_no_node_is_asked_by_its_name_while_places_come_or_nothing_waits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.submit("echo:0")
    bench.happens()
    assert bench.dispatcher._asking.longest_wait() <= asking.LATE
    bench.happens(Asked(1, card()))
    silent(bench, monkeypatch)
    bench.table.nodes = NODES[:1]
    bench.submit("echo:1")
    bench.happens()
    bench.happens()
    assert bench.table.pinned == {}  # Ray has no choice


def test_large_tasks_and_sound_are_asked_for_only_where_they_may_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, Table(nodes=tuple(Node(name, name, 1, GIB) for name in ("old", "new", "third"))))
    old, new = card(node="old", features=("avx",)), card(node="new", features=("avx2",))
    bench.submit("sound:0")
    bench.submit("echo:0")
    bench.happens()
    bench.happens(Asked(1, new), Asked(2, old), done(2, "echo:0"))
    bench.submit("large", LARGE)
    bench.submit("sound:1")
    bench.happens()
    silent(bench, monkeypatch)
    bench.happens(done(1, "sound:0"))
    assert set(bench.table.pinned.values()) == {"new", "third"}  # of another kind, and one whose kind is not known


def test_never_more_tasks_run_than_the_settings_allow_when_late_places_come_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, Table(nodes=NODES), workers=2)
    for number in range(6):
        bench.submit(f"echo:{number}")
    bench.happens()
    silent(bench, monkeypatch)
    assert list(bench.table.pinned) == [3, 4]
    bench.happens(*(Asked(number, card()) for number in (3, 4, 1)))
    assert bench.table.given == {3: "echo:0", 4: "echo:1", 1: None}
    bench.happens(Lost(1, "worker-exited", "it ended"), done(3, "echo:0"), Asked(2, card()))
    assert bench.table.given[2] == "echo:2"


def test_a_task_with_a_second_attempt_goes_on_when_the_node_of_the_first_is_dead(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = bench.submit("echo:1")
    bench.happens()
    bench.happens(Asked(1, card(node="m", host="node-2")))
    monkeypatch.setattr(Usual, "limit", lambda *_: 0.0)
    bench.happens()
    assert bench.table.pinned == {2: "n"}
    bench.happens(Asked(2, card()))
    bench.table.nodes = NODES[:1]
    bench.happens(done(2, "echo:1"))
    assert future.result(timeout=0).key == "echo:1"
    assert [(one.outcome, one.number) for one in future.attempts] == [("cancelled", 1), ("finished", 2)]


def test_a_second_attempt_that_waits_for_a_dead_node_is_asked_for_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = Node("k", "node-3", 2, 4 * GIB)
    bench.submit("echo:1")
    bench.happens()
    bench.happens(Asked(1, card()))
    monkeypatch.setattr(Usual, "limit", lambda *_: 0.0)
    bench.happens()
    bench.table.nodes = (NODES[0], third)
    bench.happens()
    assert bench.table.pinned == {2: "m", 3: "k"}
