"""What goes to stdout (results) and to stderr (people's lines), and how an error reads."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import IO, TYPE_CHECKING, Any

from streamify.errors import DestinationError, StreamifyError, TasksFailed, VerificationFailed

if TYPE_CHECKING:
    from streamify.cli.common import Common

_PAGE = "docs/reference/errors.md"


def _write(stream: IO[str] | None, text: str) -> None:
    """Write and flush. A reader that went away (``| head``), or a full disk under stderr, ends the output, not the job.

    Raises:
        DestinationError: ``stdout-unwritable``; once, for what follows goes nowhere.
    """
    if stream is None:  # closed by whoever started us
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        failed = unwritable(error, stream)
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            raise failed from error


def unwritable(error: OSError, stream: IO[str]) -> DestinationError:
    """Send what is buffered for `stream`, and what follows, nowhere; return the error to report."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)
    return DestinationError(
        "stdout-unwritable", f"cannot write to stdout: {error.strerror}", "free space where it leads"
    )


def say(text: str) -> None:
    """Write a result for people to stdout."""
    _write(sys.stdout, text if text.endswith("\n") else text + "\n")


def print_json(document: Any) -> None:
    """Write the one JSON document to stdout. Models give their own JSON; other values must be plain."""
    text = document.to_json().decode() if hasattr(document, "to_json") else json.dumps(document, ensure_ascii=False)
    _write(sys.stdout, text + "\n")


def log(common: Common, level: str, message: str, **fields: Any) -> None:
    """Write a line for people to stderr; with ``--log-format json`` as one JSON object."""
    if common.log_format == "json":
        record = {"time": round(time.time(), 3), "level": level, "message": message} | fields
        _write(sys.stderr, json.dumps(record, ensure_ascii=False) + "\n")
    else:
        _write(sys.stderr, f"{time.strftime('%H:%M:%S')} {message}\n")


def failure(error: StreamifyError, common: Common) -> int:
    """Report an expected error; return its exit code."""
    document: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
    message, details = error.message, []
    if isinstance(error, TasksFailed):
        document["failures"] = [vars(item) for item in error.failures]
        message = f"{len(error.failures)} task(s) failed"
        for item in error.failures:
            details.append(f"{item.key}: {item} [{item.code}] after {item.attempts} attempt(s)")
            if common.verbose and item.log:
                details += [f"    {line}" for line in item.log.splitlines()]
    if isinstance(error, VerificationFailed):
        document["faults"] = list(error.faults)
        message = f"{len(error.faults)} fault(s) found"
        details += list(error.faults)
    if common.json:
        print_json({"error": document})
    if common.log_format == "json":
        log(common, "error", error.message, code=error.code, hint=error.hint)
    else:
        hint = f" ({error.hint})" if error.hint else ""
        line = " ".join(f"streamify: error: {message}{hint} [{error.code}] {_PAGE}#{error.code}".split())
        _write(sys.stderr, "\n  ".join([line, *details]) + "\n")
    return error.exit_code


def bug(error: Exception, common: Common) -> int:
    """Report what we did not expect: one line, the traceback only with ``-v``."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    if common.verbose:
        import traceback

        _write(sys.stderr, "".join(traceback.format_exception(error)))
    hint = "please report it with the output of the same command and -v"
    return failure(StreamifyError("bug", f"a fault in Streamify itself: {what}", hint), common)
