"""On which nodes sound is made; the cluster is a table in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from ray_table import Bench, Table, card, done, failure
from streamify.executors.ray import dispatch
from streamify.executors.ray.news import Asked, Ended, Lost, Node
from streamify.executors.ray.wire import Card
from streamify.machine.limits import GIB

pytestmark = pytest.mark.usefixtures("sound_by_key")


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
