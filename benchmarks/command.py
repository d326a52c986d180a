"""Run a program and see what it took: wall clock, and the CPU time of it and all its descendants."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Took:
    """What one run took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system, of the process and of every descendant that was waited for."""
    output: str
    """What it wrote to stdout."""


class BenchmarkError(Exception):
    """Something that is measured did not run; nothing can be said about it."""


def run(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Took:
    """Run a program to its end.

    Raises:
        BenchmarkError: It failed; the end of what it said is in the message.
    """
    words = [str(word) for word in command]
    # Settings of the user's own would be measured instead; STREAMIFY_CORPUS is ours and no setting.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMIFY_")}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=ROOT,
            env={**clean, **(environment or {})},
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            said = (out.read() + err.read())[-1500:].decode(errors="replace")
            raise BenchmarkError(f"exit code {process.returncode} of: {' '.join(words)[:400]}\n{said}")
        return Took(wall, usage.ru_utime + usage.ru_stime, out.read().decode(errors="replace"))
