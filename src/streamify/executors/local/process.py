"""One worker process and its three pipes, seen from the driver; nothing here blocks but the wait for a killed child."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from streamify.executors.log import LOG_BYTES

_LONGEST_REPLY = 64 << 20
_CHUNK = 1 << 16


class Child(Protocol):
    """A process that was started: what is needed of a `subprocess.Popen`."""

    pid: int

    def poll(self) -> int | None:
        """Return its exit status once it has been reaped; until then its process id cannot be another's."""

    def wait(self) -> int:
        """Wait for its end; return its exit status, a signal as a negative number."""


Start = Callable[[int, int, int], Child]
"""Starts a process with descriptors for tasks (its stdin), for what it prints, and for its replies.

Raises:
    OSError: It cannot be started.
"""


def spawning(command: Sequence[str], environment: Mapping[str, str], inherited: Sequence[int] = ()) -> Start:
    """Return what starts a program; it leads a session of its own.

    Args:
        command: The program; the number of its reply descriptor is appended.
        environment: Of the process.
        inherited: Descriptors that it gets beside the three.
    """

    def start(tasks: int, output: int, replies: int) -> Child:
        return subprocess.Popen(
            [*command, str(replies)],
            stdin=tasks,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(replies, *inherited),  # and close every other one
            start_new_session=True,
            env=dict(environment),
        )

    return start


class WorkerProcess:
    """A plain child process: works from a REPL, a notebook, and without a ``__main__`` guard.

    It leads a session of its own, so that Ctrl-C in the terminal reaches the driver alone, and so that killing its
    group takes along whatever it started.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, start: Start) -> None:
        theirs, self.tasks = os.pipe()
        self.output, printed = os.pipe()
        self.replies, answered = os.pipe()
        try:
            self._child = start(theirs, printed, answered)
        except BaseException:
            self._close()
            raise
        finally:
            for descriptor in (theirs, printed, answered):
                os.close(descriptor)
        self.pid = self._child.pid
        for descriptor in (self.replies, self.tasks, self.output):
            os.set_blocking(descriptor, False)
        self.ended = False
        """Whether the worker closed its end of the replies, which only its end does."""
        self._unsent = bytearray()
        self._unread = bytearray()
        self._log = bytearray()

    def send(self, line: bytes) -> bool:
        """Queue a line and write what the pipe takes; see `flush`."""
        self._unsent += line + b"\n"
        return self.flush()

    def flush(self) -> bool:
        """Write what the pipe takes. Return whether anything is left."""
        try:
            while self._unsent:
                del self._unsent[: os.write(self.tasks, self._unsent[:_CHUNK])]
        except BlockingIOError:
            return True
        except BrokenPipeError:  # it is dead, and the end of its replies says so
            self._unsent.clear()
        return False

    def receive(self) -> list[bytes]:
        """Return the lines that have arrived; sets `ended`.

        Raises:
            ValueError: A reply is longer than any that a worker sends.
        """
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self.replies, _CHUNK):
                self._unread += chunk
                if len(self._unread) > _LONGEST_REPLY:
                    raise ValueError(f"a reply of more than {_LONGEST_REPLY} bytes")
            self.ended = True
        *lines, rest = self._unread.split(b"\n")
        self._unread = bytearray(rest)
        return [bytes(line) for line in lines]

    def read_output(self) -> bool:
        """Take in what the worker printed, up to 1 MiB at a time. Return whether it may print more."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(16):
                chunk = os.read(self.output, _CHUNK)
                if not chunk:
                    return False
                self._log += chunk
                del self._log[:-LOG_BYTES]
        return True

    def clear_log(self) -> None:
        """Drop what was printed so far: a new task begins."""
        self.read_output()
        self._log.clear()

    @property
    def log(self) -> str:
        """The end of what was printed, as far as `read_output` has read it, since `clear_log`."""
        return self._log.decode(errors="replace")

    def pause(self) -> None:
        """Stop the process and its group where they are, until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> int:
        """End the process and its group, read the rest of its output, close the pipes. Return its exit status."""
        self._signal(signal.SIGKILL)
        status = self._child.wait()
        self.read_output()
        self._close()
        return status

    def _close(self) -> None:
        for descriptor in (self.replies, self.tasks, self.output):
            os.close(descriptor)

    def _signal(self, number: signal.Signals) -> None:
        if self._child.poll() is None:  # not reaped, so its id cannot be another's
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
