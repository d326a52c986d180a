"""The real worker loop round tasks of a sealed worker that do what their key says."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress

from streamify.errors import SourceError, StreamifyError
from streamify.executors.local.worker import main
from streamify.model.progress import OnProgress
from streamify.model.result import CheckResult, Result
from streamify.model.task import Task
from streamify.storage.base import Stores


def run(task: Task, stores: Stores, progress: OnProgress | None = None) -> Result:
    """Do what the key says; the result tells the process id."""
    match task.key:
        case "exit":
            os._exit(3)
        case "abort":
            os.abort()
        case "garble":
            os.write(int(sys.argv[-1]), b"no reply\n")
            time.sleep(60)
        case "ask":
            os.write(channel(), b"\xff" * 100)
            time.sleep(60)
        case "requests" | "requests without end":
            while True:
                for _ in range(20):
                    with suppress(StreamifyError):  # none of its keys
                        stores.media.get("x")
                if task.key == "requests":
                    break
        case "spin":
            while True:
                pass
        case "sleep":
            time.sleep(60)
        case "raise":
            raise SourceError("segment-undecodable", "as told")
        case "bug":
            raise ZeroDivisionError
        case "exhaust":
            raise MemoryError
        case "environment":
            raise SourceError("secret" if "secret" in str(os.environ) else "none-of-it", "as told")
    return CheckResult(key=task.key, faults=(), frames=os.getpid())


def channel() -> int:
    """Return the descriptor of the socket."""
    return next(one for one in range(3, 64) if is_socket(one))


def is_socket(descriptor: int) -> bool:
    """Return whether a descriptor is a socket."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")  # noqa: PTH115
    except OSError:
        return False


if __name__ == "__main__":
    main(run)
