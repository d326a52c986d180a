"""The address of a cluster, and whether anybody answers there: looked at before Ray tries, which waits for minutes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from streamify.errors import DestinationError, UsageError

ANSWER = 5.0
"""Seconds in which the port of a cluster must take a connection."""
GREET = 10.0
"""Seconds in which the server that took the connection must reply over gRPC, as Ray does."""
CONNECT = 25.0
"""Seconds in which the cluster must take the driver, beside those for that reply."""
START = 120.0
"""Seconds in which a Ray of this machine must be there."""
PORT, CLIENT_PORT = 6379, 10001
"""Of a head node by default: for drivers of its network, and for those outside."""
NO_RAY = "see that HOST:PORT is the port of Ray's head, and that no firewall or proxy is between"
"""What helps where a port answers, and no Ray."""
_CLOSED = ("closed channel", "Ray Client is not connected")
"""What errors of no kind of their own say through ``ray://``, where the client connects again or has given up."""
FIND = "name the head node as `ray start --head` shows it: --address HOST:6379, or ray://HOST:10001"


@dataclass(frozen=True)
class Address:
    """Where a cluster is."""

    text: str
    """As Ray takes it."""
    host: str
    port: int

    @property
    def join(self) -> str:
        """What a machine gives to `ray start` to become a node. Of ``ray://`` the host is known, and no such port."""
        host = self.dialled.rpartition(":")[0]
        return f"{host}:{PORT}" if self.client else self.text

    @property
    def client(self) -> bool:
        """Whether it is the port for drivers outside the cluster's network."""
        return self.text.startswith("ray://")

    @property
    def dialled(self) -> str:
        """As gRPC takes it."""
        return self.text.removeprefix("ray://")

    def check(self, patience: float = ANSWER) -> None:
        """Return once somebody takes a connection there.

        Raises:
            DestinationError: ``ray-unreachable``, nobody does.
        """
        try:
            with socket.create_connection((self.host, self.port), patience):
                pass
        except OSError as error:
            raise unreachable(self.text, str(error)) from error


def parse(text: str) -> Address:
    """Return the address that ``HOST:PORT`` or ``ray://HOST:PORT`` names; without a port, the usual one.

    Raises:
        UsageError: ``ray-address``, it is neither.
    """
    client = text.startswith("ray://")
    host, colon, port = text.removeprefix("ray://").rpartition(":")
    if not colon:
        host, port = port, str(CLIENT_PORT if client else PORT)
    host = host.strip("[]")  # of an IPv6 address
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError("ray-address", f"--address '{text}' is no address of a Ray cluster", FIND)
    shown = f"[{host}]" if ":" in host else host
    return Address(f"{'ray://' if client else ''}{shown}:{port}", host, int(port))


def unreachable(address: str, why: str, hint: str = FIND) -> DestinationError:
    """Return the error of a cluster that does not answer."""
    return DestinationError("ray-unreachable", f"no Ray cluster answers at {address}: {why}", hint)


def not_started(why: str) -> DestinationError:
    """Return the error of a Ray of this machine that does not start."""
    return DestinationError("ray-start-failed", f"Ray does not start on this machine: {why}", "see `ray start`")


def refused(address: str, why: str) -> DestinationError:
    """Return the error of a cluster that wants another token."""
    hint = "set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH, as on the head node"
    return DestinationError("ray-auth", f"the cluster at {address} refuses this machine: {why}", hint)


@contextmanager
def wire_errors() -> Iterator[None]:
    """Call Ray in the body.

    Raises:
        ConnectionError: Instead of the `ValueError` of gRPC and the bare `Exception` of Ray's client that say so.
    """
    try:
        yield
    except Exception as error:
        if type(error) in (ValueError, Exception) and any(words in str(error) for words in _CLOSED):
            raise ConnectionError(str(error)) from error
        raise
