"""Which places a cluster is asked for; the cluster is a table in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from ray_table import LARGE, Bench, Table, card, done, failure
from streamify.executors.ray import asking
from streamify.executors.ray.news import Asked, Node
from streamify.machine.limits import GIB
from streamify.model.task import Budget
from streamify.planning.schedule import schedule

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


def test_a_large_task_waits_for_its_own_place_and_small_ones_use_it(bench: Bench) -> None:
    bench.submit("echo:large", LARGE)
    bench.submit("echo:small")
    bench.happens()
    assert list(bench.table.asked.values()) == [2 * GIB, GIB // 2]
    bench.happens(Asked(2, card()))
    assert bench.table.given == {2: "echo:small"}
    bench.submit("echo:urgent", priority=30)
    bench.happens(Asked(1, card()))
    assert bench.table.given[1] == "echo:urgent"
    [fresh] = [number for number, memory in bench.table.asked.items() if number > 2 and memory == 2 * GIB]
    bench.happens(Asked(fresh, card()))
    assert bench.table.given[fresh] == "echo:large"


def test_the_last_two_tasks_of_a_film_run_side_by_side_on_two_cores(bench: Bench) -> None:
    groups = list(schedule([(number, (0, 1)) for number in range(6)], 2, weight=lambda _: 1))
    for group in groups:
        bench.submit(f"echo:{group.segment}", Budget(memory_bytes=GIB // 2, cores=group.threads))
    assert [group.threads for group in groups] == [1, 1, 1, 1, 2, 2]
    bench.happens()
    for number in range(1, 5):
        bench.happens(Asked(number, card()), done(number, f"echo:{number - 1}"))
    bench.happens()
    assert {5, 6} <= set(bench.table.asked)  # with one core each: Ray gives both
    bench.happens(Asked(5, card()), Asked(6, card(pid=8)))
    assert [bench.table.given[number] for number in (5, 6)] == ["echo:4", "echo:5"]


def test_what_a_viewer_waits_for_gets_the_next_place_with_all_of_its_threads(bench: Bench) -> None:
    for number in range(4):
        bench.submit(f"echo:{number}")
    bench.happens()
    assert list(bench.table.asked) == [1, 2, 3, 4]
    bench.happens(Asked(1, card()), Asked(2, card(pid=8)))
    bench.submit("echo:urgent", Budget(memory_bytes=GIB // 2, cores=2), priority=30)
    bench.happens(done(1, "echo:0"), Asked(3, card()))
    assert bench.table.given[3] == "echo:urgent"


def test_what_no_node_is_large_enough_for_fails_after_a_while(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    future = bench.submit("echo:1", Budget(memory_bytes=5 * GIB))
    bench.happens()
    assert not future.done()
    assert bench.table.asked == {}
    monkeypatch.setattr(asking, "PATIENCE", 0)
    bench.happens()
    assert (failure(future).code, failure(future).exit_code) == ("ray-too-small", 5)
    assert "5.0 GiB" in failure(future).cause
    assert "4.0 GiB" in failure(future).cause


def test_who_has_no_node_is_told_how_to_add_one_to_the_cluster_at_hand(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.table.nodes = ()
    future = bench.submit("echo:1")
    bench.happens()
    monkeypatch.setattr(asking, "PATIENCE", 0)
    bench.happens()
    assert (failure(future).code, failure(future).exit_code) == ("ray-too-small", 5)
    assert failure(future).hint.endswith(f"ray start --address {bench.table.join}")


def test_on_this_machine_a_large_task_runs_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Table(local=True))
    bench.submit("echo:1", Budget(memory_bytes=5 * GIB, cores=3))
    bench.happens()
    assert list(bench.table.asked.values()) == [4 * GIB]


def test_a_job_that_is_dropped_while_it_waits_for_a_larger_node_is_forgotten(bench: Bench) -> None:
    bench.submit("echo:1", Budget(memory_bytes=5 * GIB), age=1)
    bench.submit("echo:2", age=2)
    bench.happens()
    assert bench.dispatcher._asking.longest_wait() <= 1  # the cluster may grow
    bench.dispatcher.drop(1, None)
    bench.happens()
    assert bench.dispatcher._asking.longest_wait() == asking.PATIENCE


def test_a_place_that_comes_free_while_several_wait_too_long_for_a_larger_node_is_used(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = [bench.submit(f"echo:large-{number}", Budget(memory_bytes=5 * GIB)) for number in range(3)]
    bench.submit("echo:small")
    bench.dispatcher.step()
    monkeypatch.setattr(asking, "PATIENCE", 0)
    bench.table.coming.append(Asked(1, card()))
    bench.dispatcher._take(bench.table.coming.pop())
    assert bench.table.given == {1: "echo:small"}
    bench.happens()
    assert {failure(future).code for future in large} == {"ray-too-small"}
