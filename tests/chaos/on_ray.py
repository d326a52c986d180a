"""A Ray cluster on this machine, and the faults that only it can have."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from chaos.faults import Scene
from chaos.gate import Gate
from chaos.here import LocalField
from e2e.driving import alive, wait_for
from faults import cluster

NODES = 2
DEATH = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 5000,
    "health_check_failure_threshold": 5,
}
"""Settings by which Ray takes a node for dead that has not answered five times in a row: after 30 s, usually 65."""
OPENED = 120.0
"""Seconds that a cluster, or one more node of it, may take to start."""
SHORT, LONG = 1.0, 20.0
"""Seconds of partitions that are too short for that."""


class RayField(LocalField):
    """Jobs on a cluster of a head and `NODES` nodes with one place each; it is started anew when its head is gone."""

    places = NODES

    def __init__(self, gate: Gate, media: str, source: str, clip: Path, work: Path) -> None:
        super().__init__(gate, media, source, clip, work)
        self._said, self._log = work / "cluster.out", work / "cluster.log"
        self._lost: list[psutil.Process] = []  # nodes that are gone, or will be soon
        self._headless = False
        self._open()

    def kill(self, worker: int) -> str:
        os.kill(worker, signal.SIGKILL)
        return f"killed process {worker} of Ray"

    def mend(self) -> None:
        if self._headless:
            self.close()
            self._open()
        for raylet in self._lost:
            wait_for(partial(_gone, raylet), 120)
        self._lost, self._headless = [], False
        below = psutil.Process(self._process.pid).children(recursive=True)
        there = [process for process in below if process.name() == "raylet" and alive(process.pid)]
        for _ in range(1 + NODES - len(there)):  # also in place of one that a busy machine made look dead
            self._tell("add")

    def close(self) -> None:
        """End the cluster, in whatever state it is."""
        below = psutil.Process(self._process.pid).children(recursive=True)
        if not self._headless:
            assert self._process.stdin is not None
            self._process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
        for process in (*below, psutil.Process(self._process.pid) if self._process.poll() is None else None):
            if process is not None:
                with suppress(psutil.Error):
                    process.kill()
        self._process.wait(30)

    def node(self, worker: int) -> psutil.Process:
        """Return the process of the node on which a worker is."""
        found = psutil.Process(worker).parent()
        assert found is not None
        assert found.name() == "raylet"
        return found

    def lose(self, raylet: psutil.Process) -> None:
        """Note that a node is gone, or will be soon: `mend` waits for its end and adds another one."""
        self._lost.append(raylet)

    def kill_head(self) -> None:
        """End the process that knows what belongs to the cluster."""
        self._headless = True
        below = psutil.Process(self._process.pid).children(recursive=True)
        next(process for process in below if process.name().startswith("gcs_server")).kill()

    def _open(self) -> None:
        with self._said.open("w") as said, self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, cluster.__file__, str(NODES), json.dumps(DEATH)],
                stdin=subprocess.PIPE, stdout=said, stderr=log, text=True,
            )  # fmt: skip
        try:
            address = self._wait_for(r"\d")
        except AssertionError:
            if self._process.poll() is None:
                self.close()
            raise
        self.flags = ("--engine", "ray", "--address", address)

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        before = len(self._said_of("added"))
        print(command, file=self._process.stdin, flush=True)
        self._wait_for("added", before)

    def _wait_for(self, begin: str, after: int = 0) -> str:
        """Return the line that the cluster says with this beginning, once there are more than `after` of them."""
        deadline = time.monotonic() + OPENED
        while len(found := self._said_of(begin)) <= after:
            there = self._process.poll() is None and time.monotonic() < deadline
            assert there, f"the cluster did not answer: {self._log.read_text()[-3000:]}"
            time.sleep(0.05)
        return found[after]

    def _said_of(self, begin: str) -> list[str]:
        return [line for line in self._said.read_text().split("\n")[:-1] if re.match(begin, line)]


def _gone(process: psutil.Process) -> bool:
    return not alive(process.pid)


def node(scene: Scene) -> str:
    """End the node that has the task, with all that runs on it: the machine is gone."""
    assert isinstance(scene.engine, RayField)
    raylet = scene.engine.node(scene.worker)
    below = raylet.children(recursive=True)
    scene.engine.lose(raylet)
    for process in (raylet, *below):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    scene.stop.open()
    return f"killed node {raylet.pid} and {len(below)} processes on it"


def frozen(scene: Scene) -> str:
    """Cut the node that has the task off from the cluster for a moment."""
    return _apart(scene, SHORT)


def apart(scene: Scene) -> str:
    """Cut the node that has the task off from the cluster, for nearly as long as Ray waits for it."""
    return _apart(scene, LONG)


def _apart(scene: Scene, seconds: float) -> str:
    assert isinstance(scene.engine, RayField)
    raylet = scene.engine.node(scene.worker)
    raylet.suspend()
    scene.stop.open()
    time.sleep(seconds)
    raylet.resume()
    return f"cut node {raylet.pid} off from the cluster for {seconds:g} s"


def partition(scene: Scene) -> str:
    """Cut the node that has the task off from the cluster until it counts as dead and the stream is made without it.

    What its processes have sent to the storage comes there after that, and they go on until Ray ends them.
    """
    assert isinstance(scene.engine, RayField)
    raylet = scene.engine.node(scene.worker)
    silent = [raylet, *raylet.children(recursive=True)]
    for process in silent:
        process.suspend()
    scene.engine.lose(raylet)
    wait_for(lambda: scene.run.codes() or scene.run.over(), 120)
    scene.after += [scene.stop.open, *(partial(_resume, process) for process in silent)]
    return f"cut node {raylet.pid} off from the cluster until its task was taken from it"


def _resume(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()


def head(scene: Scene) -> str:
    """End the head of the cluster."""
    assert isinstance(scene.engine, RayField)
    scene.engine.kill_head()
    scene.stop.open()
    return "killed the head"


FAULTS: dict[str, Callable[[Scene], str]] = {
    "node": node, "frozen": frozen, "apart": apart, "partition": partition, "head": head,
}  # fmt: skip
