"""Which task runs in which place of a cluster, and what becomes of lost ones; the cluster is a table in memory."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ray_table import OWN, USAGE, Bench, Table, card, done, failure
from streamify.errors import Failure
from streamify.executors.ray import dispatch
from streamify.executors.ray.news import Asked, Ended, Gone, Lost, Node, Part, Told
from streamify.executors.ray.parcel import packed
from streamify.executors.wire import Failed, Progress
from streamify.machine.limits import GIB
from streamify.model.task import Budget

pytestmark = pytest.mark.usefixtures("sound_by_key")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


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


def test_a_node_is_told_whether_another_one_has_reached_the_stores_of_its_job(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Table(nodes=(Node("n", "node-1", 16, 64 * GIB),)))
    for number in range(6):
        bench.submit(f"echo:{number}", age=1)
    bench.submit("other:0", age=2)
    bench.happens()
    failed = Failure("echo:1", "no-video", "in.mp4 has no video", exit_code=3)
    bench.happens(Asked(1, card()), Asked(2, card()), Ended(2, packed(Failed(failure=failed, usage=USAGE))))
    bench.happens(Asked(3, card()), Told(3, Progress(key="echo:2", done=1, total=9, unit="pictures")))
    bench.happens(Asked(4, card()), done(4, "echo:3"))
    bench.happens(*(Asked(number, card()) for number in (5, 6, 7)))
    assert [bench.table.given[number] for number in (3, 4, 5, 6, 7)] == [
        "echo:2", "echo:3", "echo:4", "echo:5", "other:0",
    ]  # fmt: skip
    assert bench.table.reached == [4, 5, 6]


def test_a_job_that_ends_well_at_once_has_reached_its_stores(bench: Bench) -> None:
    for number in range(2):
        bench.submit(f"echo:{number}")
    bench.happens()
    bench.happens(Asked(1, card()), done(1, "echo:0"), Asked(2, card()))
    assert bench.table.reached == [2]


def test_a_place_for_which_there_is_nothing_to_do_is_given_back(bench: Bench) -> None:
    future = bench.submit("echo:1")
    bench.happens()
    future.cancel()
    bench.happens(Asked(1, card()), Ended(1, None))
    assert bench.table.given == {1: None}
    assert bench.pending.finished


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


def test_nothing_runs_on_a_node_that_differs(bench: Bench) -> None:
    futures = [bench.submit(f"echo:{number}") for number in range(6)]
    bench.happens()
    bench.happens(Asked(1, card(build=OWN.model_copy(update={"streamify": "0"}))))
    assert bench.table.given == {1: None}
    assert {(failure(future).code, failure(future).exit_code) for future in futures} == {("ray-node-unfit", 5)}
    late = bench.submit("echo:late")
    bench.happens()
    assert failure(late).code == "ray-node-unfit"


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
    bench.workers = bench.dispatcher._asking._workers = 1
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
    bench.workers = bench.dispatcher._asking._workers = 1
    bench.submit("echo:1", age=1)
    bench.happens()
    bench.happens(Asked(1, card()), Part(1, b"x"), Ended(1, None, 2))
    bench.dispatcher.drop(1, None)
    bench.submit("echo:2", age=2)
    bench.happens()
    assert list(bench.table.asked) == [1, 2]
