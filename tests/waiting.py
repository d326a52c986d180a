"""How tests wait: for a state, with a deadline that is there for what never comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class NotWithin(AssertionError):
    """What a test waited for did not come in time. `second_chance` tells it from a wrong value."""


def wait_until(what: Callable[[], Any], seconds: float = 60, *, fault: bool = False) -> Any:
    """Return the value of `what` as soon as it is true.

    With `fault`, what never becomes true is a wrong value, as a process that stays: no slow machine is the reason.

    Raises:
        NotWithin: It was not true in time.
        AssertionError: The same, with `fault`.
    """
    deadline = time.monotonic() + seconds
    while not (value := what()):
        if time.monotonic() >= deadline:
            raise (AssertionError if fault else NotWithin)(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)
    return value
