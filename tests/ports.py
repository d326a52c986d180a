"""Ports for servers that cannot choose one themselves, or whose port others must know first."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

PORTS = range(20_000, 32_000)
"""Below those that Linux gives to connections and to who asks for any port, above those of Ray's workers."""


@contextmanager
def reserved_port(ports: range = PORTS) -> Iterator[int]:
    """Give a port of the loopback interface that no other test of this machine gets meanwhile.

    "Look for a free port, then have a server listen there" lets two tests that run at once find the same one. So the
    UDP port of the same number is taken as a lock: the kernel gives it to one process, and takes it back with it.
    """
    for port in random.sample(ports, len(ports)):
        with socket.socket(type=socket.SOCK_DGRAM) as lock:
            try:
                lock.bind(("127.0.0.1", port))
                _listen(port)
            except OSError:
                continue
            yield port
            return
    raise AssertionError(f"all ports of {ports} are taken")


def _listen(port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(("127.0.0.1", port))
        trial.listen()
