"""How often a stream that grows on AWS is looked at. Pure."""

from __future__ import annotations

LEAST, MOST, SHARE = 3, 100, 10
"""Seconds until the next look: this part of what the job has taken, within bounds. Each look is three transitions, and
an execution has 25,000 events: a day is 900 looks."""


def look_wait(taken: float) -> int:
    """Return the whole seconds until the next look, by those that the job has taken."""
    return round(max(LEAST, min(MOST, taken / SHARE)))
