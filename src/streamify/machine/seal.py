"""Sealing: what a process gives up before it decodes media of strangers, and how another one hides from it. Linux only.

A sealed process has no network, starts no program, writes no file, opens no other process and signals none; all that
it may use are the descriptors it has, memory, and reading files. Its filter (seccomp(2)) cannot be taken off.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from streamify.machine.syscalls import ABIS, JUDGED, UNKNOWN, Abi
from streamify.model.base import Frozen

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38  # linux/prctl.h
_SET_FILTER, _ALL_THREADS = 1, 1  # linux/seccomp.h: SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000  # SECCOMP_RET_*
_LOAD, _EQUAL, _AT_LEAST, _ANY_OF, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32 = 0x40000000
_CLONE_THREAD = 0x10000


class Seal(Frozen):
    """What of a seal holds. Each part was tried out: a platform may refuse the calls that make it."""

    filtered: bool = False
    """No network, no programs, no files written, no other process opened or signalled."""
    parent_hidden: bool = False
    """Environment and memory of the parent process cannot be read."""
    confined: bool = False
    """No files are read but those of Python and of the system, and nothing of any other process; see
    `streamify.machine.confine`. Kernels before 5.13 have no such thing."""

    @property
    def whole(self) -> bool:
        """Whether what every platform can give holds."""
        return self.filtered and self.parent_hidden


def seal() -> Seal:
    """Seal this process for good; return what of it holds. Threads that run already are sealed with it."""
    hidden = not _can_read(os.getppid())  # before the filter, which refuses more than a decoder might find a way round
    with suppress(OSError):
        _install(filter_program(ABIS[platform.machine()], os.getpid()))
    return Seal(filtered=_refused(), parent_hidden=hidden, confined=_confined())


def hide() -> None:
    """Let no other process of the same user read this one's environment and memory, where the platform allows it.

    Lambda is said to refuse prctl(2) with EPERM; `Seal.parent_hidden` tells what came of it.
    """
    with suppress(OSError):
        _prctl(_PR_SET_DUMPABLE, 0)


def filter_program(abi: Abi, own: int) -> bytes:
    """Return the filter as BPF instructions.

    Args:
        abi: Of the machine.
        own: Process id, which may signal itself.
    """
    return b"".join(struct.pack("=HBBI", *one) for one in _instructions(abi, own))


def _instructions(abi: Abi, own: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield code, jump if true, jump if false, and operand."""
    numbers = abi.numbers
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _EQUAL, 1, 0, abi.audit
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER
    yield _AT_LEAST, 0, 1, _X32
    yield _RETURN, 0, 0, _KILL
    for name in UNKNOWN:
        yield from _when(numbers[name], [(_RETURN, 0, 0, _REFUSE | errno.ENOSYS)])
    for name, argument in (("open", 1), ("openat", 2)):
        if name in numbers:
            yield from _when(numbers[name], [_argument(argument), (_ANY_OF, 0, 1, writing), *_verdicts()])
    # A thread is no new process.
    yield from _when(numbers["clone"], [_argument(0), (_ANY_OF, 1, 0, _CLONE_THREAD), *_verdicts()])
    yield from _when(numbers["tgkill"], [_argument(0), (_EQUAL, 1, 0, own), *_verdicts()])
    yield from _when(numbers["prlimit64"], [_argument(0), (_EQUAL, 1, 0, 0), *_verdicts()])
    for name, number in numbers.items():
        if name not in (*UNKNOWN, *JUDGED):
            yield from _when(number, [(_RETURN, 0, 0, _REFUSE | errno.EPERM)])
    yield _RETURN, 0, 0, _ALLOW


def _when(number: int, then: list[tuple[int, int, int, int]]) -> Iterator[tuple[int, int, int, int]]:
    yield _EQUAL, 0, len(then), number
    yield from then


def _argument(index: int) -> tuple[int, int, int, int]:
    """Load the lower half of an argument: flags and process ids have no upper one."""
    return _LOAD, 0, 0, _ARGUMENTS + 8 * index


def _verdicts() -> tuple[tuple[int, int, int, int], ...]:
    """Refuse, or, one instruction on, allow."""
    return (_RETURN, 0, 0, _REFUSE | errno.EPERM), (_RETURN, 0, 0, _ALLOW)


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _install(program: bytes) -> None:
    """Put a filter over all threads of this process.

    Raises:
        OSError: The platform refuses it.
    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    held = ctypes.create_string_buffer(program, len(program))
    given = _Program(len(program) // 8, ctypes.cast(held, ctypes.c_void_p).value)
    number = _SECCOMP[platform.machine()]
    if _libc().syscall(number, _SET_FILTER, _ALL_THREADS, ctypes.byref(given)) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def _refused() -> bool:
    """Return whether the filter is there: it refuses what any process may do."""
    try:
        os.pidfd_open(os.getpid())
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _confined() -> bool:
    """Return whether a file is refused that any process may read."""
    try:
        Path("/proc/version").read_bytes()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _can_read(pid: int) -> bool:
    """Return whether this process can read another one's environment or memory."""
    for name in ("environ", "mem"):
        with suppress(OSError), Path(f"/proc/{pid}/{name}").open("rb") as file:
            file.read(0 if name == "mem" else 1)
            return True
    return False


def _prctl(option: int, value: int) -> None:
    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, "prctl")
    if _libc().prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
