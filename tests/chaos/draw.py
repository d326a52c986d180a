"""Which fault happens in which run, and when. Pure: a function of the seed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

STORAGE = ("busy", "lost", "reset", "slow", "cut off")
"""Of the way to the storage: see `chaos.faults`."""
COMMANDS = (*STORAGE, "worker", "driver", "late", "clock", "full")
FAULTS = {
    "local": COMMANDS,
    "ray": (*COMMANDS, "node", "frozen", "head", "apart", "partition"),
    "aws": (*STORAGE, "worker", "driver", "late", "clock"),
}
"""By engine, those that are cheap first."""
DEAR = {"local": ("away",), "ray": ("partition", "head", "away", "apart"), "aws": ()}
"""Those that take more than 20 s, in which nothing happens: one run of twenty draws one of them.

`away` cuts the storage off for longer than it is waited for: half a minute. Not on AWS: the state machine of the tests
goes on with the other items when one has failed, and each would wait as long.
"""


class Drawn(NamedTuple):
    """What is to happen in a run."""

    engine: str
    number: int
    fault: str
    write: int
    """Which write of a task is stopped, from 1."""
    seed: str
    """For what else is drawn."""


def draw(
    engine: str, seed: int, runs: int, writes: int, without: Sequence[str] = (), only: Sequence[str] = ()
) -> list[Drawn]:
    """Return what is to happen in so many runs: each fault about equally often, each at a moment of its own.

    Args:
        engine: Its name.
        seed: Another one gives other runs.
        runs: How many; faults that take long come with the twentieth.
        writes: Of tasks in a run without any fault.
        without: Faults that cannot be made on this machine.
        only: Faults that are drawn, where any are named: in this order.
    """
    dice = Random(f"{engine} {seed}")
    dear = DEAR[engine]
    cheap = [fault for fault in FAULTS[engine] if fault not in dear and fault not in without]
    faults: list[str] = []
    while len(faults) < runs:
        faults += only or dice.sample(cheap, len(cheap))
    for number in range(19, runs if dear and not only else 0, 20):
        faults[number] = dear[number // 20 % len(dear)]
    return [
        Drawn(engine, number, fault, dice.randint(1, max(1, writes - 1)), f"{engine} {seed} {number}")
        for number, fault in enumerate(faults[:runs])
    ]
