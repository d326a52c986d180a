"""Whether a node can take part in a job. Pure."""

from __future__ import annotations

import re

from streamify.errors import DestinationError
from streamify.executors.ray.wire import Build, Card

CLOCK = 120
"""Seconds by which the clock of a node may be off. Claims and certificates compare times of several machines."""


def unfit(card: Card, own: Build, since: float, until: float) -> DestinationError | None:
    """Return why no task may run where a card comes from, if none may.

    Args:
        card: Of a process of a node.
        own: Build of the driver.
        since: When the place was asked for, seconds since the epoch on the driver's clock: the card is younger.
        until: When the driver read the card.
    """
    build, host = card.build, card.host
    if build.streamify != own.streamify:
        return DestinationError(
            "ray-node-unfit",
            f"node {host} has Streamify {build.streamify}, this machine {own.streamify}",
            f"install the same on every node: pip install 'streamify[ray]=={own.streamify}'",
        )
    if build.av != own.av:
        return DestinationError(
            "ray-node-unfit",
            f"node {host} has PyAV {build.av}, this machine {own.av}: its codecs make other bytes",
            f"install the same on every node: pip install av=={own.av}",
        )
    if build.machine != own.machine:
        return DestinationError(
            "ray-node-unfit",
            f"node {host} is {build.machine}, this machine {own.machine}: codecs make other bytes there",
            "use nodes of one architecture, and start the job on one of them",
        )
    off = max(since - card.time, card.time - until)
    if off > CLOCK:
        return DestinationError(
            "ray-node-clock",
            f"the clock of node {host} is off by {off:.0f} s",
            "set the clocks of all machines by NTP, for example with chrony",
        )
    return None


_FAILED = re.compile(r"(?:ModuleNotFoundError|ImportError): (?:No module named '([\w.]+)'|([^\n]*))")
_NODE = re.compile(r"\bip=([\w.:]+)")


def not_loaded(text: str) -> str | None:
    """Return what a node lacks, by the error of a function that could not be loaded there; ``None``: it is another one.

    Args:
        text: Of the error, with its traceback: the first error of several is the cause of the others.
    """
    found = _FAILED.search(text)
    if found is None:
        return None
    module, said = found.groups()
    address = _NODE.search(text)
    node = f"node {address[1]}" if address is not None else "a node"
    if module is None:
        return f"{node} cannot load what Streamify needs: {said[:200]}"
    if module.partition(".")[0] == "streamify":
        return f"{node} does not have Streamify as this machine has it: no module {module}"
    return f"{node} lacks a package that Streamify needs: no module {module}"
