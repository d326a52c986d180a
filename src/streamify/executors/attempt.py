"""One attempt at a task in this process, with whatever it raises turned into a value."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable

from streamify.errors import REPORT, Failure, StreamifyError
from streamify.executors.log import tail
from streamify.executors.throttle import Throttle
from streamify.executors.wire import Done, Failed
from streamify.machine.usage import peak_bytes, resident_bytes
from streamify.model.attempt import Attempt, Stages, Usage
from streamify.model.progress import OnProgress
from streamify.model.result import Beginning, Result
from streamify.model.task import SplitTask, Task
from streamify.storage.base import Stores

Run = Callable[..., Result]
"""`streamify.tasks.run.run_task`, or what a test puts in its place: called with a task, its stores and an `OnProgress`,
and for a split that is to tell of the beginning with an `OnBeginning` too."""

OnBeginning = Callable[[Beginning], None]
"""Takes the beginning of a film."""


def real_run() -> Run:
    """Return `run_task`. Imported here, because it loads FFmpeg, and tests with a `Run` of their own do without."""
    from streamify.tasks.run import run_task

    return run_task


def attempt(
    task: Task,
    stores: Stores,
    run: Run,
    progress: OnProgress | None = None,
    on_beginning: OnBeginning | None = None,
) -> Done | Failed:
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

    try:
        more = (on_beginning,) if isinstance(task, SplitTask) and task.begin else ()
        result = run(task, stores, Throttle(progress) if progress is not None else None, *more)
    except StreamifyError as error:
        failure = failure_of(task.key, error)
        return Failed(failure=failure, usage=usage())
    except MemoryError as error:
        # A worker that leaked meets its limit here; a fresh one has all of it again.
        cause = _line(f"out of memory: {error}" if str(error) else "out of memory")
        log = tail(traceback.format_exc())
        failure = Failure(task.key, "worker-out-of-memory", cause, log=log, transient=True)
        return Failed(failure=failure, usage=usage(), exhausted=True)
    except Exception as error:
        cause, log = _line(f"{type(error).__name__}: {error}"), tail(traceback.format_exc())
        failure = Failure(task.key, "internal-error", cause, log=log, exit_code=1, hint=REPORT)
        return Failed(failure=failure, usage=usage())
    return Done(result=result, usage=usage())


def failure_of(key: str, error: StreamifyError) -> Failure:
    """Return an expected error of the task `key` as a value."""
    code, cause = error.code, _line(error.message)
    return Failure(key, code, cause, hint=error.hint, exit_code=error.exit_code, transient=error.transient)


def begun(
    key: str, number: int, worker: str, started: float, *, second: bool = False, more_memory: int | None = None
) -> Attempt:
    """Return an attempt as it begins."""
    return Attempt(
        task=key, number=number, worker=worker, started=started, second=second, more_memory=more_memory,
        outcome="running",
    )  # fmt: skip


def finished(attempt: Attempt, reply: Done, paused: float = 0) -> Attempt:
    """Return an attempt that gave a result, as it ends now; `paused` in seconds."""
    return _ended(attempt, paused, "finished", stages=Stages.of(reply.result), usage=reply.usage)


def failed(
    attempt: Attempt, failure: Failure, *, again: bool, usage: Usage | None = None, paused: float = 0
) -> Attempt:
    """Return an attempt that failed, as it ends now; `again`: another follows."""
    return _ended(attempt, paused, "retried" if again else "failed", usage=usage, failure=failure)


def cut_off(attempt: Attempt, paused: float = 0, **more: object) -> Attempt:
    """Return an attempt that was cut off now: with its job, or because another one goes on."""
    return _ended(attempt, paused, "cancelled", **more)


def _ended(attempt: Attempt, paused: float, outcome: str, **more: object) -> Attempt:
    return attempt.model_copy(update={"ended": time.time(), "paused": round(paused, 4), "outcome": outcome, **more})


def _line(text: str) -> str:
    return " ".join(text.split())
