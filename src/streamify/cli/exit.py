"""Exit from a signal handler, at once: nothing is imported, raised or waited for, wherever the signal came."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from typing import NoReturn

from streamify.cli.text import ERASE
from streamify.errors import Interrupted


def end_at_once(number: int, *, as_json: bool) -> NoReturn:
    """Say that the command was stopped, and end this process; workers watch for the driver's death.

    Args:
        number: Of the signal.
        as_json: A document is owed to stdout.
    """
    error = Interrupted(128 + number)
    if sys.stderr is not None:
        if sys.stderr.isatty():
            _write(2, f"{ERASE}\x1b[?25h")  # the live display hides the cursor, at the start of what it drew
        _write(2, f"streamify: error: {error.message} ({error.hint}) [{error.code}]\n")
    if as_json:
        _write(1, f'{{"error": {{"code": "{error.code}", "message": "{error.message}", "hint": "{error.hint}"}}}}\n')
    os._exit(error.exit_code)


def _write(descriptor: int, text: str) -> None:
    # Nothing is written where a reader left the pipe full or a terminal is stopped: a signal ends the command.
    with suppress(OSError, ValueError):
        if select.select([], [descriptor], [], 0)[1]:
            os.write(descriptor, text.encode())  # short enough to be taken whole (PIPE_BUF)
