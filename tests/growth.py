"""Whether what something costs grows with its input, and not with the square of it: told apart on any machine."""

from __future__ import annotations

import time
from collections.abc import Callable

TIMES = 8
LIMIT = 25
"""Linear work takes 8 times as long for 8 times the input, quadratic work 64 times: 25 is three times off both."""
TRIES = 5
"""What else runs on the machine may slow down one of the two; what is quadratic fails each time."""


def assert_linear(make: Callable[[int], Callable[[], object]], size: int) -> None:
    """Compare the CPU time of `make(size)()` with that of eight times the size; making it is not measured."""
    small, large = make(size), make(TIMES * size)
    tried = []
    for _ in range(TRIES):
        few, many = min(_seconds(small), _seconds(small)), _seconds(large)
        if many < LIMIT * few + 0.05:  # the clock of some kernels has steps of 10 ms
            return
        tried.append(f"{many:.2f} s for {TIMES} times the input of {few:.3f} s")
    raise AssertionError(tried)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
