"""Runs command lines in forks of a process that has imported all of Streamify already.

Importing takes more CPU time than most commands do, and tests run hundreds. A fork is a process of its own, with
its own descriptors, environment, working folder and exit code; what begins before the imports end - signals, the worker
that starts ahead - is tested with `COMMAND` itself.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

ALREADY = ("boto3", "botocore.auth", "obstore.store")


@dataclass(frozen=True)
class Done:
    """How a command line ended; a signal is a negative code."""

    code: int
    out: str
    err: str


class Forks:
    """Starts the process that forks when it is first needed."""

    def __init__(self) -> None:
        self.cpu = 0.0
        """CPU seconds of all commands and of what they started."""
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="streamify-forks-")
        self._address = str(Path(self._folder.name) / "socket")

    def run(self, args: Sequence[str], cwd: Path | None, timeout: float) -> Done:
        """Run ``streamify ARGS`` to its end, in the environment of this process.

        Raises:
            TimeoutError: It took longer than `timeout` seconds; it was killed.
        """
        self._start()
        request = {"args": list(args), "cwd": str(cwd or Path.cwd()), "env": dict(os.environ)}
        with (
            socket.socket(socket.AF_UNIX) as way,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            way.connect(self._address)
            socket.send_fds(way, [b"."], [out.fileno(), err.fileno()])
            with way.makefile("rwb") as lines:
                lines.write(json.dumps(request).encode() + b"\n")
                lines.flush()
                pid = int(lines.readline())
                way.settimeout(timeout)
                try:
                    code, cpu = lines.readline().split()
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise
            self.cpu += float(cpu)
            return Done(int(code), *(_text(file.fileno()) for file in (out, err)))

    def close(self) -> None:
        """End the process that forks."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(10)
        self._folder.cleanup()

    def _start(self) -> None:
        with self._lock:
            if self._server is None:
                command = [sys.executable, __file__, self._address]
                self._server = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
                assert self._server.stdout is not None
                with self._server.stdout as ready:
                    assert ready.readline() == b"ready\n"


def _text(file: int) -> str:
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(os.dup(file), encoding="utf-8") as text:
        return text.read()


def serve(address: str) -> None:
    """Fork for every connection; the fork forks once more for the command, and waits for it."""
    import streamify

    for module in pkgutil.walk_packages(streamify.__path__, "streamify."):
        if not module.name.endswith(("__main__", "ray.cluster")):  # Ray is not always there, and starts threads
            import_module(module.name)
    for name in ALREADY:
        import_module(name)
    signal.signal(signal.SIGCHLD, _reap)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(64)
        os.write(1, b"ready\n")
        os.dup2(0, 1)
        while True:
            way, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _wait_for_command(way)
            way.close()


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _wait_for_command(way: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        _, descriptors, *_ = socket.recv_fds(way, 1, 2)
        with way.makefile("rwb") as lines:
            request = json.loads(lines.readline())
            if (pid := os.fork()) == 0:
                lines.close()
                way.close()
                _command(request, *descriptors)
            lines.write(f"{pid}\n".encode())
            lines.flush()
            _, status, usage = os.wait4(pid, 0)
            lines.write(f"{os.waitstatus_to_exitcode(status)} {usage.ru_utime + usage.ru_stime}\n".encode())
    finally:
        os._exit(0)


def _command(request: dict[str, object], out: int, err: int) -> None:
    code: object = 70
    try:
        os.environ.clear()
        os.environ.update(request["env"])  # type: ignore[call-overload]
        os.chdir(str(request["cwd"]))
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.close(out)
        os.close(err)
        sys.argv = ["streamify", *request["args"]]  # type: ignore[misc]
        from streamify.cli.main import main

        main()
    except SystemExit as end:
        code = end.code
    finally:  # as an interpreter ends
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    serve(sys.argv[1])
