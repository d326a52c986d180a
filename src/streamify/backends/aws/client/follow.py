"""Follows an execution to its end, and tells what becomes of it in the events that every engine gives.

Progress is counted in the ledger, which every engine writes: each look lists, for every track, only what lies behind
the segments that are done without a gap, so that a whole job lists each entry about once. Counts of the distributed
map (``DescribeMapRun``) would be one call less a look, but name no renditions, nor what earlier runs made.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from typing import Any

from streamify.backends.aws.account import Account
from streamify.dest.layout import ledger_folder, ledger_key, run_items_key, run_plan_key
from streamify.errors import DestinationError, Interrupted
from streamify.executors.base import OnEvent
from streamify.jobs.engine import Stop
from streamify.jobs.failures import failed_keys, read_failures
from streamify.jobs.tell import tell_plan, teller
from streamify.model.event import Event
from streamify.model.plan import Plan
from streamify.model.track import Track
from streamify.storage.objects import ObjectStorage
from streamify.tasks.plan_file import read_plan

FIRST, LONGEST = 1.0, 10.0
"""Seconds between two looks, in the beginning and after a few minutes."""
PATIENCE = 300.0
"""Seconds that AWS may be out of reach; the job does not need us."""


class Watch:
    """What a run has made since the last look.

    Args:
        media: Rooted at DEST.
        run: Its id.
        on_event: Receives ``plan.ready``, ``segment.finished`` and ``task.failed``.
    """

    def __init__(self, media: ObjectStorage, run: str, on_event: OnEvent) -> None:
        self._media, self._run, self._on_event = media, run, on_event
        self._plan: Plan | None = None
        self._done: dict[str, set[int]] = {}
        self._failed: set[str] = set()

    @property
    def begun(self) -> bool:
        """Whether the plan of the run stands, and so its claim."""
        return self._plan is not None

    def look(self) -> None:
        """Tell what is new."""
        self._plan = self._plan or self._begin()
        if self._plan is None:
            return
        for track in self._plan.tracks:
            name = track.name if track.kind == "video" else "audio"
            for segment in self._news(self._plan, track):
                self._tell("segment.finished", data={"track": track.id, "name": name, "segment": segment})
        new = [key for key in failed_keys(self._run, self._media) if key not in self._failed]
        for failure in read_failures(new, self._media):
            self._tell("task.failed", task=failure.key, message=str(failure), data={"code": failure.code})
        self._failed.update(new)

    def _begin(self) -> Plan | None:
        if self._media.stat(run_items_key(self._run)) is None:
            return None  # split has not ended
        plan = read_plan(self._media, run_plan_key(self._run))
        if plan is not None:
            self._done = {}
            done = {(track.id, segment) for track in plan.tracks for segment in self._news(plan, track)}
            tell_plan(plan, done, teller(self._on_event))
        return plan

    def _tell(self, kind: Any, **more: Any) -> None:
        self._on_event(Event(time=time.time(), kind=kind, **more))

    def _news(self, plan: Plan, track: Track) -> Iterator[int]:
        done = self._done.setdefault(track.id, set())
        whole = next(index for index in range(len(done) + 1) if index not in done)
        folder = ledger_folder(track.id)
        # Names of five digits sort as their numbers do.
        after = ledger_key(track.id, whole - 1) if whole and plan.segments <= 100_000 else ""
        for found in self._media.list(folder, after):
            segment = int(found.key.rsplit("/", 1)[-1].removesuffix(".json"))
            if segment not in done:
                done.add(segment)
                yield segment


def follow(account: Account, execution: str, dest: str, media: ObjectStorage, on_event: OnEvent, stop: Stop) -> Any:
    """Wait for the end of an execution; return what AWS says of it then.

    Args:
        account: That it runs in.
        execution: Its ARN.
        dest: As the user wrote it.
        media: Rooted at DEST.
        on_event: Receives progress.
        stop: Ends the following, not the job.

    Raises:
        Interrupted: `stop` was set.
        DestinationError: AWS refused, or was out of reach for minutes.
    """
    watch, tell = Watch(media, execution.rsplit(":", 1)[-1], on_event), teller(on_event)
    pause, lost = FIRST, 0.0

    def name() -> str:  # before its claim stands, DEST does not lead to it
        return shlex.quote(dest) if watch.begun else execution

    while True:
        began = time.monotonic()
        try:
            found = account.ask("stepfunctions", "DescribeExecution", executionArn=execution)
            watch.look()
        except DestinationError as error:
            lost = lost or began
            if not error.transient or began - lost > PATIENCE:
                raise type(error)(error.code, error.message, f"{error.hint}; {_goes_on(name())}") from error
            tell("note", f"out of reach, trying again: {error.message}", {"code": error.code})
        else:
            lost = 0.0
            if found["status"] != "RUNNING":
                return found
        pause = min(LONGEST, pause * 1.1)
        if stop.wait(max(pause, 5 * (time.monotonic() - began))):
            raise Interrupted(stop.exit_code, "no longer followed", _goes_on(name()))


def _goes_on(job: str) -> str:
    return (
        f"the job goes on on AWS: streamify status {job} shows it, the same command attaches again, "
        f"streamify cancel {job} ends it"
    )
