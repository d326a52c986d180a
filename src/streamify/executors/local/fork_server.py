"""The process that forks workers, seen from the driver. It loads nothing more than a command does that starts early."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from threading import Event, Lock

LONGEST = 4096
"""Bytes of a request, and of an answer."""

_COMMAND = (sys.executable, "-P", "-m", "streamify.executors.local.forking")
PATIENCE = 120
"""Seconds that it may take to load, or to answer."""
_LOOK = 0.1
"""Seconds after which a wait looks whether it is cancelled."""


class ForkServer:
    """A process that has loaded all that workers need, see `streamify.executors.local.forking`.

    It ends with the thread that started it. Its methods can be called from any thread.

    Args:
        environment: Of the process and of its workers.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._lock = Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._process = subprocess.Popen(
                [*_COMMAND, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env=dict(environment),
            )
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()
        self.pid = self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process is gone, and its workers with it."""
        return self._process.poll() is not None

    def fork(
        self, tasks: int, output: int, replies: int, *, timeout: float = PATIENCE, cancelled: Event | None = None
    ) -> Forked:
        """Return a worker with these descriptors; wait until the process has loaded.

        Where it does not answer in time, it is ended.

        Args:
            tasks: Descriptor from which the worker reads.
            output: For what it prints.
            replies: For its replies.
            timeout: Seconds of wall clock that it may take.
            cancelled: Ends the wait and, as where it does not answer in time, the process with all of its workers: also
                those of other pools that share its `WorkerStarter`.

        Raises:
            OSError: There is none.
        """
        try:
            answer = self._ask(b"fork", tasks, output, replies, timeout=timeout, cancelled=cancelled)
        except TimeoutError as error:
            raise TimeoutError(f"the process that forks workers did not answer within {timeout:g} s") from error
        except ConnectionError:
            answer = b""
        if not answer.isdigit():
            raise OSError(answer.decode(errors="replace") or self._last_words())
        return Forked(self, int(answer))

    def reap(self, pid: int) -> int:
        """Wait for the end of a worker; return its exit status, a signal as a negative number."""
        try:
            return int(self._ask(b"%d" % pid))
        except (OSError, ValueError):  # the process has ended, and its workers were killed with it
            return -signal.SIGKILL

    def close(self) -> None:
        """End the process, and the workers that are left."""
        self._process.kill()
        self._process.wait()
        self._control.close()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _ask(
        self, request: bytes, *descriptors: int, timeout: float = PATIENCE, cancelled: Event | None = None
    ) -> bytes:
        with self._lock:
            deadline = time.monotonic() + timeout
            self._control.settimeout(timeout)
            try:
                socket.send_fds(self._control, [request], descriptors)
                while True:
                    self._control.settimeout(_LOOK)
                    try:
                        return self._control.recv(LONGEST)
                    except TimeoutError:
                        if time.monotonic() >= deadline or (cancelled is not None and cancelled.is_set()):
                            raise
            except TimeoutError:
                self._process.kill()  # a late answer would be taken for that to the next request
                raise

    def _last_words(self) -> str:
        assert self._process.stderr is not None
        lines = self._process.stderr.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"the process that forks workers ended with status {self._process.wait()}"


class Forked:
    """A worker that was forked: what `WorkerProcess` needs of a `subprocess.Popen`."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._server = server
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return its exit status once it may have been reaped; until then its process id cannot be another's."""
        if self._status is None and self._server.ended:  # which killed its workers, and init reaps them
            self._status = -signal.SIGKILL
        return self._status

    def wait(self) -> int:
        """Wait for its end; return its exit status."""
        if self._status is None:
            self._status = self._server.reap(self.pid)
        return self._status
