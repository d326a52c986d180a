"""The process that forks workers: ``python -P -m streamify.executors.local.forking DESCRIPTOR DRIVER``.

To load FFmpeg and the models takes 0.6 s of CPU time, to fork 5 ms, and a stream that somebody waits for needs three
workers in its first second. This process opens no media and has one thread, so that no fork inherits a lock that is
held. It is the parent of its workers. It reaps one when the driver asks for its exit status, and not before: until then
the process id of a dead worker cannot become another's.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from streamify.executors.local.fork_server import LONGEST
from streamify.machine.limits import die_with_driver

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamify.executors.attempt import Run

    Work = Callable[[int, Run, int], None]


def main() -> None:
    """Fork workers until the driver is gone. Never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver
    control = socket.socket(fileno=int(sys.argv[-2]))
    control.set_inheritable(False)
    with contextlib.suppress(PermissionError):  # prctl(2) is refused: the end of the socket has to do
        die_with_driver(int(sys.argv[-1]))
    gc.disable()  # nothing of what is loaded becomes garbage: to look for some takes 20 ms (2026-11)
    from streamify.executors.attempt import real_run
    from streamify.executors.local.worker import work

    run = real_run()
    gc.freeze()  # what is loaded stays: forks share its pages, and need not look through it
    gc.enable()
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, LONGEST, 3)
        if not request:
            os._exit(0)
        if descriptors:
            control.send(_fork(control, descriptors, work, run))
        else:
            control.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(int(request), 0)[1]))


def _fork(control: socket.socket, descriptors: list[int], work: Work, run: Run) -> bytes:
    """Fork a worker with three descriptors: for tasks, for what it prints, and replies. Return its id, or why not."""
    parent, (begun, begins) = os.getpid(), os.pipe()
    try:
        pid = os.fork()
        answer = b"%d" % pid
    except OSError as error:
        pid, answer = -1, f"no worker can be forked: {error}".encode()
    if pid == 0:
        control.close()
        os.setsid()  # before the driver knows of it, and could kill its group
        for descriptor in (begun, begins):
            os.close(descriptor)
        tasks, output, replies = descriptors
        for given, number in ((tasks, 0), (output, 1), (output, 2)):
            os.dup2(given, number)
        os.close(tasks)
        os.close(output)
        work(replies, run, parent)
    os.close(begins)
    os.read(begun, 1)  # its end has closed: it leads its session, is dead, or never was
    os.close(begun)
    for descriptor in descriptors:
        os.close(descriptor)
    return answer


if __name__ == "__main__":
    main()
