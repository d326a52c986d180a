"""How a worker process is started; and one that starts ahead of need, while the driver still loads its own code."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streamify.executors.local.process import WorkerProcess

# -P: a json.py in the folder where the user stands is not imported instead of the real one.
COMMAND = (sys.executable, "-P", "-m", "streamify.executors.local.worker")
_KEPT = (
    "HOME", "LD_LIBRARY_PATH", "PATH", "PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH",
    "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "VIRTUAL_ENV",
)  # fmt: skip


@dataclass(frozen=True)
class _Spare:
    environment: Mapping[str, str]
    process: WorkerProcess


_spares: list[_Spare] = []


def start_ahead() -> None:
    """Start a worker that the first local engine takes over where it needs one like it.

    It loads FFmpeg on one core while the driver loads on another: half a second for every command that opens media.
    Call it from a thread that outlives the worker; the main one does. A worker that nobody took ends with the driver.
    """
    with contextlib.suppress(OSError):  # the engine tries again, and reports it
        environment = worker_environment(os.environ)
        _spares.append(_Spare(environment, WorkerProcess(COMMAND, environment)))


def start_worker(command: Sequence[str], environment: Mapping[str, str]) -> WorkerProcess:
    """Return a worker that is starting or has started, the one of `start_ahead` if it is of the same kind.

    Raises:
        OSError: The command cannot be started.
    """
    for spare in _spares:
        if tuple(command) == COMMAND and spare.environment == environment:
            _spares.remove(spare)
            return spare.process
    return WorkerProcess(command, environment)


@atexit.register
def end_spares() -> None:
    """End the workers that nobody took."""
    while _spares:
        _spares.pop().process.kill()


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
