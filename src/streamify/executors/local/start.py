"""How a worker process is started; and one that starts ahead of need, while the driver still loads its own code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from threading import Event, Lock

from streamify.executors.local.fork_server import PATIENCE, ForkServer
from streamify.executors.local.process import WorkerProcess, spawning

# -P: a json.py in the folder where the user stands is not imported instead of the real one.
COMMAND = (sys.executable, "-P", "-m", "streamify.executors.local.worker")
_FORKS = sys.platform.startswith("linux")  # elsewhere libraries of the system do not survive a fork
CONFINED = "--confined"
"""Behind the command: the worker may read files of Python and of the system alone."""
_KEPT = (
    "HOME", "LD_LIBRARY_PATH", "PATH", "PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH",
    "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "VIRTUAL_ENV",
)  # fmt: skip


class WorkerStarter:
    """Starts worker processes: on Linux by forks of a process that has loaded what they need.

    That process can be started ahead of need: it loads on one core while the driver loads on another, which saves half
    a second in every command that opens media. A context manager, which ends it at the end of the block; where the
    driver is killed, it ends by itself. Methods can be called from any thread; the process, and so its workers, end
    with the thread whose call started it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._servers: dict[frozenset[tuple[str, str]], ForkServer] = {}

    @property
    def ahead(self) -> int | None:
        """Process id of the one that forks workers in the environment of this process, where it runs."""
        server = self._servers.get(_key(worker_environment(os.environ)))
        return server.pid if server is not None and not server.ended else None

    def start_ahead(self) -> None:
        """Start the process that forks workers. Call it from a thread that outlives them; the main one does."""
        if _FORKS:
            with contextlib.suppress(OSError):  # the executor tries again, and reports it
                self._server(worker_environment(os.environ))

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        timeout: float = PATIENCE,
        cancelled: Event | None = None,
    ) -> WorkerProcess:
        """Return a worker that is starting or has started.

        Args:
            command: What starts it.
            environment: Of the worker.
            timeout: Seconds of wall clock that may pass until a worker is forked.
            cancelled: Ends the wait for that.

        Raises:
            OSError: The command cannot be started.
        """
        if not _FORKS or tuple(command) != COMMAND:
            return WorkerProcess(spawning(command, environment))
        return WorkerProcess(partial(self._server(environment).fork, timeout=timeout, cancelled=cancelled))

    def close(self) -> None:
        """End the processes that fork workers, and the workers that are left."""
        with self._lock:
            while self._servers:
                self._servers.popitem()[1].close()

    def _server(self, environment: Mapping[str, str]) -> ForkServer:
        key = _key(environment)
        with self._lock:
            server = self._servers.get(key)
            if server is not None and server.ended:
                server.close()
                server = None
            if server is None:
                server = self._servers[key] = ForkServer(environment)
        return server

    def __enter__(self) -> WorkerStarter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _key(environment: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(environment.items())


def worker_environment(outer: Mapping[str, str], *prefixes: str) -> dict[str, str]:
    """Return the environment of a worker: what finds Python and its files, and otherwise the same everywhere.

    Credentials stay outside, because untrusted media is decoded in there; only where source or stream lie in an object
    store, the variables whose names begin with one of `prefixes` are let in.
    """
    return {name: value for name, value in outer.items() if name in _KEPT or name.startswith(prefixes)} | {
        "LC_ALL": "C.UTF-8",
        # glibc otherwise keeps what one task freed apart from what the next one needs: tasks of a 1080p ladder peaked
        # at 999 MiB, with these at 829 MiB. Scaled pictures up to 720p come from the heap, or the kernel would map
        # and clear each anew: half a per cent of the CPU time (2026-11).
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "1572864",
        "MALLOC_TRIM_THRESHOLD_": "16777216",
        "PYTHONFAULTHANDLER": "1",  # a crash in C leaves the Python stack in the task's log
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "TZ": "UTC",
    }
