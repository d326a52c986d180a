"""Looks at the nodes of a cluster, again and again, until its head has not answered for long."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event, Thread

from streamify.executors.ray.news import Node

LOOK = 2.0
"""Seconds from look to look."""
LOST = 20.0
"""Seconds for which the head may not answer. Ray ends the driver's process after 60."""

Nodes = tuple[Node, ...]


def watch(
    look: Callable[[], Nodes], broken: tuple[type[Exception], ...], stop: Event, see: Callable[[Nodes], None]
) -> Exception | str | None:
    """Look until `stop` is set; return why the cluster counts as gone, or ``None``.

    Args:
        look: Returns the nodes; may last for ever: through ``ray://`` it does where the head is gone.
        broken: What `look` raises where the head does not answer.
        stop: Ends it.
        see: Called with what each look found.
    """
    answered = time.monotonic()
    why: Exception | str = f"its head has not answered for {LOST:g} s"
    looking: Future[Nodes] | None = None
    while not stop.wait(LOOK):
        looking = looking or _begun(look)
        try:
            nodes = looking.result(LOOK)
        except broken as error:
            looking, why = None, error
        except TimeoutError as error:
            if looking.done() and looking.exception() is error:  # of the look itself: it is over
                looking, why = None, error
        else:
            looking, answered = None, time.monotonic()
            see(nodes)
        if time.monotonic() - answered > LOST:
            return why
    return None


def _begun(look: Callable[[], Nodes]) -> Future[Nodes]:
    """Look in a thread of its own."""
    found: Future[Nodes] = Future()

    def run() -> None:
        try:
            found.set_result(look())
        except Exception as error:  # not swallowed: who waits raises it
            found.set_exception(error)

    Thread(target=run, name="streamify-ray-look", daemon=True).start()
    return found
