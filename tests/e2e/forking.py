"""Runs command lines in forks of a process that has imported all of Streamify already.

Importing takes more CPU time than most commands do, and tests run hundreds. A fork is a process of its own, with
its own descriptors, environment, working folder and exit code; what begins before the imports end - signals, the worker
that starts ahead - is tested with `COMMAND` itself. So is how the process is started that forks workers: here it is a
fork as well, which carries out `streamify.executors.local.forking` as the one does that is started. In three things it
differs: variables that an interpreter or the C library reads at its start (PYTHONHASHSEED, MALLOC_*, PYTHONPATH, and so
the `sitecustomize` of a `Halt`) have no effect, it is forked before the command has read its arguments, and it ends
with the main thread of the command instead of the thread that wanted it.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

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
    from streamify.cli.main import main
    from streamify.executors.local import fork_server

    code: object = 70
    spare = _Spare(fork_server._COMMAND)
    vars(fork_server)["subprocess"] = SimpleNamespace(**vars(subprocess) | {"Popen": spare.start})
    try:
        os.environ.clear()
        os.environ.update(request["env"])  # type: ignore[call-overload]
        os.chdir(str(request["cwd"]))
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.close(out)
        os.close(err)
        sys.argv = ["streamify", *request["args"]]  # type: ignore[misc]
        main()
    except SystemExit as end:
        code = end.code
    finally:  # as an interpreter ends
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        spare.close()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


class _Spare:
    """A fork that waits to become the process that forks workers; it is made before there is a second thread.

    It is a child of the command's process, as the one that is started would be. It serves the first time that one is
    wanted; any other time one is started as usual.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._lock = threading.Lock()
        self._way, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            self._way.close()
            _become(theirs)
        theirs.close()

    def start(self, command: Sequence[str], *, pass_fds: Sequence[int], env: Mapping[str, str], **more: Any) -> Any:
        """Do what `subprocess.Popen` does."""
        with self._lock:
            pid, self._pid = self._pid, 0
        if not pid or list(command[:-2]) != self._command:
            return subprocess.Popen(command, pass_fds=pass_fds, env=env, **more)
        errors, writes = os.pipe()
        with self._way:
            socket.send_fds(self._way, [b"."], [*pass_fds, writes])
            self._way.sendall(json.dumps([command[-1], dict(env), str(Path.cwd())]).encode())
        os.close(writes)
        return _Started(pid, errors)

    def close(self) -> None:
        """End it where it was not wanted."""
        self._way.close()
        if self._pid:
            os.waitpid(self._pid, 0)


class _Started:
    """What is needed of a `subprocess.Popen`."""

    def __init__(self, pid: int, errors: int) -> None:
        self.pid, self.stderr = pid, os.fdopen(errors, "rb")
        self._lock = threading.Lock()
        self._status: int | None = None

    def poll(self) -> int | None:
        with self._lock:
            if self._status is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self._status = os.waitstatus_to_exitcode(status) if pid else None
            return self._status

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        while (status := self.poll()) is None:
            time.sleep(0.001)
        return status


def _become(way: socket.socket) -> NoReturn:
    """Wait for what the process that forks workers is given, and go on as it. Never returns."""
    from streamify.executors.local import forking

    try:
        found, descriptors, *_ = socket.recv_fds(way, 1, 2)
        if not found:
            os._exit(0)  # the command needed no worker
        with way, way.makefile("rb") as text:
            driver, environment, folder = json.loads(text.read())
        os.chdir(folder)
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        control, errors = (os.dup2(one, 100 + place) for place, one in enumerate(descriptors))
        for given, number in ((null, 0), (null, 1), (errors, 2)):
            os.dup2(given, number)
        os.closerange(3, control)
        os.closerange(control + 1, 1024)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        faulthandler.enable()
        sys.argv = [forking.__file__, str(control), driver]
        forking.main()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


if __name__ == "__main__":
    serve(sys.argv[1])
