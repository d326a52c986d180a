"""Machines of a Ray cluster as network namespaces on one bridge, each with its own address and name. For root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

OUTSIDE = 254
"""Last number of this machine's own address on the bridge."""
QUICK = {"RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "3000"}
"""Settings by which Ray takes a node for dead that has not answered for 20 s."""


@dataclass(frozen=True)
class Machine:
    """One of them."""

    name: str
    """Of host and namespace."""
    address: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """What runs a command line there."""
        named = 'hostname "$0" && exec "$@"'
        return ("ip", "netns", "exec", self.name, "unshare", "--uts", "sh", "-c", named, self.name)

    def cut_off(self) -> None:
        """Let nothing come there any more, and nothing from there: no connection is closed."""
        _do("ip", "link", "set", self.name, "down")

    def has(self, pid: int) -> bool:
        """Return whether a process is there."""
        return _said("ip", "netns", "identify", str(pid)) == self.name


@dataclass(frozen=True)
class Machines:
    """A head, which takes no tasks, and machines that take one at a time."""

    head: Machine
    others: tuple[Machine, ...]
    environment: dict[str, str]
    """Of Ray and of drivers."""


def possible() -> bool:
    """Return whether there can be such machines: only root may make namespaces, where the kernel lets it."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "unshare", "hostname"))):
        return False
    try:
        with _network(f"sp{os.getpid()}", 0):
            return True
    except (subprocess.CalledProcessError, OSError):
        return False


@contextmanager
def machines(count: int) -> Iterator[Machines]:
    """Start a head and so many others; whatever happens, nothing of them stays."""
    name = f"sf{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="x", dir="/tmp") as folder, _network(name, count + 1) as found:
        head, *others = found
        environment = os.environ | QUICK | {
            "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4, "RAY_TMPDIR": folder,
            "RAY_USAGE_STATS_ENABLED": "0",
        }  # fmt: skip
        begin = (sys.executable, "-m", "ray.scripts.scripts", "start", "--node-ip-address")
        subprocess.run(
            [*head.prefix, *begin, head.address, "--head", "--num-cpus=0", "--include-dashboard=false"],
            env=environment, check=True, stdout=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip
        starts = [
            subprocess.Popen(
                [*other.prefix, *begin, other.address, "--num-cpus=1", f"--address={head.address}:6379"],
                env=environment, stdout=subprocess.DEVNULL,
            )
            for other in others
        ]  # fmt: skip
        assert [start.wait(120) for start in starts] == [0] * count
        yield Machines(head, tuple(others), environment)


@contextmanager
def _network(name: str, count: int) -> Iterator[list[Machine]]:
    """Make namespaces whose names and addresses are numbered from 1, on a bridge to which this machine belongs."""
    network = f"198.18.{os.getpid() % 256}"  # of addresses that no network uses (RFC 2544)
    found = [Machine(f"{name}-{number}", f"{network}.{number}") for number in range(1, count + 1)]
    try:
        _do("ip", "link", "add", name, "type", "bridge")
        _do("ip", "address", "add", f"{network}.{OUTSIDE}/24", "dev", name)
        _do("ip", "link", "set", name, "up")
        for one in found:
            _do("ip", "netns", "add", one.name)
            _do("ip", "link", "add", one.name, "type", "veth", "peer", "name", "eth0", "netns", one.name)
            _do("ip", "link", "set", one.name, "master", name, "up")
            _do("ip", "-n", one.name, "address", "add", f"{one.address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _do("ip", "-n", one.name, "link", "set", device, "up")
            # Ray looks which address leads to one outside; else it waits for names to be resolved.
            _do("ip", "-n", one.name, "route", "add", "default", "via", f"{network}.{OUTSIDE}")
        yield found
    finally:
        for one in found:
            for pid in _said("ip", "netns", "pids", one.name).split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            _said("ip", "netns", "delete", one.name)
        _said("ip", "link", "delete", name)


def _do(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _said(*command: str) -> str:
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
