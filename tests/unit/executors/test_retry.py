from __future__ import annotations

import random

import pytest

from streamify.executors.retry import Retry, describe_exit
from streamify.model.backoff import Backoff

pytestmark = pytest.mark.timeout(60)


def test_waits_longer_each_time_and_never_too_long() -> None:
    retry = Retry(backoff=Backoff(first=1, factor=4, longest=30, random=random.Random(1)))
    for attempt, least, most in ((1, 0.75, 1.25), (2, 3, 5), (3, 12, 20), (4, 22.5, 37.5), (9, 22.5, 37.5)):
        delays = [retry.delay(attempt) for _ in range(100)]
        assert least <= min(delays) < max(delays) <= most
        assert len(set(delays)) > 90  # jitter: workers lost together do not come back together


@pytest.mark.parametrize(
    ("status", "code", "signal", "words"),
    [
        (0, "worker-exited", None, "status 0"),
        (3, "worker-exited", None, "status 3"),
        (-9, "worker-killed", "SIGKILL", "memory"),
        (-11, "worker-killed", "SIGSEGV", "SIGSEGV"),
        (-24, "worker-cpu-limit", "SIGXCPU", "7 s of CPU"),
        (-40, "worker-killed", "signal 40", "signal 40"),
    ],
)
def test_describes_how_a_worker_ended(status: int, code: str, signal: str | None, words: str) -> None:
    failure = describe_exit("split", status, 7)
    assert (failure.key, failure.code, failure.signal) == ("split", code, signal)
    assert failure.transient == (code != "worker-cpu-limit")  # another worker would use as much
    assert words in failure.cause
