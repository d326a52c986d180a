"""How much is kept of what a worker printed."""

from __future__ import annotations

LOG_BYTES = 16 * 1024
"""How much of what a worker printed is kept with a task."""


def tail(text: str) -> str:
    """Return the last `LOG_BYTES` of `text`."""
    return text.encode(errors="replace")[-LOG_BYTES:].decode(errors="replace")
