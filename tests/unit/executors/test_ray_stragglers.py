"""Second attempts of tasks that take much longer than their kind; the cluster is a table in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from ray_table import LARGE, NODES, USAGE, Bench, card, done, failure
from streamify.errors import Failure
from streamify.executors.base import TaskFuture
from streamify.executors.ray import asking, dispatch
from streamify.executors.ray.news import Asked, Ended, Lost, Node
from streamify.executors.ray.parcel import packed
from streamify.executors.wire import Failed
from streamify.machine.limits import GIB
from streamify.planning import stragglers

pytestmark = pytest.mark.usefixtures("sound_by_key")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every task count as a straggler from its first moment, once three of its kind are done."""
    monkeypatch.setattr(stragglers, "FACTOR", 0.0)
    monkeypatch.setattr(stragglers, "LEAST", -1e9)


def late(bench: Bench, monkeypatch: pytest.MonkeyPatch, key: str = "video/00003/a", **other: object) -> TaskFuture:
    """Return a task that takes long: three of its kind are done, it runs on the first node, place 5 is asked for."""
    at_once(monkeypatch)
    bench.table.nodes = NODES
    kind = key.replace("00003", "{:05d}")
    futures = [bench.submit(kind.format(number)) for number in range(4)]
    bench.happens()
    assert len(bench.table.asked) == 4
    first = Asked(4, card())
    bench.happens(*(Asked(number, card(node="m", host="node-2", **other)) for number in range(1, 4)), first)
    bench.happens(*(done(number, kind.format(number - 1)) for number in range(1, 4)))
    assert [future.done() for future in futures] == [True, True, True, False]
    return futures[3]


def twice(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> TaskFuture:
    """Return a task that takes long and has its second attempt on the other node."""
    future = late(bench, monkeypatch)
    bench.happens(Asked(5, card(node="m", host="node-2", pid=8)))
    return future


def test_a_straggler_is_begun_again_on_another_node_and_the_first_to_end_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = late(bench, monkeypatch)
    assert bench.table.pinned == {5: "m"}
    bench.happens(Asked(5, card(node="m", host="node-2", pid=8)))
    assert bench.table.given[5] == "video/00003/a"
    bench.happens(done(5, "video/00003/a"))
    assert future.result(timeout=0).key == "video/00003/a"
    assert 4 in bench.table.cut
    assert [(one.worker, one.number, one.second, one.outcome) for one in future.attempts] == [
        ("node-1:7", 1, False, "cancelled"), ("node-2:8", 2, True, "finished"),
    ]  # fmt: skip
    bench.happens(done(4, "video/00003/a"))  # it comes too late
    assert bench.pending.finished
    started = [event for event in bench.events if event.kind == "task.started" and event.task == "video/00003/a"]
    assert [event.data.get("second", False) for event in started] == [False, True]


def test_a_straggler_that_ends_first_cuts_its_second_attempt_off(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    future = twice(bench, monkeypatch)
    bench.happens(done(4, "video/00003/a"))
    assert future.result(timeout=0).key == "video/00003/a"
    assert 5 in bench.table.cut
    assert [one.outcome for one in future.attempts] == ["cancelled", "finished"]
    bench.happens(Lost(5, "worker-exited", "cut off"))
    assert bench.pending.finished


def test_a_second_attempt_that_gets_its_place_too_late_is_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    future = late(bench, monkeypatch)
    bench.happens(done(4, "video/00003/a"))
    assert 5 in bench.table.cut  # it waits in Ray's queue no longer
    bench.submit("other/00000/a")
    bench.happens(Asked(5, card(node="m", host="node-2", pid=8)))
    assert bench.table.given[5] is None  # it is being ended
    assert len(future.attempts) == 1


@pytest.mark.parametrize("lost", [4, 5])
def test_where_one_of_two_attempts_is_lost_the_other_goes_on(
    lost: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = twice(bench, monkeypatch)
    bench.happens(Lost(lost, "node-lost", "the node is gone"))
    assert not future.done()
    told = [(event.kind, event.attempt) for event in bench.events if event.task == "video/00003/a"]
    assert told[-1] == ("task.retried", lost - 3)
    assert len(bench.table.asked) == 5  # nobody asks for a third
    bench.happens(done(9 - lost, "video/00003/a"))
    assert future.result(timeout=0).key == "video/00003/a"
    outcomes = {one.worker: (one.outcome, one.second, one.failure is not None) for one in future.attempts}
    names = {4: "node-1:7", 5: "node-2:8"}
    assert outcomes == {
        names[lost]: ("cancelled", lost == 5, True), names[9 - lost]: ("finished", lost == 4, False),
    }  # fmt: skip
    assert bench.pending.finished


@pytest.mark.parametrize("order", [(4, 5), (5, 4)])
def test_where_both_attempts_are_lost_the_task_is_tried_again(
    order: tuple[int, int], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = twice(bench, monkeypatch)
    bench.happens(*(Lost(number, "node-lost", "gone") for number in order))
    bench.happens(Asked(6, card()))
    bench.happens(done(6, "video/00003/a"))
    assert future.result(timeout=0).key == "video/00003/a"
    assert [(one.number, one.second, one.outcome) for one in future.attempts] == [
        (order[0] - 3, order[0] == 5, "cancelled"), (order[1] - 3, order[1] == 5, "retried"), (3, False, "finished"),
    ]  # fmt: skip


@pytest.mark.parametrize("place", [4, 5])
def test_an_error_of_the_task_itself_ends_both_attempts(
    place: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = twice(bench, monkeypatch)
    found = Failure("video/00003/a", "no-video", "the source has no video", exit_code=3)
    bench.happens(Ended(place, packed(Failed(failure=found, usage=USAGE))))
    assert failure(future).code == "no-video"
    assert 9 - place in bench.table.cut
    assert {(one.number, one.worker, one.second, one.outcome) for one in future.attempts} == {
        (1, "node-1:7", False, "failed" if place == 4 else "cancelled"),
        (2, "node-2:8", True, "failed" if place == 5 else "cancelled"),
    }
    assert len(future.attempts) == 2


def test_no_second_attempt_beside_tasks_that_wait_or_without_another_node(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(monkeypatch)
    futures = [bench.submit(f"video/{number:05d}/a") for number in range(4)]
    bench.happens()
    bench.happens(*(Asked(number, card()) for number in range(1, 5)))
    bench.happens(*(done(number, f"video/{number - 1:05d}/a") for number in range(1, 4)))
    assert [future.done() for future in futures] == [True, True, True, False]
    assert bench.table.pinned == {}  # there is one node
    bench.submit("other", LARGE)
    bench.table.nodes = NODES
    bench.happens()
    assert bench.table.pinned == {}  # another task waits


@pytest.mark.parametrize(("features", "asked"), [((), True), (("avx512",), False)])
def test_sound_is_begun_again_only_on_a_node_of_the_same_kind(
    features: tuple[str, ...], asked: bool, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (asking, dispatch):
        monkeypatch.setattr(module, "is_sound", lambda task: task.key == "video/00003/a")
    late(bench, monkeypatch, features=features)
    assert bench.table.pinned == ({5: "m"} if asked else {})


def test_a_place_for_a_second_attempt_that_is_never_given_is_no_fault(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = late(bench, monkeypatch)
    bench.happens(Lost(5, "node-lost", "gone"))
    assert len(bench.table.asked) == 5
    bench.table.nodes = (*NODES[:1], *NODES[1:])  # the next look at the cluster finds that node again
    bench.happens()
    assert bench.table.pinned == {5: "m", 6: "m"}
    bench.happens(done(4, "video/00003/a"))
    assert future.result(timeout=0).key == "video/00003/a"


def test_a_straggler_whose_second_place_went_to_another_task_gets_another_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = late(bench, monkeypatch)
    bench.submit("other/00000/a")
    bench.happens(Asked(5, card(node="m", host="node-2", pid=8)))
    assert bench.table.given[5] == "other/00000/a"
    bench.happens(done(5, "other/00000/a"))
    again = max(bench.table.pinned)
    assert again > 5
    bench.happens(Asked(again, card(node="m", host="node-2", pid=9)))
    assert bench.table.given[again] == "video/00003/a"
    bench.happens(done(again, "video/00003/a"))
    assert future.result(timeout=0).key == "video/00003/a"


def test_a_straggler_whose_second_place_came_when_all_places_had_tasks_gets_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, workers=2)
    at_once(monkeypatch)
    bench.table.nodes = NODES
    for number in range(3):
        bench.submit(f"video/{number:05d}/a")
        bench.happens()
        place = max(bench.table.asked)
        bench.happens(Asked(place, card(node="m", host="node-2")))
        bench.happens(done(place, f"video/{number:05d}/a"))
    future = bench.submit("video/00003/a")
    bench.happens()
    first = max(bench.table.asked)
    bench.happens(Asked(first, card()))
    ((second, node),) = bench.table.pinned.items()
    assert node == "m"
    bench.submit("other/00000/a")
    with monkeypatch.context() as patch:
        patch.setattr(asking, "LATE", 0.0)  # the place that was asked for is late
        bench.dispatcher.step()
    other = max(bench.table.pinned)
    assert other > second  # which its node has not given yet
    bench.happens(Asked(other, card(pid=8)))
    assert bench.table.given[other] == "other/00000/a"
    bench.happens(Asked(second, card(node="m", host="node-2", pid=9)))
    assert bench.table.given[second] is None
    bench.happens(Ended(second, None), done(other, "other/00000/a"))
    again = max(bench.table.pinned)
    assert again > other
    bench.happens(Asked(again, card(node="m", host="node-2", pid=9)), done(again, "video/00003/a"))
    assert future.result(timeout=0).key == "video/00003/a"


def stragglers_on(bench: Bench, monkeypatch: pytest.MonkeyPatch, count: int, **nodes: int) -> None:
    """Have so many tasks that take long run on the first node, beside others of so many cores."""
    at_once(monkeypatch)
    bench.table.nodes = (NODES[0], *(Node(name, name, cores, 4 * GIB) for name, cores in nodes.items()))
    keys = [f"video/{number:05d}/a" for number in range(3 + count)]
    for key in keys:
        bench.submit(key)
    bench.happens()
    bench.happens(*(Asked(number, card(node="m")) for number in range(1, 4)))
    bench.happens(*(Asked(number, card()) for number in range(4, 4 + count)))
    bench.happens(*(done(number, keys[number - 1]) for number in range(1, 4)))


def test_second_attempts_are_spread_over_the_nodes_that_have_room(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    stragglers_on(bench, monkeypatch, 3, m=1, k=1)
    assert sorted(bench.table.pinned.values()) == ["k", "m"]  # and no room for the third


def test_second_attempts_are_no_more_than_the_settings_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, workers=5)
    stragglers_on(bench, monkeypatch, 0, m=8)
    for number in range(3, 7):
        bench.submit(f"video/{number:05d}/a")
    bench.happens()
    bench.happens(*(Asked(number, card()) for number in range(4, 8)))
    assert bench.table.pinned == {8: "m"}


def test_the_split_is_not_begun_twice(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    late(bench, monkeypatch, key="split")
    assert bench.table.pinned == {}


def test_what_is_usual_in_one_job_says_nothing_of_another_and_goes_with_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(monkeypatch)
    bench.table.nodes = NODES
    for number in range(3):
        bench.submit(f"video/{number:05d}/a", age=1)
    bench.submit("video/00003/a", age=2)
    bench.happens()
    bench.happens(*(Asked(number, card()) for number in range(1, 5)))
    bench.happens(*(done(number, f"video/{number - 1:05d}/a") for number in range(1, 4)))
    assert bench.table.given[4] == "video/00003/a"
    assert bench.table.pinned == {}
    bench.dispatcher.drop(1, None)
    assert list(bench.dispatcher._stragglers._usual) == [2]


def test_a_job_that_ends_takes_back_what_was_asked_for_its_second_attempts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(bench, monkeypatch)
    bench.dispatcher.drop(0, None)
    assert {4, 5} <= set(bench.table.cut)
