"""A call of a command: what happened comes in its environment and on stdin, never through a shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import suppress

PATIENCE = 600.0
"""Seconds after which a command is killed."""


def run(command: tuple[str, ...], delivery: str, body: bytes, ending: threading.Event) -> str | None:
    """Run a command; return ``None`` if it ended with status 0, else what went wrong.

    Args:
        command: Program and arguments.
        delivery: Id of the call, the same for every try.
        body: JSON, given on stdin; its plain values are in the environment as ``JOB_...`` too.
        ending: Set when the process that waits for it ends: the command is killed, and called again later.
    """
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=os.environ | variables(delivery, body), start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    done: list[bytes] = []
    reader = threading.Thread(target=lambda: done.append(_talk(process, body)), daemon=True)
    reader.start()
    waited = 0.0
    while reader.is_alive() and waited < PATIENCE and not ending.is_set():
        reader.join(0.2)
        waited += 0.2
    if reader.is_alive():
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        reader.join(5)
        return "killed, for this process ends" if ending.is_set() else f"killed after {PATIENCE:g} s"
    if process.returncode == 0:
        return None
    last = (done[0] if done else b"").decode(errors="replace").strip().splitlines()[-1:]
    return ": ".join([f"exit status {process.returncode}", *last])[:300]


def variables(delivery: str, body: bytes) -> dict[str, str]:
    """Return what a command is told in its environment."""
    told = json.loads(body)
    values = {"JOB_EVENT": told["type"], "JOB_DELIVERY": delivery}
    for key, value in told["data"].items():
        values[f"JOB_{key.upper()}"] = "" if value is None else str(value)
    return {key: value.replace("\0", "") for key, value in values.items()}


def _talk(process: subprocess.Popen[bytes], body: bytes) -> bytes:
    with suppress(OSError, ValueError):
        return process.communicate(body)[1]
    return b""
