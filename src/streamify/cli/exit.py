"""Exit from a signal handler, at once: nothing is imported, raised or waited for, wherever the signal came."""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from streamify.cli.document import Document
from streamify.cli.text import ERASE
from streamify.errors import Interrupted


def end_at_once(number: int, document: Document) -> NoReturn:
    """Say that the command was stopped, and end this process; workers watch for the driver's death.

    Args:
        number: Of the signal.
        document: Written where it is owed.
    """
    # A signal must not call this again between a write and the exit. One that came before is taken by these calls,
    # which ends the process before anything is written here. Not SIG_IGN: of a signal that came before and is ignored
    # when its handler would be called, CPython writes a warning to stderr, which may block.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _nothing)
    error = Interrupted(128 + number)
    if sys.stderr is not None:
        if sys.stderr.isatty():
            _write(2, f"{ERASE}\x1b[?25h")  # the live display hides the cursor, at the start of what it drew
        _write(2, f"streamify: error: {error.message} ({error.hint}) [{error.code}]\n")
    if document.owed:
        _write(1, f'{{"error": {{"code": "{error.code}", "message": "{error.message}", "hint": "{error.hint}"}}}}\n')
    os._exit(error.exit_code)


def _nothing(number: int, _: object) -> None:
    pass


def _write(descriptor: int, text: str) -> None:
    # Nothing is written where a reader left the pipe full or a terminal is stopped: a signal ends the command.
    with suppress(OSError, ValueError):
        if select.select([], [descriptor], [], 0)[1]:
            os.write(descriptor, text.encode())  # short enough to be taken whole (PIPE_BUF)
