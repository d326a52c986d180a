"""One suite over every backend. To add one: a `Case` in CASES."""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from clips.make import ClipSpec, make_clip
from clouds import Cloud, Kind, media
from e2e.machine_double import Machine
from selection import sample
from stores import open_storage
from streamify.backends.aws import backend as aws
from streamify.backends.aws.client import follow, run
from streamify.backends.aws.functions import start
from streamify.backends.base import Backend
from streamify.backends.choose import for_job, for_settings
from streamify.backends.here import is_running
from streamify.errors import DestinationError, JobCancelled, SourceError, StreamifyError, TasksFailed
from streamify.executors.attempt import attempt
from streamify.executors.base import OnEvent
from streamify.executors.sealed import SealedWorker
from streamify.jobs import clean
from streamify.jobs.attempts import read_attempts
from streamify.jobs.engine import Stop
from streamify.jobs.record import read_job
from streamify.jobs.single import run_single
from streamify.jobs.tell import no_event
from streamify.model.analysis import RunTime
from streamify.model.event import Event
from streamify.model.location import Location
from streamify.model.result import Result
from streamify.model.settings import Settings
from streamify.model.task import AudioTask, Task, VideoTask
from streamify.storage.base import Storage
from streamify.tasks import run as tasks
from waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]


@dataclass
class Case:
    """A backend, a place for its streams, and a way to hold its jobs in the middle."""

    engine: str
    root: str
    gate: threading.Event
    """Cleared: a job stops before its second task."""

    def settings(self, **more: Any) -> Settings:
        chosen = {"ladder": "240p", "preset": "ultrafast", "segment_seconds": 2, "engine": self.engine}
        return Settings.model_validate(chosen | more)

    def backend(self, **more: Any) -> Backend:
        return for_settings(self.settings(**more))

    def dest(self) -> Location:
        return Location.parse(f"{self.root}/{uuid.uuid4().hex}/a film.mov")

    def run(
        self, source: Path, dest: Location, on_event: OnEvent = no_event, stop: Stop | None = None, **more: Any
    ) -> Any:
        settings = self.settings(**more)
        return for_settings(settings).transcode(Location.of_source(source), dest, settings, on_event, stop)


def storage(dest: Location) -> Storage:
    return open_storage(dest.url)


def _bucket(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    store = cloud("s3")
    store.enter(monkeypatch)
    return lambda: store.make_bucket(f"b-{uuid.uuid4().hex}")


def gated(gate: threading.Event) -> Callable[..., Result]:
    """Return `run_task` that waits for the gate before every media task but the first."""
    run_task, media_tasks = tasks.run_task, itertools.count()

    def run(task: Task, *more: Any) -> Result:
        if isinstance(task, VideoTask | AudioTask) and next(media_tasks) > 0:
            gate.wait()
        return run_task(task, *more)

    return run


BACKENDS = ("folder", "bucket", "aws")
ONE = pytest.mark.parametrize("case", sample(BACKENDS, "folder"), indirect=True)
"""For tests of which `make test` runs the form on this machine alone."""


@pytest.fixture(params=sample(BACKENDS, "folder", "aws"))
def case(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    cloud: Callable[[Kind], Cloud],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Case]:
    gate = threading.Event()
    gate.set()
    monkeypatch.setattr(tasks, "run_task", gated(gate))
    if request.param == "folder":
        yield Case("inline", str(tmp_path), gate)
        return
    make = _bucket(cloud, monkeypatch)
    if request.param == "bucket":
        yield Case("inline", make(), gate)
        return
    machine = Machine(make()[5:], make()[5:])
    for module in (run, aws, start):
        monkeypatch.setattr(module, "Account", machine.account())
    monkeypatch.setattr(start, "_is_running", machine.runs)
    monkeypatch.setattr(follow, "FIRST", 0.1)
    monkeypatch.setattr(follow, "LONGEST", 0.2)
    monkeypatch.setenv("MEDIA_BUCKET", machine.media)
    yield Case("aws", f"s3://{machine.media}", machine.gate)
    machine.gate.set()


BROKEN = {2, 3}
"""Segments whose tasks fail for `broken`."""


@pytest.fixture
def broken(case: Case, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A case in which tasks of two segments fail, also where a sealed worker would run them."""
    run_task, sealed = tasks.run_task, SealedWorker.run

    def fails(task: Task) -> bool:
        return isinstance(task, VideoTask) and task.segment.index in BROKEN

    def run(task: Task, *more: Any) -> Result:
        if fails(task):
            raise SourceError("segment-undecodable", f"{task.key}: no picture decodes", "copy the source again")
        return run_task(task, *more)

    def in_worker(worker: SealedWorker, job: str, task: Task, stores: Any, *more: Any, **named: Any) -> Any:
        return attempt(task, stores, run) if fails(task) else sealed(worker, job, task, stores, *more, **named)

    monkeypatch.setattr(tasks, "run_task", run)
    monkeypatch.setattr(SealedWorker, "run", in_worker)
    return case


@pytest.fixture(scope="module")
def clip(shared: Path) -> Path:
    """Seven segments of few and small pictures: each test makes them once or twice."""
    spec = ClipSpec(seconds=Fraction(14), rate=Fraction(12), size=(426, 240), gop=24, bframes=2)
    return make_clip(spec, shared / "clips").path


@pytest.fixture(scope="module")
def wanted(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = Case("inline", str(tmp_path_factory.mktemp("wanted")), threading.Event())
    dest = folder.dest()
    folder.run(clip, dest)
    return media(dest.url)


class Opening(Stop):
    """Opens a gate when a run is stopped: a task of this machine ends first."""

    def __init__(self, gate: threading.Event) -> None:
        super().__init__()
        self._gate = gate

    def set(self) -> None:
        super().set()
        self._gate.set()


class Halfway:
    """A job that another thread runs, that has made its first segment and waits until it is stopped."""

    def __init__(self, case: Case, source: Path, dest: Location) -> None:
        self._case, self._source, self._dest = case, source, dest
        self._begun = threading.Event()
        self.error: StreamifyError | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._case.run(self._source, self._dest, self._event, Opening(self._case.gate))
        except StreamifyError as error:
            self.error = error

    def _event(self, event: Event) -> None:
        if event.kind == "segment.finished":
            self._begun.set()

    def __enter__(self) -> Halfway:
        self._case.gate.clear()
        self._thread.start()
        try:
            wait_until(self._begun.is_set)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._case.gate.set()
        self._thread.join(60)


def test_the_same_bytes_and_a_status_that_says_so(case: Case, clip: Path, wanted: dict[str, str]) -> None:
    dest, events = case.dest(), list[Event]()
    backend, found = for_job(dest.url)
    with pytest.raises(DestinationError, match="no job"):
        backend.status(found)
    report = case.run(clip, dest, events.append)
    assert (report.status, report.engine, report.tasks_reused) == ("complete", case.engine, 0)
    assert media(dest.url) == wanted
    kinds = [event.kind for event in events if event.kind in ("job.started", "plan.ready", "job.finished")]
    assert kinds == ["job.started", "plan.ready", "job.finished"]
    backend, found = for_job(dest.url)
    seen = backend.status(found)
    assert (seen.state, seen.done, seen.total, seen.share) == ("complete", 14, 14, 1.0)
    assert seen.run is not None
    assert (seen.run.engine, seen.run.outcome, seen.run.error) == (case.engine, "complete", None)
    assert seen.planned is not None
    assert seen.finished is not None
    assert seen.planned <= seen.finished


@ONE
def test_a_finished_job_is_resumed_without_work_and_cancelled_without_effect(case: Case, clip: Path) -> None:
    dest = case.dest()
    case.run(clip, dest)
    backend, found = for_job(dest.url)
    report = backend.resume(found, no_event)
    assert (report.tasks_run, report.tasks_reused) == (0, 14)
    assert backend.cancel(found).cancelled is False
    assert backend.status(found).state == "complete"


@ONE
def test_what_was_asked_for_is_recorded_and_nothing_published_says_where_from(case: Case, clip: Path) -> None:
    dest = case.dest()
    case.run(clip, dest)
    record = read_job(storage(dest))
    assert record is not None
    assert (record.dest, record.settings.ladder, record.settings.engine) == (dest, "240p", case.engine)
    assert record.source.name == clip.name
    for key in ("report.json", "master.m3u8", "manifest.mpd"):
        text = storage(dest).get(key) or b""
        assert text
        for secret in (record.source.url, str(clip.parent), dest.bucket or dest.key):
            assert secret.encode() not in text


@ONE
def test_a_job_is_cancelled_in_the_middle_and_gone_on_with(case: Case, clip: Path, wanted: dict[str, str]) -> None:
    dest = case.dest()
    with Halfway(case, clip, dest) as job:
        backend, found = for_job(dest.url)
        seen = backend.status(found)
        assert (seen.state, 0 < seen.done < seen.total) == ("running", True)
        cancelled = backend.cancel(found)
    assert (cancelled.cancelled, cancelled.dest) == (True, dest.url)
    assert isinstance(job.error, JobCancelled)
    assert (job.error.exit_code, job.error.code) == (143, "cancelled")
    assert storage(dest).get("report.json") is None
    assert backend.status(found).state == "cancelled"
    report = backend.resume(found, no_event)
    assert report.tasks_reused >= 1
    assert media(dest.url) == wanted


@ONE
def test_another_job_at_the_same_dest_is_refused_while_one_runs(case: Case, clip: Path) -> None:
    dest = case.dest()
    with Halfway(case, clip, dest):
        with pytest.raises(DestinationError) as caught:
            case.run(clip, dest, crf=31)
        assert (caught.value.code, caught.value.exit_code) == ("dest-busy", 5)
        backend, found = for_job(dest.url)
        backend.cancel(found)
    assert case.run(clip, dest, crf=31).status == "complete"


@ONE
def test_failed_tasks_are_each_named_also_afterwards(broken: Case, clip: Path) -> None:
    dest = broken.dest()
    with pytest.raises(TasksFailed) as caught:
        broken.run(clip, dest)
    keys = sorted(failure.key for failure in caught.value.failures)
    assert len(keys) == len(BROKEN)
    backend, found = for_job(dest.url)
    seen = backend.status(found)
    assert (seen.state, sorted(task.key for task in seen.failed)) == ("failed", keys)
    assert seen.run is not None
    assert "[tasks-failed]" in str(seen.run.error)


@ONE
def test_a_source_that_cannot_be_used_leaves_no_stream(case: Case, tmp_path: Path) -> None:
    dest, text = case.dest(), tmp_path / "text.mp4"
    text.write_bytes(b"hello, no video\n" * 20)
    with pytest.raises(SourceError) as caught:
        case.run(text, dest)
    assert caught.value.exit_code == 3
    with pytest.raises(SourceError):
        case.run(tmp_path / "gone.mp4", dest)
    assert storage(dest).get("master.m3u8") is None


@ONE
def test_each_run_is_recorded(case: Case, clip: Path) -> None:
    dest, before = case.dest(), time.time()
    case.run(clip, dest)
    runs = [json.loads(storage(dest).get(one.key) or b"") for one in storage(dest).list(".streamify/runs")
            if one.key.endswith("/run.json")]  # fmt: skip
    assert len(runs) == 1
    assert (runs[0]["outcome"], runs[0]["total"], runs[0]["reused"]) == ("complete", 14, 0)
    assert before - 1 <= runs[0]["started"] <= runs[0]["began_tasks"] <= runs[0]["ended"] <= time.time() + 1


@ONE
def test_the_attempts_at_every_task_are_kept(case: Case, clip: Path, tmp_path: Path) -> None:
    dest, before = case.dest(), time.time()
    case.run(clip, dest)
    backend, found = for_job(dest.url)
    run = backend.status(found).run
    assert run is not None
    attempts = read_attempts(storage(dest), run.id)
    keys = {f"video/{index:05d}/240p" for index in range(7)}
    assert {one.task for one in attempts if one.task.startswith("video/")} == keys
    assert len([one for one in attempts if one.task.startswith("audio/")]) == 1
    assert attempts[0].task == "split"
    assert {one.task for one in attempts[-2:]} == {"image/thumbnails/00000", "image/poster"}
    early = {one.task for one in attempts if one.task.startswith("image/poster-")}  # where a stream is published early
    count = 11 + len(early)
    assert len(attempts) == count
    for one in attempts:
        assert (one.outcome, one.number, one.failure) == ("finished", 1, None)
        assert one.ended is not None
        assert before - 1 <= one.started < one.ended <= time.time() + 1
        assert (one.stages.encode > 0) == one.task.startswith(("video/", "audio/"))
        assert one.usage is not None
        assert one.usage.cpu_seconds > 0
    told = backend.explain(found)
    assert told.run is not None
    assert (told.state, told.run.id, told.run.tasks, told.run.attempts) == ("complete", run.id, count, count)
    sums_to_the_wall_time(told.run)
    assert told.run.slowest[0].seconds >= told.run.slowest[-1].seconds > 0
    status = backend.status(found)
    alone = run_single(status, backend.storage, "video/2/240p", tmp_path, None, None)
    assert (alone.job, [one.number for one in alone.before]) == ("same", [1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clean, "LEFT_BEHIND", 0)  # as if an hour had passed
        assert clean.clean_job(status, backend.storage(found), is_running).items == ()


def sums_to_the_wall_time(run: RunTime) -> None:
    spent = run.spent
    stages = spent.start + spent.decode + spent.scale + spent.encode + spent.other + spent.wait
    whole = run.wall_seconds * run.workers
    assert stages + run.lost + run.idle.total == pytest.approx(whole, rel=0.01)
    assert sum(step.seconds for step in run.path) == pytest.approx(run.wall_seconds, rel=0.01)


@ONE
def test_an_attempt_that_failed_says_why(broken: Case, clip: Path) -> None:
    dest = broken.dest()
    with pytest.raises(TasksFailed) as caught:
        broken.run(clip, dest)
    backend, found = for_job(dest.url)
    run = backend.status(found).run
    assert run is not None
    failed = {one.task: one.failure for one in read_attempts(storage(dest), run.id) if one.outcome == "failed"}
    assert {key: failure.code for key, failure in failed.items() if failure} == {
        failure.key: failure.code for failure in caught.value.failures
    }
    told = backend.explain(found)
    assert told.run is not None
    assert sorted(one.key for one in told.failed) == sorted(failed)
    for key in failed:
        [finding] = [one for one in told.findings if key in one.text]
        assert finding.advice
    assert {one.task for one in told.run.retried} == set(failed)
    sums_to_the_wall_time(told.run)
