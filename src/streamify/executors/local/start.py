"""How a worker process is started; and one that starts ahead of need, while the driver still loads its own code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence

from streamify.executors.local.process import WorkerProcess

# -P: a json.py in the folder where the user stands is not imported instead of the real one.
COMMAND = (sys.executable, "-P", "-m", "streamify.executors.local.worker")
_KEPT = (
    "HOME", "LD_LIBRARY_PATH", "PATH", "PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH",
    "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "VIRTUAL_ENV",
)  # fmt: skip


class WorkerStarter:
    """Starts worker processes, and one ahead of need: the first executor that asks for one like it takes it over.

    It loads FFmpeg on one core while the driver loads on another: half a second for every command that opens media.
    A context manager, which ends the worker that nobody took; one whose driver is killed ends by itself.
    """

    def __init__(self) -> None:
        self._ahead: tuple[Mapping[str, str], WorkerProcess] | None = None

    @property
    def ahead(self) -> int | None:
        """Process id of the worker that waits to be taken over."""
        return self._ahead[1].pid if self._ahead is not None else None

    def start_ahead(self) -> None:
        """Start a worker. Call it from a thread that outlives the worker; the main one does."""
        with contextlib.suppress(OSError):  # the executor tries again, and reports it
            environment = worker_environment(os.environ)
            self._ahead = environment, WorkerProcess(COMMAND, environment)

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> WorkerProcess:
        """Return a worker that is starting or has started, the one of `start_ahead` if it is of the same kind.

        Raises:
            OSError: The command cannot be started.
        """
        if self._ahead is not None and tuple(command) == COMMAND and self._ahead[0] == environment:
            process, self._ahead = self._ahead[1], None
            return process
        return WorkerProcess(command, environment)

    def __enter__(self) -> WorkerStarter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ahead is not None:
            self._ahead[1].kill()
            self._ahead = None


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
