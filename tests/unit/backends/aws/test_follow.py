"""A run on AWS, told in the events that every engine gives; from what it leaves at DEST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore

from streamify.backends.aws.account import Account
from streamify.backends.aws.client import follow as following
from streamify.backends.aws.client.follow import Watch, follow
from streamify.dest.layout import ledger_key, run_items_key, run_plan_key
from streamify.errors import DestinationError, Failure, Interrupted
from streamify.jobs.engine import Stop
from streamify.jobs.tally import Tally
from streamify.model.attempt import FAILURE
from streamify.model.event import Event
from streamify.model.plan import Plan
from streamify.storage.objects import ObjectStorage

ARN = "arn:aws:states:eu-central-1:1:execution:streamify:run-1"


class Counting(ObjectStorage):
    """Counts the keys that listings give."""

    listed = 0
    fails = 0
    """Which listing from now on fails."""

    def list(self, prefix: str = "", after: str = "") -> Any:
        self.fails -= 1
        if not self.fails:
            raise DestinationError("storage-failed", "HTTP 503", transient=True)
        for one in super().list(prefix, after):
            self.listed += 1
            yield one


@pytest.fixture
def media(stream: Path) -> Counting:
    storage = Counting(MemoryStore(), "memory")
    storage.put(run_plan_key("run-1"), (stream / ".streamify/plan.json").read_bytes())
    return storage


@pytest.fixture
def plan(stream: Path) -> Plan:
    return Plan.from_json((stream / ".streamify/plan.json").read_bytes())


def made(media: ObjectStorage, track: str, *segments: int) -> None:
    for segment in segments:
        media.put(ledger_key(track, segment), b"{}")


def test_what_appears_in_the_ledger_is_told_once(media: Counting, plan: Plan) -> None:
    events: list[Event] = []
    watch, tally = Watch(media, "run-1", events.append), Tally()
    watch.look()
    assert events == []  # a plan of an earlier run may lie there
    high, low = plan.video
    made(media, high.id, 0)
    media.put(run_items_key("run-1"), b"")
    watch.look()
    assert [one.kind for one in events] == ["plan.ready"]
    assert (events[0].data["total"], events[0].data["reused"], events[0].data["reused_by"]) == (9, 1, {"360p": 1})
    made(media, low.id, 2)
    made(media, plan.audio[0].id, 0, 1, 2)
    watch.look()
    watch.look()
    told = [(one.data["name"], one.data["segment"]) for one in events[1:]]
    assert sorted(told) == [("240p", 2), ("audio", 0), ("audio", 1), ("audio", 2)]
    for event in events:
        tally.see(event)
    assert (tally.complete, tally.total) == (5, 9)


def test_what_is_done_without_a_gap_is_not_listed_again(media: Counting, plan: Plan) -> None:
    media.put(run_items_key("run-1"), b"")
    watch = Watch(media, "run-1", lambda _: None)
    for track in plan.tracks:
        made(media, track.id, 0, 1)
    watch.look()
    media.listed = 0
    watch.look()
    assert media.listed == 0
    made(media, plan.video[0].id, 2)
    watch.look()
    assert media.listed == 1


def test_failed_tasks_are_told_once(media: Counting) -> None:
    events: list[Event] = []
    watch = Watch(media, "run-1", events.append)
    media.put(run_items_key("run-1"), b"")
    failure = Failure(key="video/00001/360p", code="worker-lost", cause="killed", hint="more memory", exit_code=4)
    media.put(".streamify/runs/run-1/failed/video/00001/360p.json", FAILURE.dump_json(failure))
    media.put(".streamify/runs/run-0/failed/video/00002/360p.json", FAILURE.dump_json(failure))
    watch.look()
    watch.look()
    told = [one for one in events if one.kind == "task.failed"]
    assert [(one.task, one.message) for one in told] == [("video/00001/360p", "killed (more memory)")]


def test_a_look_that_fails_is_made_up_for_by_the_next(media: Counting, plan: Plan) -> None:
    events: list[Event] = []
    watch = Watch(media, "run-1", events.append)
    media.put(run_items_key("run-1"), b"")
    for track in plan.tracks:
        made(media, track.id, 0)
    media.fails = 2  # the second track
    with pytest.raises(DestinationError):
        watch.look()
    watch.look()
    assert [(one.kind, one.data["reused"]) for one in events] == [("plan.ready", 3)]


class _Execution(Account):
    """Says one thing after the other."""

    def __init__(self, *answers: str | DestinationError) -> None:
        self._answers = list(answers)

    def ask(self, service: str, action: str, /, **_: Any) -> dict[str, Any]:
        said = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(said, DestinationError):
            raise said
        return {"status": said, "executionArn": ARN}


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST", 0.0)
    monkeypatch.setattr(following, "LONGEST", 0.0)


@pytest.mark.usefixtures("_at_once")
def test_a_network_that_comes_back_is_waited_for(media: Counting) -> None:
    away = DestinationError("aws-unreachable", "no answer", "check the network", transient=True)
    events: list[Event] = []
    end = follow(_Execution("RUNNING", away, "RUNNING", "SUCCEEDED"), ARN, "s3://m/a", media, events.append, Stop())
    assert end["status"] == "SUCCEEDED"
    assert [one.data["code"] for one in events if one.kind == "note"] == ["aws-unreachable"]


@pytest.mark.usefixtures("_at_once")
def test_what_ends_the_following_says_that_the_job_goes_on(media: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    media.put(run_items_key("run-1"), b"")
    expired = DestinationError("aws-credentials", "ExpiredToken", "get new ones")
    with pytest.raises(DestinationError, match="get new ones; the job goes on on AWS: streamify status s3://m/a"):
        follow(_Execution("RUNNING", expired), ARN, "s3://m/a", media, lambda _: None, Stop())
    monkeypatch.setattr(following, "PATIENCE", 0.01)
    away = DestinationError("aws-limit", "ThrottlingException", "wait", transient=True)
    with pytest.raises(DestinationError, match="goes on"):
        follow(_Execution(away), ARN, "s3://m/a", media, lambda _: None, Stop())


@pytest.mark.parametrize("planned", [True, False])
def test_a_signal_ends_the_following_not_the_job(media: Counting, planned: bool) -> None:
    if planned:
        media.put(run_items_key("run-1"), b"")
    name = "s3://m/a" if planned else ARN  # DEST leads to a job as soon as its claim stands
    stop = Stop()
    stop.exit_code = 143
    stop.set()
    with pytest.raises(Interrupted) as caught:
        follow(_Execution("RUNNING"), ARN, "s3://m/a", media, lambda _: None, stop)
    assert caught.value.exit_code == 143
    for command in (f"streamify status {name}", "the same command attaches again", f"streamify cancel {name}"):
        assert command in caught.value.hint
