"""A sealed worker: which task gets a fresh one, and what becomes of those that are lost."""

from __future__ import annotations

import itertools
import os
import select
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from faults import sealed
from faults.worker import task
from streamify.executors import sealed as module
from streamify.executors.ray import node
from streamify.executors.ray.parcel import unpacked
from streamify.executors.ray.wire import Given
from streamify.executors.sealed import SealedWorker
from streamify.executors.wire import Done, Failed, Work
from streamify.machine.seal import Seal
from streamify.model.location import Location
from streamify.model.result import CheckResult
from streamify.model.task import Budget
from streamify.storage.base import Stores
from streamify.storage.local import LocalStorage
from streamify.storage.locate import StoreLocations

COMMAND = (sys.executable, "-P", sealed.__file__)
pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers are sealed on Linux"),
]


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(LocalStorage(tmp_path), LocalStorage(tmp_path))


@pytest.fixture
def worker() -> Iterator[SealedWorker]:
    found = SealedWorker(command=COMMAND)
    yield found
    found.close()


def done(reply: Done | Failed) -> int:
    """Return the process id of the worker that did a task."""
    assert isinstance(reply, Done), reply
    assert isinstance(reply.result, CheckResult)
    return reply.result.frames


def failed(reply: Done | Failed) -> str:
    assert isinstance(reply, Failed), reply
    return reply.failure.code


def test_a_worker_is_kept_for_a_job_and_never_for_another(worker: SealedWorker, stores: Stores) -> None:
    first, second = (done(worker.run("a", task("pid"), stores)) for _ in range(2))
    third = done(worker.run("b", task("pid"), stores))
    assert first == second != third
    assert not Path(f"/proc/{first}").exists()


def test_a_lost_worker_is_a_failure_and_the_next_task_gets_another(worker: SealedWorker, stores: Stores) -> None:
    assert failed(worker.run("a", task("exit"), stores)) == "worker-exited"
    assert failed(worker.run("a", task("abort"), stores)) == "worker-killed"
    assert failed(worker.run("a", task("garble"), stores)) == "worker-garbled"
    assert failed(worker.run("a", task("ask"), stores)) == "worker-garbled"
    spinning = worker.run("a", task("spin", Budget(cpu_seconds=1)), stores)
    assert failed(spinning) in ("worker-cpu-limit", "worker-hung")
    assert done(worker.run("a", task("pid"), stores))


@pytest.mark.long
def test_a_worker_that_sleeps_is_given_up(worker: SealedWorker, stores: Stores) -> None:
    assert failed(worker.run("a", task("sleep", Budget(cpu_seconds=1)), stores)) == "worker-hung"


def stand_still(worker: SealedWorker, monkeypatch: pytest.MonkeyPatch, *, until: str, tick: float = 0) -> None:
    """Have this process stand still past each deadline when it first asks how much time is left.

    Args:
        until: What there is to read when it goes on, of the worker's `replies` and its requests to the `store`.
        tick: Seconds by which each look moves the clock.
    """
    live, calls = worker._live, itertools.count(1)
    assert live is not None
    awaited, began = live._process.replies if until == "replies" else live._server, time.monotonic()

    def monotonic() -> float:
        if (call := next(calls)) == 3:  # the first time that it asks how much time is left
            assert select.select([awaited], [], [], 60)[0]
        return began + 1000 * (call >= 3) + tick * call

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=monotonic))


def test_an_answer_counts_that_came_while_this_process_stood_still(
    worker: SealedWorker, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deadline passed meanwhile: a suspended machine, or one that is very busy."""
    pid = done(worker.run("a", task("pid"), stores))
    stand_still(worker, monkeypatch, until="replies")
    assert done(worker.run("a", task("pid"), stores)) == pid


@pytest.mark.parametrize(("key", "tick", "code"), [("requests", 0, None), ("requests without end", 1, "worker-hung")])
def test_a_worker_that_waited_for_the_store_while_this_process_stood_still_goes_on_for_a_while(
    worker: SealedWorker, stores: Stores, monkeypatch: pytest.MonkeyPatch, key: str, tick: int, code: str | None
) -> None:
    pid = done(worker.run("a", task("pid"), stores))
    stand_still(worker, monkeypatch, until="store", tick=tick)
    reply = worker.run("a", task(key), stores)
    assert (done(reply) if code is None else failed(reply)) == (code or pid)


def test_errors_of_a_task_are_its_own(worker: SealedWorker, stores: Stores) -> None:
    pid = done(worker.run("a", task("pid"), stores))
    assert failed(worker.run("a", task("raise"), stores)) == "segment-undecodable"
    assert failed(worker.run("a", task("bug"), stores)) == "internal-error"
    assert done(worker.run("a", task("pid"), stores)) == pid
    exhausted = worker.run("a", task("exhaust"), stores)
    assert failed(exhausted) == "worker-out-of-memory"
    assert done(worker.run("a", task("pid"), stores)) != pid


def test_a_worker_that_another_thread_started_is_not_waited_for(worker: SealedWorker, stores: Stores) -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(done(worker.run("a", task("pid"), stores))))
    thread.start()
    thread.join()
    assert done(worker.run("a", task("pid"), stores)) not in found


def test_a_seal_that_is_not_whole_can_be_refused(stores: Stores) -> None:
    told: list[Seal] = []
    worker = SealedWorker(command=(*COMMAND[:2], str(Path(sealed.__file__).with_name("unsealed.py"))), whole=True,
                          on_seal=told.append)  # fmt: skip
    reply = worker.run("a", task("pid"), stores)
    assert isinstance(reply, Failed)
    assert (reply.failure.code, told) == ("worker-start-failed", [Seal()])
    assert "does not seal" in reply.failure.cause


def test_a_command_that_cannot_be_started(stores: Stores) -> None:
    assert failed(SealedWorker(command=("/none",)).run("a", task("pid"), stores)) == "worker-start-failed"
    silent = SealedWorker(command=(sys.executable, "-c", "raise SystemExit('no')"))
    reply = silent.run("a", task("pid"), stores)
    assert isinstance(reply, Failed)
    assert "no" in reply.failure.cause


def test_credentials_do_not_reach_the_environment(
    worker: SealedWorker, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    fresh = SealedWorker(command=COMMAND)
    assert failed(fresh.run("a", task("environment"), stores)) == "none-of-it"
    fresh.close()
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "secret"


def test_a_node_of_ray_that_does_not_seal_its_worker_is_refused(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsealed = SealedWorker(command=(*COMMAND[:2], str(Path(sealed.__file__).with_name("unsealed.py"))), whole=True)
    monkeypatch.setattr(node, "_worker", lambda _: unsealed)
    places = StoreLocations(uploads=Location.parse(str(tmp_path)), media=Location.parse(str(tmp_path)))
    order = Given(work=Work(stores=places, task=task("echo:1")), job="j")
    (tmp_path / "in.mp4").write_bytes(b"x")
    reply = unpacked(node.run(zlib.compress(order.to_json()), lambda _: None))
    assert isinstance(reply, Failed)
    assert (reply.failure.code, reply.failure.exit_code, reply.failure.transient) == ("ray-node-unfit", 5, False)
    assert "system calls" in reply.failure.cause
