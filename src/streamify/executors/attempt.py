"""One attempt at a task in this process, with whatever it raises turned into a value."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable

from streamify.errors import StreamifyError
from streamify.executors.log import tail
from streamify.executors.throttle import Throttle
from streamify.executors.wire import Again, Done, Failed, Usage
from streamify.machine.usage import peak_bytes, resident_bytes
from streamify.model.progress import OnProgress
from streamify.model.task import Result, Task
from streamify.storage.base import Stores

Run = Callable[[Task, Stores, OnProgress | None], Result]
"""`streamify.tasks.run.run_task`, or what a test puts in its place."""


def real_run() -> Run:
    """Return `run_task`. Imported here, because it loads FFmpeg, and tests with a `Run` of their own do without."""
    from streamify.tasks.run import run_task

    return run_task


def attempt(task: Task, stores: Stores, run: Run, progress: OnProgress | None = None) -> Done | Failed:
    """Run `task` once; `progress` is called at most `PER_SECOND` times a second.

    Only what is no `Exception` (KeyboardInterrupt, SystemExit) passes through.
    """
    clock, cpu = time.monotonic(), time.process_time()

    def usage() -> Usage:
        resident = resident_bytes()
        return Usage(
            seconds=time.monotonic() - clock,
            cpu_seconds=time.process_time() - cpu,
            peak_bytes=max(resident, peak_bytes()),  # the kernel counts lazily, so the peak can lag behind
            resident_bytes=resident,
        )

    def failed(code: str, cause: str, exit_code: int, again: Again, trace: str = "", hint: str = "") -> Failed:
        line = " ".join(cause.split())
        return Failed(code=code, cause=line, hint=hint, exit_code=exit_code, again=again, trace=trace, usage=usage())

    try:
        result = run(task, stores, Throttle(progress) if progress is not None else None)
    except StreamifyError as error:
        # A storage may recover within seconds; every other expected error is the same at the next try.
        again: Again = "yes" if error.code == "storage-failed" else "no"
        return failed(error.code, error.message, error.exit_code, again, hint=error.hint)
    except MemoryError as error:
        # A worker that leaked meets its limit here; a fresh one has all of it again.
        cause = f"out of memory: {error}" if str(error) else "out of memory"
        return failed("worker-out-of-memory", cause, 4, "fresh", tail(traceback.format_exc()))
    except Exception as error:
        return failed("internal-error", f"{type(error).__name__}: {error}", 1, "no", tail(traceback.format_exc()))
    return Done(result=result, usage=usage())
