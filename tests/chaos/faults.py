"""The faults, by name. Each is made while a write of a task is held; each returns what it did, in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from chaos.base import Field, Run
from chaos.gate import Stop
from faults.proxy import Faults

LATENCY = 0.3
"""Seconds by which requests are late: a hundred times what they take."""
AWAY = 2.0
"""Seconds for which the storage is cut off: it is waited for."""
PUT = frozenset({"PUT"})


@dataclass
class Scene:
    """A job with a task in flight, whose write is held.

    Attributes:
        worker: Process that has the task.
        after: What is to be done once the job, or that which resumed it, is over.
        clock: Of what resumes the job, seconds by which it is off.
        faults: How many there were.
    """

    engine: Field
    run: Run
    stop: Stop
    worker: int
    dice: Random
    after: list[Callable[[], None]] = field(default_factory=list)
    clock: float = 0
    faults: int = 1


def busy(scene: Scene) -> str:
    """Answer the write with 503, and one in twenty of all requests after it."""
    scene.engine.gate.proxy.faults = Faults(busy=0.05)
    scene.stop.open("busy")
    return "answered the write, and 5 % of what follows, with 503"


def lost(scene: Scene) -> str:
    """Lose the answer to the write, and one in twenty of those after it."""
    scene.engine.gate.proxy.faults = Faults(lost=0.05, methods=PUT)
    scene.stop.open("lost")
    return "lost the answer to the write, and to 5 % of those that follow"


def reset(scene: Scene) -> str:
    """Break the write off in the middle, and one in twenty requests after it: the store keeps nothing of it."""
    scene.engine.gate.proxy.faults = Faults(reset=0.05, cut=0.05)
    scene.stop.open("reset")
    return "broke the write off, and 10 % of what follows"


def slow(scene: Scene) -> str:
    """Let the next requests take a hundred times as long."""
    scene.engine.gate.slow(LATENCY, 20)
    scene.stop.open()
    return f"let the next 20 requests take {LATENCY} s longer"


def cut_off(scene: Scene) -> str:
    """Cut all processes off from the storage for a while for which it is waited for."""
    scene.engine.gate.proxy.faults = Faults(reset=1)
    scene.stop.open("reset")
    time.sleep(AWAY)
    scene.engine.gate.heal()
    return f"cut the storage off for {AWAY:g} s"


def away(scene: Scene) -> str:
    """Cut all processes off from the storage until the job gives up."""
    scene.engine.gate.proxy.faults = Faults(reset=1)
    scene.stop.open("reset")
    return "cut the storage off until the job ends"


def worker(scene: Scene) -> str:
    """End the process that has the task; its write reaches the store all the same."""
    did = scene.engine.kill(scene.worker)
    scene.stop.open()
    return did


def driver(scene: Scene) -> str:
    """End what carries the job out; the write in flight reaches the store before the job is resumed."""
    scene.run.kill()
    scene.stop.open()
    return "killed the driver"


def late(scene: Scene) -> str:
    """End what carries the job out; the write in flight reaches the store when another run has made the stream."""
    scene.run.kill()
    scene.after.append(scene.stop.open)
    return "killed the driver, and held its write until another run was over"


def clock(scene: Scene) -> str:
    """End what carries the job out; what resumes it has another idea of the time."""
    scene.clock = scene.dice.choice((-1, 1)) * scene.dice.choice((30.0, 90.0))
    scene.run.kill()
    scene.stop.open()
    return f"killed the driver; the clock of the next one is off by {scene.clock:+g} s"


FAULTS: dict[str, Callable[[Scene], str]] = {
    "busy": busy, "lost": lost, "reset": reset, "slow": slow, "cut off": cut_off, "away": away, "worker": worker,
    "driver": driver, "late": late, "clock": clock,
}  # fmt: skip
"""Those that every engine has."""
