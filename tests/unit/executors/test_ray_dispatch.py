"""Which task runs in which place of a cluster, and what becomes of lost ones; the cluster is a table in memory."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ray_table import LARGE, OWN, USAGE, Bench, Table, card, done, failure
from streamify.errors import DestinationError, Failure
from streamify.executors.ray import dispatch
from streamify.executors.ray.dispatch import STARTS
from streamify.executors.ray.fit import not_loaded, unfit
from streamify.executors.ray.news import Asked, Ended, Gone, Lost, Node, Part, Told
from streamify.executors.ray.parcel import packed
from streamify.executors.ray.wire import Card, Shape
from streamify.executors.wire import Failed, Progress
from streamify.machine.limits import GIB
from streamify.model.task import Budget

pytestmark = pytest.mark.usefixtures("sound_by_key")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_asks_for_twice_the_places_there_are_and_follows_the_cluster(bench: Bench) -> None:
    for number in range(50):
        bench.submit(f"echo:{number}")
    bench.happens()
    assert len(bench.table.asked) == 4
    bench.table.nodes += (Node("m", "node-2", 4, 4 * GIB),)
    bench.happens()
    assert len(bench.table.asked) == 12
    bench.happens(*(Asked(number, card()) for number in range(1, 9)))
    bench.table.nodes = bench.table.nodes[:1]
    bench.happens(*(done(number, f"echo:{number - 1}") for number in range(1, 5)))
    assert len(bench.table.asked) == 12  # four are not over yet
    bench.happens(*(done(number, f"echo:{number - 1}") for number in range(5, 9)))
    assert len(bench.table.asked) == 16


def test_never_asks_for_more_places_than_the_settings_allow(tmp_path: Path) -> None:
    bench = Bench(tmp_path, workers=3)
    for number in range(50):
        bench.submit(f"echo:{number}")
    bench.happens()
    assert len(bench.table.asked) == 3


def test_an_urgent_task_gets_the_first_place_that_is_free(bench: Bench) -> None:
    for number in range(4):
        bench.submit(f"echo:{number}")
    bench.happens(Asked(1, card()), Asked(2, card()))
    bench.submit("echo:urgent", priority=30)
    bench.happens(done(1, "echo:0"), Asked(3, card()))
    assert bench.table.given == {1: "echo:0", 2: "echo:1", 3: "echo:urgent"}
    bench.happens(Asked(4, card()))
    assert bench.table.given[4] == "echo:2"  # in order again, and none is left out
    bench.happens(Asked(5, card()))
    assert bench.table.given[5] == "echo:3"


def test_a_short_film_passes_a_long_one_that_has_waited_and_both_end(bench: Bench) -> None:
    film = [bench.submit(f"film:{number}", age=1, turn=36_000) for number in range(6)]
    bench.happens(Asked(1, card()), Asked(2, card()))
    clip = [bench.submit(f"clip:{number}", age=2, turn=60) for number in range(2)]
    urgent = bench.submit("film:urgent", age=1, turn=36_000, priority=30)
    order = list[str]()
    for number in range(1, 10):
        key = bench.table.given[number]
        assert key is not None
        bench.happens(done(number, key), Asked(number + 2, card()))
        order.append(key)
        if bench.pending.finished:
            break
    assert order == [
        "film:0", "film:1", "film:urgent", "clip:0", "clip:1", "film:2", "film:3", "film:4", "film:5",
    ]  # fmt: skip
    assert all(future.done() for future in (*film, *clip, urgent))


def test_a_large_task_waits_for_its_own_place_and_small_ones_use_it(bench: Bench) -> None:
    bench.submit("echo:large", LARGE)
    bench.submit("echo:small")
    bench.happens()
    assert list(bench.table.asked.values()) == [Shape(cores=1, memory=2 * GIB), Shape(cores=1, memory=GIB // 2)]
    bench.happens(Asked(2, card()))
    assert bench.table.given == {2: "echo:small"}
    bench.submit("echo:urgent", priority=30)
    bench.happens(Asked(1, card()))
    assert bench.table.given[1] == "echo:urgent"
    [fresh] = [number for number, shape in bench.table.asked.items() if number > 2 and shape.memory == 2 * GIB]
    bench.happens(Asked(fresh, card()))
    assert bench.table.given[fresh] == "echo:large"


def test_a_place_for_which_there_is_nothing_to_do_is_given_back(bench: Bench) -> None:
    future = bench.submit("echo:1")
    bench.happens()
    future.cancel()
    bench.happens(Asked(1, card()), Ended(1, None))
    assert bench.table.given == {1: None}
    assert bench.pending.finished


@pytest.mark.parametrize("code", ["worker-out-of-memory", "worker-killed"])
def test_a_task_that_runs_out_of_memory_asks_for_more_twice(bench: Bench, code: str) -> None:
    future = bench.submit("echo:1", Budget(memory_bytes=100 << 20))
    for number in (1, 2, 3):
        bench.happens()
        bench.happens(Asked(number, card()))
        bench.happens(Lost(number, code, "gone"))
    assert [shape.memory for shape in bench.table.asked.values()] == [GIB // 4, GIB // 2, GIB]
    assert (failure(future).code, failure(future).attempts) == (code, 3)
    assert failure(future).cause == "gone; it had asked for 1 GiB"
    assert "memory" in failure(future).hint
    assert [one.more_memory for one in future.attempts] == [None, GIB // 2, GIB]
    started = [event.data for event in bench.events if event.kind == "task.started"]
    assert [data.get("more_memory") for data in started] == [None, GIB // 2, GIB]


def test_a_task_asks_for_no_more_memory_than_a_node_has_and_its_attempts_say_so(bench: Bench) -> None:
    future = bench.submit("echo:1", Budget(memory_bytes=3 * GIB))
    for number in (1, 2, 3):
        bench.happens()
        bench.happens(Asked(number, card()))
        bench.happens(Lost(number, "worker-out-of-memory", "gone"))
    assert [shape.memory for shape in bench.table.asked.values()] == [3 * GIB, 4 * GIB, 4 * GIB]
    assert [one.more_memory for one in future.attempts] == [None, 4 * GIB, 4 * GIB]


def test_a_task_that_had_the_largest_node_has_had_no_less_than_it_asks_for_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Table(local=True))
    future = bench.submit("echo:1", Budget(memory_bytes=5 * GIB))
    for number in (1, 2):
        bench.happens()
        bench.happens(Asked(number, card()), Lost(number, "worker-out-of-memory", "gone"))
    assert {shape.memory for shape in bench.table.asked.values()} == {4 * GIB}
    assert [one.more_memory for one in future.attempts] == [None, None]


def test_a_task_that_failed_in_the_place_of_a_larger_one_asks_for_more_than_that_had(bench: Bench) -> None:
    bench.submit("echo:large", LARGE)
    future = bench.submit("echo:small", Budget(memory_bytes=GIB // 4), priority=30)
    bench.happens()
    bench.happens(Asked(2, card()))
    assert (bench.table.given[2], bench.table.asked[2].memory) == ("echo:small", 2 * GIB)
    bench.happens(Lost(2, "worker-out-of-memory", "gone"))
    bench.happens()
    [attempt] = future.attempts
    assert attempt.failure is not None
    assert attempt.failure.cause == "gone; it had asked for 2 GiB"
    assert 4 * GIB in [shape.memory for shape in bench.table.asked.values()]


def test_a_task_that_crashes_asks_for_no_more_memory(bench: Bench) -> None:
    future = bench.submit("echo:1")
    crashed = Failure("echo:1", "worker-killed", "ended by SIGSEGV", transient=True, signal="SIGSEGV")
    for number in (1, 2):
        bench.happens()
        bench.happens(Asked(number, card()))
        bench.happens(Ended(number, packed(Failed(failure=crashed, usage=USAGE))))
    bench.happens()
    assert {shape.memory for shape in bench.table.asked.values()} == {GIB // 2}
    assert [one.more_memory for one in future.attempts] == [None, None]


def test_a_full_node_ends_a_job_only_where_nothing_else_runs(bench: Bench) -> None:
    futures = [bench.submit(f"echo:{number}") for number in range(2)]
    bench.happens()
    bench.happens(Asked(1, card()))
    for number in range(2, 2 + 2 * STARTS):
        bench.happens(Lost(number, "worker-out-of-memory", "full"))
    assert not any(future.done() for future in futures)
    bench.happens(done(1, "echo:0"))
    for number in range(2 + 2 * STARTS, 2 + 3 * STARTS):
        bench.happens(Lost(number, "worker-out-of-memory", "full"))
    assert futures[0].result(timeout=0).key == "echo:0"
    assert (failure(futures[1]).code, failure(futures[1]).exit_code) == ("ray-out-of-memory", 5)


def test_a_cluster_on_which_no_mailbox_stays_for_want_of_memory_fails_what_runs(bench: Bench) -> None:
    futures = [bench.submit(f"echo:{number}") for number in range(6)]
    bench.happens()
    bench.happens(Asked(1, card()), Gone("no mailbox stays", full=True))
    assert {(failure(future).code, failure(future).exit_code) for future in futures} == {("ray-out-of-memory", 5)}


def test_a_lost_task_is_tried_again_and_its_attempts_name_the_node(bench: Bench) -> None:
    future = bench.submit("echo:1")
    bench.happens()
    bench.happens(Asked(1, card()), Lost(1, "node-lost", "gone"))
    bench.happens(Asked(2, card(host="node-2", pid=9)), done(2, "echo:1"))
    assert future.result(timeout=0).key == "echo:1"
    assert [(one.worker, one.outcome) for one in future.attempts] == [("node-1:7", "retried"), ("node-2:9", "finished")]
    assert [(one.kind, one.host, one.worker) for one in bench.events] == [
        ("task.started", "node-1", 7), ("task.retried", "node-1", 7),
        ("task.started", "node-2", 9), ("task.finished", "node-2", 9),
    ]  # fmt: skip


def test_what_no_node_is_large_enough_for_fails_after_a_while(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    future = bench.submit("echo:1", Budget(memory_bytes=5 * GIB))
    bench.happens()
    assert not future.done()
    assert bench.table.asked == {}
    monkeypatch.setattr(dispatch, "PATIENCE", 0)
    bench.happens()
    assert (failure(future).code, failure(future).exit_code) == ("ray-too-small", 5)
    assert "5.0 GiB" in failure(future).cause
    assert "4.0 GiB" in failure(future).cause


def test_on_this_machine_a_large_task_runs_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Table(local=True))
    bench.submit("echo:1", Budget(memory_bytes=5 * GIB, cores=3))
    bench.happens()
    assert list(bench.table.asked.values()) == [Shape(cores=2, memory=4 * GIB)]


def test_nothing_runs_on_a_node_that_differs(bench: Bench) -> None:
    futures = [bench.submit(f"echo:{number}") for number in range(6)]
    bench.happens()
    bench.happens(Asked(1, card(build=OWN.model_copy(update={"streamify": "0"}))))
    assert bench.table.given == {1: None}
    assert {(failure(future).code, failure(future).exit_code) for future in futures} == {("ray-node-unfit", 5)}
    late = bench.submit("echo:late")
    bench.happens()
    assert failure(late).code == "ray-node-unfit"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({}, None, ""),
        ({"build": OWN.model_copy(update={"streamify": "0.9"})}, "ray-node-unfit", "Streamify 0.9"),
        ({"build": OWN.model_copy(update={"av": "17.0"})}, "ray-node-unfit", "PyAV 17.0"),
        ({"build": OWN.model_copy(update={"machine": "aarch64"})}, "ray-node-unfit", "aarch64"),
        ({"time": 1000 - 3600}, "ray-node-clock", "3600 s"),
        ({"time": 1000 + 3600}, "ray-node-clock", "3600 s"),
        ({"time": 1000 + 60}, None, ""),
    ],
)
def test_a_node_must_be_like_the_driver(changes: dict[str, object], code: str | None, words: str) -> None:
    found = unfit(card(**({"time": 1000} | changes)), OWN, 1000, 1000)
    assert (found.code if found is not None else None) == code
    if found is not None:
        assert isinstance(found, DestinationError)
        assert words in found.message
        assert "node-1" in found.message
        assert found.hint


def test_a_reply_comes_whole_from_its_pieces(bench: Bench) -> None:
    future = bench.submit("echo:1")
    bench.happens()
    bench.happens(Asked(1, card()), Told(1, Progress(key="echo:1", done=3, total=9, unit="pictures")))
    data = done(1, "echo:1").reply
    assert data is not None
    bench.happens(Part(1, data[:10]), Ended(1, None, 2))
    assert not future.done()
    bench.happens(Part(1, data[10:]))
    assert future.result(timeout=0).key == "echo:1"
    [told] = [event for event in bench.events if event.kind == "task.progress"]
    assert (told.data["done"], told.data["total"], told.worker, told.host) == (3, 9, 7, "node-1")


def test_a_place_is_free_again_where_the_last_piece_of_its_reply_never_comes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.workers = bench.dispatcher._workers = 1
    bench.submit("echo:1")
    bench.happens()
    now = time.monotonic()
    bench.happens(Asked(1, card()), Part(1, b"x"), Ended(1, None, 2))
    assert list(bench.table.asked) == [1]
    monkeypatch.setattr(time, "monotonic", lambda: now + 1000)
    bench.happens()
    assert list(bench.table.asked) == [1, 2]
    bench.happens(Asked(2, card()), done(2, "echo:1"))
    assert bench.pending.finished


def test_a_job_that_is_dropped_while_it_waits_for_a_larger_node_is_forgotten(bench: Bench) -> None:
    bench.submit("echo:1", Budget(memory_bytes=5 * GIB), age=1)
    bench.submit("echo:2", age=2)
    bench.happens()
    assert bench.dispatcher._longest_wait() <= 1  # the cluster may grow
    bench.dispatcher.drop(1, None)
    bench.happens()
    assert bench.dispatcher._longest_wait() == dispatch.PATIENCE


def test_a_place_that_comes_free_while_several_wait_too_long_for_a_larger_node_is_used(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = [bench.submit(f"echo:large-{number}", Budget(memory_bytes=5 * GIB)) for number in range(3)]
    bench.submit("echo:small")
    bench.dispatcher.step()
    monkeypatch.setattr(dispatch, "PATIENCE", 0)
    bench.table.coming.append(Asked(1, card()))
    bench.dispatcher._take(bench.table.coming.pop())
    assert bench.table.given == {1: "echo:small"}
    bench.happens()
    assert {failure(future).code for future in large} == {"ray-too-small"}


def test_a_reply_that_is_none_costs_an_attempt(bench: Bench) -> None:
    future = bench.submit("echo:1")
    for number in (1, 2, 3):
        bench.happens()
        bench.happens(Asked(number, card()), Ended(number, b"garbage"))
    assert (failure(future).code, failure(future).attempts) == ("worker-garbled", 3)


def test_failures_of_tasks_are_their_own(bench: Bench) -> None:
    future = bench.submit("echo:1")
    bench.happens()
    ours = Failure("echo:1", "no-video", "in.mp4 has no video", exit_code=3)
    bench.happens(Asked(1, card()), Ended(1, packed(Failed(failure=ours, usage=USAGE))))
    assert failure(future) == ours


def test_a_cluster_on_which_no_process_starts_is_given_up(bench: Bench) -> None:
    future = bench.submit("echo:1")
    bench.happens()
    for _ in range(dispatch.STARTS):
        bench.happens(Lost(max(bench.table.asked), "worker-exited", "it died"))
    assert (failure(future).code, failure(future).exit_code) == ("ray-failed", 5)


def test_a_lost_mailbox_does_not_end_the_job(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Table(nodes=(Node("n", "node-1", 16, 64 * GIB),)))
    futures = [bench.submit(f"echo:{number}") for number in range(32)]
    bench.happens()
    assert len(bench.table.asked) == 32
    bench.happens(*(Lost(number, "mailbox-lost", "gone") for number in range(1, 33)))
    assert not any(future.done() for future in futures)
    assert len(bench.table.asked) == 64  # each is asked for again
    bench.happens(Asked(33, card()), done(33, "echo:0"))
    assert futures[0].result(timeout=0).key == "echo:0"


def mixed(tmp_path: Path, *others: str) -> tuple[Bench, Card, Card]:
    """Return a cluster of two kinds of nodes that are known, and of others; sound has been made on the first."""
    table = Table(nodes=tuple(Node(name, name, 8, 64 * GIB) for name in ("new", "old", *others)))
    bench = Bench(tmp_path, table)
    new, old = card(node="new", features=("avx2",)), card(node="old", features=("avx",))
    bench.submit("sound:0")
    bench.submit("echo:0")
    bench.happens()
    bench.happens(Asked(1, new), Asked(2, old), done(1, "sound:0"), done(2, "echo:0"))
    assert table.given == {1: "sound:0", 2: "echo:0"}
    return bench, new, old


def test_a_node_that_dies_does_not_end_the_job_with_the_places_asked_for_there_alone(tmp_path: Path) -> None:
    bench, _, old = mixed(tmp_path)
    futures = [bench.submit(f"sound:{number}") for number in range(1, 13)]
    bench.happens()
    assert list(bench.table.pinned.values()) == ["new"] * 12
    bench.happens(*(Lost(number, "ray-failed", "gone") for number in bench.table.pinned))
    assert not any(future.done() for future in futures)
    assert len(bench.table.pinned) == 12  # not there again before the next look
    bench.table.nodes = bench.table.nodes[1:]
    bench.happens()  # what was asked for meanwhile is asked for again
    bench.happens(*(Asked(number, old) for number in range(27, 39)))
    bench.happens(*(done(number, key) for number, key in list(bench.table.given.items()) if number > 2 and key))
    assert all(future.done() for future in futures)


def test_a_node_that_never_takes_what_only_it_may_do_ends_the_job(tmp_path: Path) -> None:
    bench, *_ = mixed(tmp_path)
    future = bench.submit("sound:1")
    for _ in range(dispatch.STARTS + 1):
        bench.table.nodes = (*bench.table.nodes,)  # another look
        bench.happens()
        assert not future.done()
        bench.happens(*(Lost(number, "worker-exited", "gone") for number in bench.table.pinned))
    assert failure(future).code == "ray-failed"


def test_a_node_of_an_unknown_kind_is_tried_where_the_kind_of_the_sound_is_gone(tmp_path: Path) -> None:
    bench, _, old = mixed(tmp_path, "late")
    bench.table.nodes = bench.table.nodes[1:]
    future = bench.submit("sound:1")
    bench.happens()
    assert bench.table.pinned == {3: "late"}
    bench.happens(Asked(3, card(node="late", features=("sse",))), Ended(3, None))
    assert bench.table.given[3] is None  # of another kind as well: any will do
    bench.happens(Asked(4, old), done(4, "sound:1"))
    assert future.result(timeout=0).key == "sound:1"


def test_a_node_without_the_package_ends_the_job_at_once(bench: Bench) -> None:
    future = bench.submit("echo:1")
    bench.happens()
    bench.happens(Lost(1, "ray-node-unfit", "a node has no Streamify", unfit=True))
    assert (failure(future).code, failure(future).exit_code) == ("ray-node-unfit", 5)


def test_a_cluster_that_is_gone_ends_everything(bench: Bench) -> None:
    futures = [bench.submit(f"echo:{number}") for number in range(6)]
    bench.happens()
    bench.happens(Asked(1, card()), Gone("no answer"))
    assert {(failure(future).code, failure(future).exit_code) for future in futures} == {("ray-lost", 5)}
    assert bench.pending.finished


def test_what_takes_too_long_is_cut_off_and_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.submit("echo:1", Budget(cpu_seconds=1, memory_bytes=1))
    bench.happens()
    now = time.monotonic()
    bench.happens(Asked(1, card()))
    monkeypatch.setattr(time, "monotonic", lambda: now + 1000)
    bench.happens()
    assert bench.table.cut == [1]
    bench.happens(Asked(2, card()), Ended(1, None))
    assert bench.table.given[2] == "echo:1"


def test_sound_is_made_on_nodes_of_one_kind(tmp_path: Path) -> None:
    table = Table(nodes=tuple(Node(name, name, 1, 4 * GIB) for name in ("old", "new", "new-2")))
    bench = Bench(tmp_path, table)
    old, new, third = (
        card(node="old", features=("avx",)),
        *(card(node=one, features=("avx2",)) for one in ("new", "new-2")),
    )
    for number in range(3):
        bench.submit(f"sound:{number}")
    bench.happens()
    assert table.pinned == {}  # nobody knows yet
    bench.happens(Asked(1, new), Asked(2, old))
    assert table.given == {1: "sound:0", 2: None}
    bench.happens(Ended(2, None), Asked(3, third))
    assert table.given[3] == "sound:1"
    assert set(table.pinned.values()) <= {"new", "new-2"}
    pinned, *spare = table.pinned
    bench.happens(done(1, "sound:0"), Asked(pinned, new))
    assert table.given[pinned] == "sound:2"
    bench.submit("echo:picture")
    bench.submit("sound:3")
    bench.happens(done(pinned, "sound:2"), done(3, "sound:1"))
    assert all(table.given.get(number) is None for number in spare)
    table.nodes = table.nodes[:1]  # the kind is gone
    bench.happens()
    bench.happens(*(Lost(number, "node-lost", "gone") for number in list(table.pinned)))
    fresh = max(table.asked)
    bench.happens(Asked(fresh - 1, old), Asked(fresh, old))
    assert {table.given[fresh - 1], table.given[fresh]} == {"echo:picture", "sound:3"}


def test_the_end_of_one_job_cuts_off_its_tasks_alone(bench: Bench) -> None:
    first, second = bench.submit("echo:1", age=1), bench.submit("echo:2", age=2)
    bench.happens()
    bench.happens(Asked(1, card()), Asked(2, card()))
    bench.dispatcher.drop(1, None)
    assert bench.table.cut == [1]
    assert first.done()
    bench.happens(Lost(1, "worker-exited", "as asked for"), done(2, "echo:2"))
    assert second.result(timeout=0).key == "echo:2"
    assert [one.outcome for one in first.attempts] == ["cancelled"]
    assert bench.pending.finished


def test_a_place_is_free_again_where_its_job_ends_before_the_last_piece_of_its_reply_comes(bench: Bench) -> None:
    bench.workers = bench.dispatcher._workers = 1
    bench.submit("echo:1", age=1)
    bench.happens()
    bench.happens(Asked(1, card()), Part(1, b"x"), Ended(1, None, 2))
    bench.dispatcher.drop(1, None)
    bench.submit("echo:2", age=2)
    bench.happens()
    assert list(bench.table.asked) == [1, 2]


TRACEBACK = """ray::_place() (pid=7, ip=10.0.0.2)
  File "/opt/streamify/lib/python3.12/site-packages/streamify/executors/ray/wire.py", line 9, in <module>
    from streamify.model.base import Frozen
{}: {}"""


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        ("ModuleNotFoundError", "No module named 'streamify'", "node 10.0.0.2 does not have Streamify"),
        ("ModuleNotFoundError", "No module named 'streamify.executors.ray.node'", "does not have Streamify"),
        ("ModuleNotFoundError", "No module named 'pydantic'", "lacks a package that Streamify needs: no module p"),
        ("ImportError", "libx264.so: cannot open it", "cannot load what Streamify needs: libx264.so: cannot"),
    ],
)  # fmt: skip
def test_what_a_node_lacks_is_named(kind: str, said: str, told: str) -> None:
    found = not_loaded(TRACEBACK.format(kind, said))
    assert found is not None
    assert told in found
    assert not_loaded(TRACEBACK.format("ValueError", said)) is None
