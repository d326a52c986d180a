"""What the attempts of a run cost. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from streamify.backends.aws.pricing.cost import JOB_TRANSITIONS, OTHER_MEMORY, START_SECONDS, bill
from streamify.backends.aws.pricing.deployment import Deployment
from streamify.backends.aws.pricing.routing import CHILD_TRANSITIONS
from streamify.model.attempt import Attempt

TASKS = ("video/", "audio/", "text/")
"""How the keys begin of tasks that have a child of the map each."""


def charge(attempts: Sequence[Attempt], stack: Deployment, assemble_seconds: float = 0, storage: float = 0) -> float:
    """Return US dollars at list prices.

    Each attempt counts with the memory of its function, each worker with one start. Attempts whose function itself was
    lost left nothing, and are not in it.

    Args:
        attempts: Of the run, as they ended.
        stack: Where they ran.
        assemble_seconds: That the assembler took so far.
        storage: Requests to S3, which nobody counts: as they were predicted.
    """
    mb_seconds = assemble_seconds * OTHER_MEMORY
    workers: dict[str, int] = {}
    children = {one.task for one in attempts if one.task.startswith(TASKS)}
    for one in attempts:
        memory = OTHER_MEMORY
        if one.task in children:
            memory = one.memory or stack.memory
        mb_seconds += ((one.ended or one.started) - one.started) * memory
        workers.setdefault(one.worker, memory)
    mb_seconds += START_SECONDS * sum(workers.values())
    tries = sum(one.task in children for one in attempts)
    transitions = JOB_TRANSITIONS + CHILD_TRANSITIONS * len(children) + tries - len(children)
    return bill(mb_seconds / 1024, tries + 2, transitions, 0, 0, stack=stack).total + storage
