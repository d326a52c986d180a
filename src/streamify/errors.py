"""Every error Streamify raises on purpose, with its exit code.

Tree::

    StreamifyError
    ├── UsageError              exit 2   a flag, a settings key or a value is wrong
    ├── SourceError             exit 3   the source cannot be used
    ├── TasksFailed             exit 4   tasks failed; each is listed with its cause
    ├── JobsFailed              exit 4   of several jobs, some failed; each is recorded with its cause
    ├── DestinationError        exit 5   DEST, the storage or the engine cannot be used
    ├── VerificationFailed      exit 6   verify found a fault
    ├── CapExceeded             exit 7   refused by a cap
    └── Interrupted             exit 130 / 143   SIGINT / SIGTERM; run the same command again to go on
        └── JobCancelled        exit 143   `streamify cancel`; resume goes on

An error says what is wrong, where, and how to fix it. `code` is a stable word that the reference page
``docs/reference/errors.md`` lists, one heading each.
"""

from __future__ import annotations

from dataclasses import dataclass

REPORT = "please report it with the output of the same command and -v"
"""What to do about a bug of ours."""


def counted(number: int, word: str) -> str:
    """Return ``1 task`` or ``2 tasks``."""
    return f"{number} {word}{'s'[: number != 1]}"


class StreamifyError(Exception):
    """Root of all expected errors.

    Args:
        code: Stable identifier, lower case with dashes; the heading in ``docs/reference/errors.md``.
        message: What is wrong and where.
        hint: How to fix it.
        transient: Whether the same may succeed at the next try.
    """

    exit_code = 1

    def __init__(self, code: str, message: str, hint: str = "", *, transient: bool = False) -> None:
        super().__init__(code, message, hint)  # all three, so that it survives pickling
        self.code = code
        self.message = message
        self.hint = hint
        self.transient = transient

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(StreamifyError):
    """A flag, a settings key or a value is wrong."""

    exit_code = 2


class SourceError(StreamifyError):
    """The source cannot be used: unreadable, not media, damaged beyond use, or of an unsupported kind."""

    exit_code = 3


@dataclass(frozen=True)
class Failure:
    """Why a task, or one attempt at it, failed; the same value in every process and on every engine.

    Attributes:
        key: The task's key.
        code: Stable identifier of the cause.
        cause: What happened, one line.
        attempts: How often it was tried so far.
        log: Last lines that the worker wrote to its stderr, or "".
        hint: How to fix it, or "".
        exit_code: That of the error which the task raised; 4 where its worker was lost, 1 for a bug.
        transient: Whether the task may succeed at the next try.
        signal: Name of the signal that ended the worker, where one did.
    """

    key: str
    code: str
    cause: str
    attempts: int = 1
    log: str = ""
    hint: str = ""
    exit_code: int = 4
    transient: bool = False
    signal: str | None = None

    def __str__(self) -> str:
        return f"{self.cause} ({self.hint})" if self.hint else self.cause


class TasksFailed(StreamifyError):
    """One or more tasks failed; `failures` lists every one of them."""

    exit_code = 4

    def __init__(self, failures: tuple[Failure, ...], hint: str = "") -> None:
        lines = "; ".join(f"{f.key}: {f} [{f.code}, {counted(f.attempts, 'attempt')}]" for f in failures)
        super().__init__("tasks-failed", f"{counted(len(failures), 'task')} failed: {lines}", hint)
        self.args = (failures, hint)
        self.failures = failures


class JobsFailed(StreamifyError):
    """Of several jobs some failed; what is known of each stands in its record."""

    exit_code = 4

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__("jobs-failed", message, hint)
        self.args = (message, hint)


class DestinationError(StreamifyError):
    """DEST, the storage or the engine cannot be used."""

    exit_code = 5


class VerificationFailed(StreamifyError):
    """`verify` or the certificate found a fault; `faults` names each."""

    exit_code = 6

    def __init__(self, faults: tuple[str, ...], hint: str = "") -> None:
        super().__init__("verification-failed", f"{counted(len(faults), 'fault')}: " + "; ".join(faults), hint)
        self.args = (faults, hint)
        self.faults = faults


class CapExceeded(StreamifyError):
    """The job is larger than a cap, which the user set or which stands by default."""

    exit_code = 7


class Interrupted(StreamifyError):
    """The run was stopped by a signal; what is finished stays finished."""

    def __init__(
        self,
        exit_code: int,
        message: str = "stopped before it was finished",
        hint: str = "run the same command again to go on",
    ) -> None:
        super().__init__("interrupted", message, hint)
        self.args = (exit_code, message, hint)
        self.exit_code = exit_code


class JobCancelled(Interrupted):
    """The job was cancelled from elsewhere; what is finished stays finished."""

    def __init__(self, dest: str) -> None:
        hint = f"go on with: streamify resume {dest}"
        super(Interrupted, self).__init__("cancelled", f"the job at {dest} was cancelled", hint)
        self.args = (dest,)
        self.exit_code = CANCELLED_EXIT


CANCELLED_EXIT = 143
"""That of SIGTERM, which ends a job in the same order."""


def error_for(exit_code: int) -> type[StreamifyError]:
    """Return the class of the errors with an exit code that take code, message and hint; the root where none does."""
    kinds: tuple[type[StreamifyError], ...] = (UsageError, SourceError, DestinationError, CapExceeded)
    return next((kind for kind in kinds if kind.exit_code == exit_code), StreamifyError)
