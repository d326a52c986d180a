"""What goes to stdout (results) and to stderr (people's lines), and how an error reads.

Results wait for their reader, as those of any command do; a signal ends that wait. Lines on stderr never wait long:
see `writer`. Everything that people read passes `text.visible`; JSON, scripts and YAML are written exactly.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from streamify._project import ERRORS_URL
from streamify.cli.document import Document
from streamify.cli.options import Common
from streamify.cli.text import visible
from streamify.cli.writer import BackgroundWriter
from streamify.errors import REPORT, DestinationError, Failure, StreamifyError, TasksFailed, VerificationFailed, counted


def say(*lines: str) -> None:
    """Write a result for people to stdout."""
    write_exactly("".join(f"{visible(line)}\n" for line in lines))


def print_json(value: Any, document: Document) -> None:
    """Write the one JSON document to stdout. Models give their own JSON; other values must be plain."""
    text = value.to_json().decode() if hasattr(value, "to_json") else json.dumps(value, ensure_ascii=False)
    write_exactly(text + "\n", document)


def write_exactly(text: str, document: Document | None = None) -> None:
    """Write to stdout, all of it. A reader that went away (``| head``) ends the output, not the command.

    Args:
        text: What to write.
        document: Where `text` is the document that is owed.

    Raises:
        DestinationError: ``stdout-unwritable``; once, for what follows goes nowhere.
    """
    if sys.stdout is None:  # closed by whoever started us
        if document is not None:
            document.owed = False
        return
    left, descriptor = encoded(text, sys.stdout), sys.stdout.fileno()
    if document is not None:
        document.owed = False  # as late as can be: whoever interrupts the command before this gets the document
    try:
        while left:
            try:
                left = left[os.write(descriptor, left) :]
            except BlockingIOError:  # whoever shares the descriptor made it non-blocking
                select.select([], [sys.stdout], [])
    except OSError as error:
        failed = unwritable(error, sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise failed from error


def unwritable(error: OSError, stream: TextIO) -> DestinationError:
    """Send what is buffered for `stream`, and what follows, nowhere; return the error to report."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)
    return DestinationError(
        "stdout-unwritable", f"cannot write to stdout: {error.strerror}", "free space where it leads"
    )


def encoded(text: str, stream: TextIO) -> bytes:
    """Return `text` as `stream` would write it; what its encoding lacks as an escape."""
    return text.encode(stream.encoding or "utf-8", "backslashreplace")


def to_stderr(text: str) -> None:
    """Write to stderr what must be said; a reader who takes nothing is waited for a few seconds."""
    if sys.stderr is not None:
        writer = BackgroundWriter(sys.stderr.fileno(), limit=1 << 26)
        writer.put(encoded(text, sys.stderr))
        writer.flush()


def log_line(common: Common, level: str, message: str, **fields: Any) -> str:
    """Return a line for people on stderr; with ``--log-format json`` one JSON object."""
    if common.log_format == "json":
        record = {"time": round(time.time(), 3), "level": level, "message": message} | fields
        return json.dumps(record, ensure_ascii=False) + "\n"
    return f"{time.strftime('%H:%M:%S')} {visible(message)}\n"


def logger(common: Common, level: str) -> Callable[..., None]:
    """Return the function that logs a message and fields from any thread, without waiting."""
    writer = BackgroundWriter(sys.stderr.fileno()) if sys.stderr is not None else None

    def log(message: str, **fields: Any) -> None:
        if writer is not None:
            writer.put(encoded(log_line(common, level, message, **fields), sys.stderr))

    return log


def failure(error: StreamifyError, common: Common, trace: str = "") -> int:
    """Report an expected error; return its exit code. Where a document was written before, stderr alone tells of it.

    Args:
        error: What to report.
        common: The global options.
        trace: The traceback of a bug, which is shown with ``-v``.
    """
    failed = getattr(error, "failure", None)  # of a single task
    trace = (trace or (failed.log if isinstance(failed, Failure) else "")) if common.verbose else ""
    if common.log_format == "json":
        more = {"trace": trace} if trace else {}
        to_stderr(log_line(common, "error", error.message, code=error.code, hint=error.hint, **more))
    else:
        to_stderr("".join(f"{visible(line)}\n" for line in _lines(error, trace, verbose=common.verbose)))
    if common.document.owed:
        print_json({"error": _document(error)}, common.document)
    return error.exit_code


def bug(error: Exception, common: Common) -> int:
    """Report what we did not expect: one line, the traceback only with ``-v``."""
    import traceback

    what = " ".join(f"{type(error).__name__}: {error}".split())
    trace = "".join(traceback.format_exception(error))
    return failure(StreamifyError("bug", f"a fault in Streamify itself: {what}", REPORT), common, trace)


def _lines(error: StreamifyError, trace: str, *, verbose: bool) -> list[str]:
    message, details = error.message, [f"  {line}" for line in trace.splitlines()]
    if isinstance(error, TasksFailed):
        message = f"{counted(len(error.failures), 'task')} failed"
        for item in error.failures:
            details.append(f"  {item.key}: {item} [{item.code}] after {counted(item.attempts, 'attempt')}")
            details += [f"      {line}" for line in item.log.splitlines() if verbose]
    if isinstance(error, VerificationFailed):
        message = f"{counted(len(error.faults), 'fault')} found"
        details += [f"  {fault}" for fault in error.faults]
    hint = f" ({error.hint})" if error.hint else ""
    more = f"streamify error {error.code}, {ERRORS_URL}#{error.code}"
    return [f"streamify: error: {message}{hint} [{error.code}]; more: {more}", *details]


def _document(error: StreamifyError) -> dict[str, Any]:
    document: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
    if isinstance(error, TasksFailed):
        document["failures"] = [vars(item) for item in error.failures]
    if isinstance(error, VerificationFailed):
        document["faults"] = list(error.faults)
    return document
