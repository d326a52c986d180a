"""Publishes a stream while its map runs: one look, or in the beginning several, for each call of the state machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from streamify.backends.aws.account import Account
from streamify.backends.aws.functions.hold import ExecutionHold
from streamify.backends.aws.growing import look_wait
from streamify.dest.layout import run_plan_key
from streamify.errors import DestinationError
from streamify.jobs.ahead import Listed
from streamify.jobs.early import EarlyPublisher, withdraw
from streamify.jobs.steps import Run
from streamify.storage.locate import open_storage
from streamify.storage.objects import ObjectStorage
from streamify.tasks.plan_file import read_plan

FIRST, LOOK = 60.0, 1.5
"""Seconds for which a call waits for the first version, and between two looks of it: a viewer waits for that."""
ENDED = {"status": "ended", "wait": 0}
"""No call is to follow."""


def publish_step(run: Run, over: Callable[[], bool]) -> dict[str, Any]:
    """Publish what is certified by now.

    Args:
        run: That is made.
        over: Returns whether no task runs any more.

    Returns:
        ``status``: ``growing``, to be called again in ``wait`` seconds; or ``ended``.

    Raises:
        DestinationError: The storage failed.
    """
    publisher, deadline = _publisher(run), time.monotonic() + FIRST
    while True:
        ended = over()  # asked before, so that all that was made is seen
        try:
            publisher.look()
        except DestinationError as error:
            if error.code != "dest-taken":
                _publisher.cache_clear()  # it has lost what it had found when it failed
                raise
            return ENDED
        if ended or publisher.whole:
            return ENDED
        if publisher.published or time.monotonic() > deadline:
            return {"status": "growing", "wait": look_wait(time.time() - run.began)}
        time.sleep(LOOK)


def withdraw_step(run: Run) -> None:
    """Withdraw what was published of a run that has failed, unless another one holds DEST.

    Raises:
        DestinationError: The storage failed.
    """
    media = open_storage(run.places.media)
    try:
        ExecutionHold(media, run).check()
    except DestinationError as error:
        if error.code != "dest-taken":
            raise
        return
    withdraw(media)


def map_is_over(account: Account, execution: str) -> bool:
    """Return whether the map of an execution has begun and ended."""
    found = account.ask("stepfunctions", "ListMapRuns", executionArn=execution)["mapRuns"]
    return bool(found) and all(one.get("stopDate") is not None for one in found)


@lru_cache(maxsize=4)
def _publisher(run: Run) -> EarlyPublisher:
    """Return the publisher of a run; it is kept for the next call, or all entries of the ledger would be read again."""
    media = open_storage(run.places.media)
    assert isinstance(media, ObjectStorage)
    plan = read_plan(media, run_plan_key(run.id))
    assert plan is not None, "split writes the plan before any other step runs"
    return EarlyPublisher(plan, media, ExecutionHold(media, run), local=False, listed=Listed(plan, media))
