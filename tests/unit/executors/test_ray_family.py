"""A Ray that was started here is over only when its last process is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from streamify.executors.ray.family import VARIABLE, named, wait_for_processes

GRANDCHILD = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'input()']).pid, flush=True)"


def test_processes_are_waited_for_that_are_no_children(tmp_path: Path) -> None:
    with named(str(tmp_path)):
        parent = subprocess.Popen([sys.executable, "-c", GRANDCHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()
        assert parent.wait(60) == 0  # and its child is left
        waiting = Thread(target=wait_for_processes, args=[str(tmp_path)], daemon=True)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        parent.stdin.close()
        waiting.join(60)
        assert not waiting.is_alive()


def test_what_does_not_end_is_waited_for_a_while(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("streamify.executors.ray.family.PATIENCE", 0.1)
    with named(str(tmp_path)):
        stays = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with stays:
        wait_for_processes(str(tmp_path))
        assert stays.poll() is None
        stays.communicate(b"\n")


@pytest.mark.ray
def test_a_connection_marks_the_processes_of_its_own_ray_and_waits_for_them_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import ray

    from streamify.executors.ray import cluster

    did: list[tuple[str, str | None]] = []

    def init(*_: object, _temp_dir: str, **__: object) -> None:
        assert Path(_temp_dir).is_dir()
        did.append(("init", _temp_dir))
        did.append(("marked", os.environ.get(VARIABLE)))

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: did.append(("shutdown", None)))
    monkeypatch.setattr(cluster, "_nodes", tuple)
    monkeypatch.setattr(cluster, "wait_for_processes", lambda folder: did.append(("waited", folder)))
    connection = cluster.Connection(None, cores=1, memory=1 << 30)
    folder = did[0][1]
    assert did == [("init", folder), ("marked", folder)]
    connection.close()
    assert did[2:] == [("shutdown", None), ("waited", folder)]
