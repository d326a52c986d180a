"""One worker process without credentials or a network, whose storage this process serves.

For places that run one task at a time beside credentials, such as a function of Lambda: what decodes media of strangers
can read its source and write what its task makes, and nothing else. Whoever holds the credentials hides itself with
`streamify.machine.seal.hide`.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from threading import Lock, Thread, current_thread

from streamify.errors import Failure
from streamify.executors.local.process import WorkerProcess, spawning
from streamify.executors.local.start import COMMAND, CONFINED, worker_environment
from streamify.executors.retry import describe_exit, lost
from streamify.executors.wire import REPLY, BeginningFound, Done, Failed, Hello, Progress, Ready, Reply, Work
from streamify.machine import link
from streamify.machine.limits import WorkerLimits
from streamify.machine.seal import Seal
from streamify.machine.usage import peak_bytes
from streamify.model.attempt import Usage
from streamify.model.task import Task
from streamify.storage.base import Stores
from streamify.storage.serving import Reach, StoreServer
from streamify.tasks.reach import reach_of

NO_FILES = WorkerLimits(file_bytes=0)
"""What a sealed worker may use: it writes no file."""
LINK = "table.csp"
"""Name of the link through which it gives FFmpeg what FFmpeg reads from files: tables of colours."""
GRACE = 5.0
"""Seconds by which a deadline moves if there was news when it had passed: perhaps this process stood still."""


@dataclass(frozen=True)
class Patience:
    """How long a task may take, seconds of wall clock."""

    whole: float
    """In which it has to be done."""
    half: float | None = None
    """In which half of it has to be done, as far as its worker tells; ``None``: it is not looked at."""
    cut: bool = False
    """Whether `whole` is all that the caller has: what is not done by then may be done elsewhere, else it hangs."""


class SealedWorker:
    """Runs tasks one after another in a worker process; a task of another job gets another process.

    Args:
        command: What starts the worker.
        environment: Of the worker; by default as little as will do, and no credentials.
        start_timeout: Seconds of wall clock in which it must be ready.
        whole: Refuse to run anything where part of the seal does not hold.
        on_seal: Told once a worker is ready: what of its seal holds.
        reach: Returns what a task may read and write.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str] | None = None,
        start_timeout: float = 120,
        whole: bool = False,
        on_seal: Callable[[Seal], None] | None = None,
        reach: Callable[[Task], Reach] = reach_of,
    ) -> None:
        self._command, self._start_timeout, self._whole = tuple(command), start_timeout, whole
        self._environment = environment or worker_environment(os.environ)
        self._on_seal, self._reach = on_seal, reach
        self._lock = Lock()
        self._live: _Live | None = None
        self._peak, self._log = 0, ""
        self.refused: Seal | None = None
        """What holds of the seal of a worker that was refused."""

    @property
    def peak_bytes(self) -> int:
        """Largest resident size so far of the worker that ran the last task; 0 where none ran."""
        return self._peak

    @property
    def log(self) -> str:
        """The last of what the worker of the last task printed, while it ran that."""
        return self._log

    def run(
        self,
        job: str,
        task: Task,
        stores: Stores,
        patience: Patience | None = None,
        *,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Done | Failed:
        """Run a task once; a worker that is lost is a failure like any other, transient unless the task hung.

        Args:
            job: Whose it is; a worker that has run a task of another one is replaced.
            task: What to run.
            stores: What it may reach part of.
            patience: How long it may take; ``None``: twice the CPU seconds of its budget.
            on_progress: Takes how far it is.
        """
        with self._lock:
            self._log = ""
            try:
                live = self._ready(job)
            except OSError as error:
                cause = f"cannot start {self._command[0]}: {error}"
                return _lost(lost(task.key, "worker-start-failed", cause))
            except _NotReady as error:
                return _lost(lost(task.key, "worker-start-failed", str(error)))
            clock = time.monotonic()
            patience = patience or Patience(2 * task.budget.cpu_seconds)
            reply = live.run(task, stores, self._reach(task), patience, on_progress)
            self._peak = live.peak_bytes
            if reply is None or (isinstance(reply, Failed) and reply.exhausted):
                failure = self._end(task)
                reply = reply or _lost(failure, time.monotonic() - clock)
            self._log = live.log
            return reply

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            if self._live is not None:
                self._live.kill()
                self._live = None

    def _ready(self, job: str) -> _Live:
        live = self._live
        # The kernel ends a worker with the thread that started it.
        if live is not None and (live.job not in (None, job) or live.thread is not current_thread() or live.ended):
            live.kill()
            self._live = live = None
        if live is None:
            self._live = live = _Live(self._command, self._environment)
            try:
                found = live.wait_ready(self._start_timeout)
                if self._on_seal is not None:
                    self._on_seal(found)
                if self._whole and not found.whole:
                    self.refused = found
                    raise _NotReady(f"this platform does not seal workers: {found.to_json().decode()}")
            except _NotReady:
                live.kill()
                self._live = None
                raise
        live.job = job
        return live

    def _end(self, task: Task) -> Failure:
        """End the worker; return why its task has no result."""
        live, self._live = self._live, None
        assert live is not None
        status = live.kill()
        failure = live.broke or describe_exit(task.key, status, task.budget.cpu_seconds)
        # What hangs would hang again, and be billed again.
        return replace(failure, transient=failure.code not in ("worker-hung", "worker-cpu-limit"))


class _NotReady(Exception):
    """A worker did not become ready; the message says why."""


class _Live:
    """A worker process that runs, and its socket."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._closing = ExitStack()
        given = {**environment, link.VARIABLE: str(self._closing.enter_context(link.linked(LINK)))}
        ours, theirs = socket.socketpair()
        try:
            self._process = WorkerProcess(spawning((*command, CONFINED), given, (theirs.fileno(),)))
            hello = Hello(driver=os.getpid(), limits=NO_FILES, channel=theirs.fileno())
        except BaseException:
            ours.close()
            self._closing.close()
            raise
        finally:
            theirs.close()
        self.job: str | None = None
        self.thread: Thread = current_thread()
        self.broke: Failure | None = None
        """Why it is to be ended, where it broke the rules."""
        self._news = False  # whether the last step brought something
        self._server = StoreServer(ours)
        self._selector = selectors.DefaultSelector()
        for descriptor in (self._process.replies, self._process.output, self._server.fileno()):
            self._selector.register(descriptor, selectors.EVENT_READ)
        self._process.send(hello.to_json())

    @property
    def ended(self) -> bool:
        """Whether the process is gone, without having been asked for anything."""
        try:
            return bool(self._process.receive()) or self._process.ended
        except ValueError:
            return True

    def wait_ready(self, seconds: float) -> Seal:
        """Return what of its seal holds once it is ready.

        Raises:
            _NotReady: It is not ready in time.
        """
        deadline = time.monotonic() + seconds
        for replies in self._steps(lambda: deadline - time.monotonic()):
            for reply in replies:
                if isinstance(reply, Ready) and reply.seal is not None:
                    return reply.seal
            if self._process.ended or self.broke is not None:
                raise _NotReady(f"the worker ended before it was ready: {self._process.log[-2000:]}")
        raise _NotReady(f"the worker was not ready within {seconds:g} s")

    @property
    def peak_bytes(self) -> int:
        """Largest resident size so far."""
        return peak_bytes(self._process.pid)

    @property
    def log(self) -> str:
        """The last of what it printed."""
        return self._process.log

    def run(
        self,
        task: Task,
        stores: Stores,
        reach: Reach,
        patience: Patience,
        on_progress: Callable[[Progress], None] | None,
    ) -> Done | Failed | None:
        """Return the reply to a task; ``None`` where there will be none, and the process is to be ended."""
        began, share = time.monotonic(), 0.0
        half = patience.whole if patience.half is None else min(patience.half, patience.whole)

        def left() -> float:
            return began + (patience.whole if share >= 0.5 else half) - time.monotonic()

        self._process.clear_log()
        self._server.begin(stores, reach)
        try:
            self._process.send(Work(task=task).to_json())
            for replies in self._steps(left):
                for reply in replies:
                    if isinstance(reply, Done | Failed) and _key(reply) == task.key:
                        return reply
                    if isinstance(reply, Progress):
                        share = reply.done / max(1, reply.total)
                        if on_progress is not None:
                            on_progress(reply)
                    elif not isinstance(reply, BeginningFound):  # for which nobody waits here
                        self.broke = lost(task.key, "worker-garbled", "the worker answered what it was not asked")
                if self._process.ended or self.broke is not None:
                    return None
            passed = time.monotonic() - began
            said = f"no result within {passed:.0f} s, {share:.0%} was done"
            if patience.cut and passed >= patience.whole:
                self.broke = lost(task.key, "worker-out-of-time", said)
            else:
                self.broke = lost(task.key, "worker-hung", said)
            return None
        finally:
            self._process.read_output()
            self._server.end()

    def kill(self) -> int:
        """End the process; return its exit status."""
        self._selector.close()
        self._server.close()
        self._closing.close()
        return self._process.kill()

    def _steps(self, left: Callable[[], float]) -> Iterator[list[Reply]]:
        """Yield what is replied while seconds are `left`, and then once more; if that brings news, for `GRACE` more."""
        while (seconds := left()) > 0:
            yield self._step(seconds)
        yield self._step(0)
        end = time.monotonic() + (GRACE if self._news else 0)
        while (seconds := max(left(), end - time.monotonic())) > 0:
            yield self._step(seconds)

    def _step(self, seconds: float) -> list[Reply]:
        """Wait for news; do what is asked for, and return what is replied."""
        unsent = self._process.flush()
        events = self._selector.select(min(seconds, 0.01 if unsent else 1))
        self._news = bool(events)
        for key, _ in events:
            try:
                more = self._server.serve() if key.fd == self._server.fileno() else self._listen(key.fd)
            except (TimeoutError, ValueError) as error:
                self.broke = lost("", "worker-garbled", f"the worker asked for what nobody may: {error}")
            except OSError:  # it is dead, and the end of its replies says so
                self._selector.unregister(key.fd)
            else:
                if not more:
                    self._selector.unregister(key.fd)
        try:
            return [REPLY.validate_json(line) for line in self._process.receive()]
        except ValueError as error:
            self.broke = lost("", "worker-garbled", f"the worker sent no valid reply: {error}")
            return []

    def _listen(self, descriptor: int) -> bool:
        """Return whether a pipe of the process may have more to say."""
        if descriptor == self._process.output:
            return self._process.read_output()
        return not self._process.ended


def _key(reply: Done | Failed) -> str:
    return reply.result.key if isinstance(reply, Done) else reply.failure.key


def _lost(failure: Failure, seconds: float = 0) -> Failed:
    usage = Usage(seconds=seconds, cpu_seconds=0, peak_bytes=0, resident_bytes=0)
    return Failed(failure=failure, usage=usage)
