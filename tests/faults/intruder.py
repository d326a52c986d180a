"""The real worker loop round a task that tries what somebody would who owns the decoder; it tells what it got.

Started by its path as the `command` of a sealed worker. `attempts` also runs in a process that is not sealed, where
they must succeed: else a refusal would prove nothing.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from streamify.errors import SourceError
from streamify.executors.local.worker import main
from streamify.model.progress import OnProgress
from streamify.model.result import Result
from streamify.model.source import SourceRef
from streamify.model.task import SplitTask, Task
from streamify.storage.base import Stores

SECRET = "the-token-of-the-function"
"""Where it is found, credentials are."""
METADATA = "169.254.169.254"
LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH, PTRACE_DETACH = 16, 17


def attempts(parent: int, runtime: str, store: str) -> dict[str, str]:
    """Return what could be done that has to do with no storage, by name.

    Args:
        parent: Process id of the one that holds the credentials.
        runtime: Host and port of the runtime's interface.
        store: Host and port of the object store.
    """
    tried: dict[str, Callable[[], object]] = {
        "its own environment": lambda: _find(json.dumps(dict(os.environ)).encode()),
        "the parent's environment": lambda: _find(Path(f"/proc/{parent}/environ").read_bytes()),
        "the parent's memory": lambda: _memory(parent),
        "the parent's descriptors": lambda: str(os.stat(f"/proc/{parent}/fd/0")),  # noqa: PTH116
        "ptrace": lambda: _ptrace(parent),
        "process_vm_readv": lambda: _vm_read(parent),
        "a descriptor of a process": lambda: str(os.pidfd_open(parent)),
        "a signal to the parent": lambda: os.kill(parent, 0),
        "the runtime's interface": lambda: _reach(runtime),
        "the metadata service": lambda: _datagram(METADATA),
        "the object store": lambda: _reach(store),
        "a socket of another kind": lambda: str(socket.socketpair()),
        "a datagram": lambda: _datagram("127.0.0.1"),
        "a program": lambda: subprocess.run(["/bin/true"], check=True).args[0],
        "a child": _fork,
        "a file": lambda: tempfile.mkstemp()[1],
        "a folder": tempfile.mkdtemp,
        "a link": lambda: os.symlink("x", f"{tempfile.gettempdir()}/link-{os.getpid()}"),  # noqa: PTH211
        "a thread's socket": lambda: _in_thread(lambda: str(socket.socket())),
        "shared memory": lambda: _system("shmget", 0, 4096, 0o1600),
        "io_uring": lambda: _call(425, 1, ctypes.create_string_buffer(120)),
    }
    return {name: told for name, attempt in tried.items() if (told := _told(attempt)) is not None}


def on_storage(stores: Stores, source: SourceRef, others: dict[str, str]) -> dict[str, str]:
    """Return what could be done with the storage that is no part of the task, by name.

    Args:
        stores: Of the task.
        source: Of the task.
        others: Keys of another job: its ``source`` in the uploads, and its ``report`` from DEST on.
    """
    other = source.model_copy(update={"key": others["source"]})
    tried: dict[str, Callable[[], object]] = {
        "another source": lambda: str(stores.open_source(other).read(9)),
        "another version": lambda: str(stores.uploads.open(source.key, "x").read(9)),
        "a report of another job": lambda: str(stores.media.get(others["report"])),
        "the report of its own": lambda: str(stores.media.get("report.json")),
        "a manifest": lambda: stores.media.put("master.m3u8", b"#EXTM3U"),
        "a manifest of another job": lambda: stores.media.put(others["report"], b"{}"),
        "a segment that is not planned": lambda: str(stores.media.put_new("video/a-00000000/00000.m4s", b"x")),
        "a ledger entry": lambda: stores.media.put(".streamify/ledger/a-00000000/00000.json", b"{}"),
        "a listing": lambda: str(list(stores.media.list())),
        "a deletion": lambda: stores.media.delete(".streamify/plan.json"),
    }
    return {name: told for name, attempt in tried.items() if (told := _told(attempt)) is not None}


def run(task: Task, stores: Stores, progress: OnProgress | None = None) -> Result:
    """Try everything; fail with what was got, and with what must still work."""
    assert isinstance(task, SplitTask)
    given = json.loads(sys.argv[1])
    got = attempts(os.getppid(), given["runtime"], given["store"])
    got |= on_storage(stores, task.source, given["others"])
    kinds = {link.split(":")[0] for one in Path("/proc/self/fd").iterdir() if (link := _told(one.readlink)) is not None}
    with stores.open_source(task.source) as file:
        head = file.read(8)
    found = {"got": got, "kinds": sorted(kinds), "head": head.hex(), "pid": os.getpid()}
    raise SourceError("segment-undecodable", json.dumps(found))


def _told(attempt: Callable[[], object]) -> str | None:
    try:
        return str(attempt())
    except BaseException:
        return None


def _find(data: bytes) -> str:
    if SECRET.encode() not in data:
        raise LookupError
    return SECRET


def _memory(pid: int) -> str:
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb") as memory:
        for line in maps:
            if "[stack]" in line:
                first, _, last = line.split()[0].partition("-")
                memory.seek(int(first, 16))
                return _find(memory.read(int(last, 16) - int(first, 16)))
    raise LookupError


def _ptrace(pid: int) -> str:
    if LIBC.ptrace(PTRACE_ATTACH, pid, None, None) != 0:
        raise OSError(ctypes.get_errno())
    os.waitpid(pid, 0)
    LIBC.ptrace(PTRACE_DETACH, pid, None, None)
    return "attached"


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _vm_read(pid: int) -> str:
    first = int(next(line for line in Path("/proc/self/maps").read_text().splitlines()).partition("-")[0], 16)
    held = ctypes.create_string_buffer(8)
    ours, theirs = _Piece(ctypes.addressof(held), 8), _Piece(first, 8)
    done = LIBC.process_vm_readv(pid, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
    # EFAULT: it was allowed, and only the address is not there.
    if done < 0 and ctypes.get_errno() == 1:
        raise PermissionError
    return "allowed"


def _reach(address: str) -> str:
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        return str(connection)


def _datagram(host: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect((host, 80))
        return str(one)


def _fork() -> str:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return "forked"


def _in_thread(attempt: Callable[[], str]) -> str:
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(_told(attempt)))
    thread.start()
    thread.join()
    if found[0] is None:
        raise PermissionError
    return found[0]


def _system(name: str, *arguments: int) -> str:
    if (got := getattr(LIBC, name)(*arguments)) < 0:
        raise OSError(ctypes.get_errno())
    return str(got)


def _call(number: int, *arguments: object) -> str:
    if LIBC.syscall(number, *arguments) < 0 and ctypes.get_errno() == 1:
        raise PermissionError
    return "allowed"


if __name__ == "__main__":
    main(run)
