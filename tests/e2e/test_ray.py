"""Jobs on Ray: the same bytes as on this machine, lost workers and nodes, and clusters that cannot be used."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

import streamify
from clouds import media as alike
from e2e.driving import job, media, playing, published, wait_for
from e2e.driving import streamify as command
from e2e.halting import Halt
from e2e.watching import watch
from faults.worker import task
from selection import sample
from stores import locations, open_storage
from streamify.executors.base import Executor, TaskError
from streamify.jobs.attempts import read_attempts
from streamify.machine.folder import LOCK
from streamify.machine.limits import GIB
from streamify.model.event import Event
from streamify.model.result import CheckResult
from streamify.model.task import Budget

if TYPE_CHECKING:
    from streamify.executors.ray.pool import RayPool

CLUSTER = Path(__file__).parents[1] / "faults/cluster.py"
TESTS = {"PYTHONPATH": str(CLUSTER.parents[1])}
pytestmark = [pytest.mark.timeout(280), pytest.mark.ray]


@pytest.fixture
def engine(ray_here: RayPool, tmp_path: Path) -> Iterator[tuple[Executor, list[Event]]]:
    events: list[Event] = []
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads/in.mp4").write_bytes(b"x")
    places = locations(tmp_path / "uploads", tmp_path / "media")
    made = ray_here.executor(places, events.append)
    yield made, events
    made.shutdown(cancel=True)


def test_a_job_is_byte_equal_and_names_its_workers(
    ray_here: RayPool, clip: Path, ultrafast_stream: Path, tmp_path: Path
) -> None:
    events: list[Event] = []
    report = streamify.transcode(
        clip, tmp_path / "out", engine="ray", ladder="360p,240p", preset="ultrafast", short_start=False,
        on_event=events.append,
    )  # fmt: skip
    assert media(tmp_path / "out") == media(ultrafast_stream)
    assert (report.status, report.engine, report.workers) == ("complete", "ray", 2)
    host = socket.gethostname()
    started = [event for event in events if event.kind == "task.started"]
    assert {event.host for event in started} == {host}
    found = streamify.explain(tmp_path / "out").run
    assert found is not None
    assert found.engine == "ray"
    attempts = read_attempts(open_storage(str(tmp_path / "out")), found.id)
    assert {one.worker for one in attempts} == {f"{host}:{event.worker}" for event in started}


def begun(events: list[Event]) -> psutil.Process:
    """Return the process of Ray that has begun a task."""
    found = wait_for(lambda: [event for event in events if event.kind == "task.started"])
    return psutil.Process(found[-1].worker)


@pytest.mark.long
def test_a_worker_that_is_killed_costs_a_retry_and_leaves_no_child(
    engine: tuple[Executor, list[Event]], tmp_path: Path
) -> None:
    executor, events = engine
    future = executor.submit(task("stay:once", Budget(cpu_seconds=300, memory_bytes=1)))
    worker = begun(events)
    wait_for((tmp_path / "media/attempts/stay:once/0").exists)  # written by the child, which then stays
    children = worker.children()
    assert children
    worker.kill()
    gone, alive = psutil.wait_procs(children, timeout=60)
    assert (len(gone), alive) == (len(children), [])
    assert future.result(timeout=60).key == "stay:once"
    assert [(one.outcome, one.failure.code if one.failure else None) for one in future.attempts] == [
        ("retried", "worker-killed"), ("finished", None),
    ]  # fmt: skip


@pytest.mark.long
def test_a_child_that_ends_costs_a_retry_and_its_log_comes_back(engine: tuple[Executor, list[Event]]) -> None:
    executor, _ = engine
    future = executor.submit(task("exit:once"))
    assert future.result(timeout=60).key == "exit:once"
    assert [one.outcome for one in future.attempts] == ["retried", "finished"]
    failure = future.attempts[0].failure
    assert failure is not None
    assert failure.code == "worker-exited"
    assert "stdout of exit:once" in failure.log


@pytest.mark.long
def test_a_task_that_runs_out_of_memory_asks_for_more_until_it_is_enough(engine: tuple[Executor, list[Event]]) -> None:
    executor, events = engine
    budget = Budget(cpu_seconds=60, memory_bytes=GIB // 2)  # 6 GiB of addresses; 8 GiB with four times the budget
    future = executor.submit(task("need:7000", budget))
    assert future.result(timeout=60).key == "need:7000"
    lost = "worker-out-of-memory"
    assert [(one.outcome, one.more_memory, one.failure.code if one.failure else None) for one in future.attempts] == [
        ("retried", None, lost), ("retried", GIB, lost), ("finished", 2 * GIB, None),
    ]  # fmt: skip
    error = executor.submit(task("need:70000", budget)).exception(timeout=60)
    assert isinstance(error, TaskError)
    assert (error.code, error.exit_code, error.failure.attempts) == (lost, 4, 3)
    assert "it had asked for 2 GiB" in error.failure.cause
    assert [event.kind for event in events if event.task == "need:70000"] == [
        "task.started", "task.retried", "task.started", "task.retried", "task.started", "task.failed",
    ]  # fmt: skip


@pytest.mark.long
def test_a_machine_whose_memory_is_used_up_ends_a_job_by_one_line(clip: Path, tmp_path: Path) -> None:
    full = {"RAY_memory_usage_threshold": "0.001", "MARK_OF_TEST": str(tmp_path)}
    ran = command("transcode", clip, tmp_path / "out", "--engine", "ray", env=full)
    assert (ran.code, "[ray-out-of-memory]" in ran.line) == (5, True)
    assert re.search(r"memory of node [\w.:]+ had run out: [\d.]+ ?GB of [\d.]+ ?GB were used", ran.line)
    wait_for(lambda: not [one for one in psutil.process_iter() if _has(one, full)])


@pytest.mark.long
def test_a_result_that_is_large_comes_whole(engine: tuple[Executor, list[Event]]) -> None:
    executor, _ = engine
    results = [executor.submit(task(f"bulk:{size}")) for size in (100, 400_000)]
    for future, size in zip(results, (100, 400_000), strict=True):
        found = future.result(timeout=60)
        assert isinstance(found, CheckResult)
        assert len(found.faults[1]) == size


@pytest.mark.long
def test_a_lost_mailbox_costs_progress_alone(engine: tuple[Executor, list[Event]], tmp_path: Path) -> None:
    executor, _ = engine
    first = executor.submit(task("sleep:1.5"))
    wait_for((tmp_path / "media/attempts/sleep:1.5/0").exists)  # written by the child: its worker has the task
    ours = psutil.Process().children(recursive=True)
    next(one for one in ours if _title(one).startswith("ray::Mailbox")).kill()
    later = [executor.submit(task(f"echo:{number}")) for number in range(4)]
    assert first.result(timeout=60).key == "sleep:1.5"
    assert [future.result(timeout=60).key for future in later] == [f"echo:{number}" for number in range(4)]
    assert len(first.attempts) == 1


def test_the_loss_of_a_mailbox_is_known_by_what_ray_raises_in_a_place() -> None:
    from ray import exceptions

    from streamify.executors.ray.cluster import _loss

    raised = exceptions.RayTaskError("_place", "traceback", exceptions.ActorDiedError(), "ray", 1, "10.0.0.1")
    for error in (raised, raised.as_instanceof_cause(), exceptions.ActorUnavailableError("gone", None)):
        assert _loss(1, error).code == "mailbox-lost"
    other = exceptions.RayTaskError("_place", "traceback", ValueError("x"), "ray", 1, "10.0.0.1")
    assert _loss(1, other.as_instanceof_cause()).code == "ray-failed"


def test_a_source_that_a_node_does_not_see_is_refused(ray_here: RayPool, clip: Path, tmp_path: Path) -> None:
    """The node's check, in this process: with one machine, all nodes see all folders."""
    from streamify.executors.ray.node import refused
    from streamify.executors.ray.wire import Given
    from streamify.executors.wire import Work

    (tmp_path / "media").mkdir()
    (tmp_path / "uploads").mkdir()
    places = locations(tmp_path / "uploads", tmp_path / "media")
    order = Given(work=Work(stores=places, task=task("echo:1")), job="j", marker="other")
    found = refused(order)
    assert found is not None
    assert (found.failure.code, found.failure.exit_code) == ("ray-folder-unshared", 5)
    assert "does not see the source" in found.failure.cause
    (tmp_path / "uploads/in.mp4").write_bytes(b"x")
    found = refused(order)
    assert found is not None
    assert f"does not see DEST {tmp_path / 'media'}" in found.failure.cause


def _title(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


@pytest.mark.parametrize("scheme", sample(["", "ray://"], ""))
def test_an_address_at_which_nobody_listens(scheme: str, clip: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"{scheme}127.0.0.1:{taken.getsockname()[1]}"
        began = time.monotonic()
        ran = command("transcode", clip, tmp_path / "out", "--engine", "ray", "--address", address)
    assert (ran.code, "[ray-unreachable]" in ran.line, address in ran.line) == (5, True, True)
    assert "ray start --head" in ran.line
    assert time.monotonic() - began < 80  # Ray alone tries longer


def test_an_address_that_is_none(clip: Path, tmp_path: Path) -> None:
    ran = command("transcode", clip, tmp_path / "out", "--engine", "ray", "--address", "http://head:1")
    assert (ran.code, "[ray-address]" in ran.line) == (2, True)


@pytest.mark.long
def test_a_port_that_is_not_rays(clip: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        ran = command("transcode", clip, tmp_path / "out", "-q", "--engine", "ray", "--address", address)
    assert (ran.code, "[ray-unreachable]" in ran.line) == (5, True)
    assert "is silent for 10 s" in ran.line
    assert len(ran.err.splitlines()) == 1  # and nothing of Ray's own


@pytest.mark.long
def test_a_ray_of_this_machine_ends_with_its_job(clip: Path, ultrafast_stream: Path, tmp_path: Path) -> None:
    mark = {"MARK_OF_TEST": str(tmp_path)}  # every process of it inherits that
    ran = command(
        "transcode", clip, tmp_path / "out", "--engine", "ray", "--ladder", "360p,240p", "--preset", "ultrafast",
        "--no-short-start", "--json", env=mark,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert [line for line in ran.err.splitlines() if "SIGTERM" in line or "authentication" in line] == []
    assert ran.json["engine"] == "ray"
    assert media(tmp_path / "out") == media(ultrafast_stream)
    # The command itself waits for them: tests/unit/executors/test_ray_family.py; on a busy machine not for ever.
    wait_for(lambda: not [one for one in psutil.process_iter() if _has(one, mark)])


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_driver_that_is_killed_leaves_no_process_and_its_folder_goes_with_the_next_run(
    clip: Path, ultrafast_stream: Path, tmp_path: Path
) -> None:
    flags = ("--engine", "ray", "--ladder", "360p,240p", "--preset", "ultrafast", "--no-short-start")
    folders = f"streamify-*/{LOCK}"
    with tempfile.TemporaryDirectory(prefix="x", dir="/tmp") as base:  # Ray takes no long names
        mark, halt = {"MARK_OF_TEST": str(tmp_path), "TMPDIR": base}, Halt(tmp_path, 0)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in mark.items():
                patch.setenv(name, value)
            with job(tmp_path / "events", clip, tmp_path / "out", *flags, env=halt.env) as running:
                wait_for(running.in_flight, 120)
                running.process.kill()
                running.end()
            wait_for(lambda: not [one for one in psutil.process_iter() if _has(one, mark)], 120)
            assert len(list(Path(base).glob(folders))) == 1
            ran = command("transcode", clip, tmp_path / "out", *flags, env=mark)
        assert ran.code == 0, ran.err
        assert list(Path(base).glob(folders)) == []
    assert media(tmp_path / "out") == media(ultrafast_stream)


def _has(process: psutil.Process, mark: dict[str, str]) -> bool:
    with suppress(psutil.Error):
        return process.environ().items() >= mark.items()
    return False


@contextmanager
def nodes(count: int, **more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Give the address of a cluster of so many nodes, and the process that ends one for each line.

    `more` are variables of its environment.
    """
    with subprocess.Popen(
        [sys.executable, CLUSTER, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | TESTS | more,
    ) as process:
        assert process.stdout is not None
        address = next(line.strip() for line in process.stdout if line[:1].isdigit())
        yield address, process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(200)


@pytest.mark.long
def test_a_cluster_of_another_ray_is_refused_by_one_line(clip: Path, tmp_path: Path) -> None:
    with nodes(0, CLUSTER_SAYS_RAY="2.49.0") as (address, _):
        ran = command("transcode", clip, tmp_path / "out", "--engine", "ray", "--address", address)
    assert (ran.code, "[ray-version]" in ran.line, "Ray: 2.49.0" in ran.line) == (5, True, True)
    assert "install the same versions" in ran.line


@pytest.mark.long
def test_a_cluster_that_wants_another_token_says_so_in_one_line(clip: Path, tmp_path: Path) -> None:
    with nodes(0, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0" * 64) as (address, _):
        for own in ({}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "1" * 64}):
            ran = command("transcode", clip, tmp_path / "out", "-q", "--engine", "ray", "--address", address, env=own)
            assert (ran.code, "[ray-auth]" in ran.line, len(ran.err.splitlines())) == (5, True, 1)
        wrong = command("transcode", clip, tmp_path / "out", "-q", "--engine", "ray", "--address", f"ray://{address}")
    assert (wrong.code, "[ray-auth]" in wrong.line) == (5, True)


@pytest.mark.long
def test_a_task_that_takes_long_is_begun_again_on_another_node(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads/in.mp4").write_bytes(b"x")
    with nodes(2) as (address, _):
        ran = subprocess.run(
            [sys.executable, CLUSTER.with_name("straggler.py"), address, tmp_path], env=os.environ | TESTS,
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (first, one, _), (last, other, second) = json.loads(ran.stdout)
    assert (first, last, second) == ("cancelled", "finished", True)
    assert one != other


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_cluster_of_several_nodes_of_which_one_dies(clip: Path, ultrafast_stream: Path, tmp_path: Path) -> None:
    with nodes(2) as (address, process):
        out, events = tmp_path / "out", tmp_path / "events"
        options = ("--ladder", "360p,240p", "--preset", "ultrafast", "--no-short-start", "--engine", "ray")
        job = subprocess.Popen(
            [sys.executable, "-m", "streamify", "transcode", clip, out, *options, "--address", address, "--events",
             events], stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while not events.exists() or events.read_text().count('"task.started"') < 3:
            assert time.monotonic() < deadline
            assert job.poll() is None
            time.sleep(0.05)
        assert process.stdin is not None
        print("end one", file=process.stdin, flush=True)
        _, err = job.communicate(timeout=240)
        assert job.returncode == 0, err
    assert media(out) == media(ultrafast_stream)


@pytest.mark.long
def test_streams_on_demand_and_of_a_watched_folder_are_made_on_a_cluster(
    clip: Path, ultrafast_stream: Path, tmp_path: Path
) -> None:
    ladder = ("--ladder", "360p,240p", "--preset", "ultrafast", "--no-short-start")
    with nodes(2) as (address, _):
        engine = ("--engine", "ray", "--address", address)
        with playing(clip, tmp_path / "played", *ladder, *engine) as play:
            for track in play.tracks():
                key = f"{track}/00002.m4s"
                assert play.get(key) == (ultrafast_stream / key).read_bytes()
            wait_for(lambda: published(tmp_path / "played") == published(ultrafast_stream), 120)
            assert play.end() == 130
        uploads, made = tmp_path / "uploads", tmp_path / "made"
        uploads.mkdir()
        for name in ("a.mp4", "b.mp4"):
            shutil.copy(clip, uploads / name)
        with watch(uploads, made, tmp_path / "events", *ladder, *engine, "--workers", "2") as running:
            ended = running.ended(2, 200)
            assert {key: one["outcome"] for key, one in ended.items()} == {"a.mp4": "complete", "b.mp4": "complete"}
            assert running.stop()[0] == 130
    wanted = alike(str(ultrafast_stream))
    for dest in ("played", "made/a.mp4", "made/b.mp4"):
        assert alike(str(tmp_path / dest)) == wanted
