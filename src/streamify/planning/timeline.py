"""Where the time of attempts went. Pure."""

from __future__ import annotations

from streamify.model.attempt import Attempt, Spent


def spent(attempt: Attempt) -> Spent:
    """Return what a worker did during an attempt that has ended; the parts sum to its time without its pauses.

    A task may encode in several threads: where it used more CPU time than passed, each stage has its part of the time
    that passed.
    """
    length = max(0.0, (attempt.ended or attempt.started) - attempt.started - attempt.paused)
    stages = attempt.stages
    known = stages.decode + stages.scale + stages.encode + stages.other
    cpu = max(known, attempt.usage.cpu_seconds if attempt.usage is not None else 0.0)
    factor = min(1.0, length / cpu) if cpu > 0 else 1.0
    decode, scale, encode = (round(part * factor, 4) for part in (stages.decode, stages.scale, stages.encode))
    other = round((cpu - known + stages.other) * factor, 4)
    wait = round(max(0.0, length - decode - scale - encode - other), 4)
    return Spent(decode=decode, scale=scale, encode=encode, other=other, wait=wait)
