"""What `watch` does as jobs end in different ways: real folders and records, and jobs that end as the test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.driving import wait_for
from streamify.errors import DestinationError, Failure, Interrupted, JobCancelled, SourceError, TasksFailed
from streamify.executors.base import OnEvent
from streamify.jobs.engine import Stop
from streamify.jobs.locations import find_source
from streamify.jobs.record import new_job, write_job
from streamify.jobs.uploads import UploadRecords
from streamify.model.backoff import Backoff
from streamify.model.event import Event
from streamify.model.location import Location
from streamify.model.report import Report
from streamify.model.settings import Settings
from streamify.model.upload import Accepted, Ended
from streamify.settings.read import effective
from streamify.storage.local import LocalStorage
from streamify.storage.locate import open_storage
from streamify.watch import watcher as module
from streamify.watch.arrivals import Arrivals
from streamify.watch.changes import Polling
from streamify.watch.start import is_resumable
from streamify.watch.uploads_folder import FolderUploads
from streamify.watch.watcher import Watcher

Job = Callable[[Accepted, Stop], None]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", Backoff(first=0.02, factor=1, longest=0.02))
    monkeypatch.setattr(module, "TICK", 0.02)
    monkeypatch.setattr(module, "GONE", 0.3)


class Run:
    """A run of the loop in a thread, over folders of its own."""

    def __init__(self, root: Path, job: Job, *, made: bool = False, at_once: int = 2) -> None:
        self.root, self.job, self.calls = root, job, list[str]()
        self.events: list[Event] = []
        self.told: list[Ended] = []
        self.stop, self.error = Stop(), list[BaseException]()
        (root / "up").mkdir(exist_ok=True)
        uploads = FolderUploads(Location.parse(str(root / "up")), shared=False)
        self.records = UploadRecords(LocalStorage(root / "media"))
        arrivals = Arrivals(uploads, Polling(0.05), 0.0, self.records.is_known, lambda text: None)
        self.watcher = Watcher(
            uploads, arrivals, self.records, Location.parse(str(root / "media")), effective({}, {}, None),
            carry_out=self._carry_out, is_made=lambda _: made, is_resumable=is_resumable, hooks=self,
            tell=self.events.append,
            at_once=at_once, stop=self.stop, wake=threading.Event(),
        )  # fmt: skip

    def add(self, ended: Ended) -> None:
        self.told.append(ended)

    def _carry_out(self, upload: Accepted, settings: Settings, on_event: OnEvent, stop: Stop) -> Report:
        self.calls.append(upload.key)
        self.job(upload, stop)
        return None  # type: ignore[return-value]  # nobody looks at it

    def once(self) -> dict[str, tuple[str, str | None]]:
        self.watcher.run(once=True, check=lambda: None)
        return {one.key: (one.outcome, one.code) for one in self.watcher.ended}

    def start(self) -> None:
        def work() -> None:
            try:
                self.watcher.run(once=False, check=lambda: None)
            except BaseException as error:
                self.error.append(error)

        self.thread = threading.Thread(target=work)
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        self.thread.join(60)
        assert isinstance(self.error[0], Interrupted)


def upload(root: Path, name: str = "a.mp4", size: int = 3) -> Path:
    """Put an upload there whole: one that is written there is seen empty first."""
    (root / "up").mkdir(exist_ok=True)
    (root / "whole").write_bytes(b"x" * size)
    return (root / "whole").rename(root / "up" / name)


def fail(error: BaseException, times: int = 1) -> Job:
    left = [times]

    def job(_: Accepted, __: Stop) -> None:
        if left[0]:
            left[0] -= 1
            raise error

    return job


def until_stopped(_: Accepted, stop: Stop) -> None:
    assert stop.wait(60)
    raise Interrupted(stop.exit_code)


def cut_off(root: Path) -> None:
    """Accept what is there, and end while its job runs."""
    run = Run(root, until_stopped)
    run.start()
    wait_for(lambda: run.calls)
    run.end()
    assert run.told == []
    assert run.watcher.left == ["a.mp4"]


def test_each_is_carried_out_once_also_by_later_runs(tmp_path: Path) -> None:
    upload(tmp_path)
    first = Run(tmp_path, fail(SourceError("x", "never"), 0))
    assert first.once() == {"a.mp4": ("complete", None)}
    later = Run(tmp_path, fail(SourceError("x", "never"), 0))
    assert later.once() == {}
    assert (first.calls, later.calls) == (["a.mp4"], [])
    assert [one.key for one in first.told] == ["a.mp4"]


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (SourceError("source-not-media", "it is text"), "failed", "source-not-media"),
        (TasksFailed((Failure("v0", "worker-killed", "gone"),)), "failed", "tasks-failed"),
        (JobCancelled("/media/a.mp4"), "cancelled", "cancelled"),
        (ValueError("a bug"), "failed", "bug"),
        (SourceError("source-changed", "it was overwritten"), "failed", "source-changed"),
    ],
)
def test_a_failure_is_recorded_and_the_next_job_starts(
    tmp_path: Path, error: BaseException, outcome: str, code: str
) -> None:
    upload(tmp_path)
    upload(tmp_path, "b.mp4")
    run = Run(tmp_path, lambda one, stop: fail(error)(one, stop) if one.key == "a.mp4" else None, at_once=1)
    assert run.once() == {"a.mp4": (outcome, code), "b.mp4": ("complete", None)}
    assert next(one for one in run.told if one.key == "a.mp4").retry.startswith("touch ")
    assert Run(tmp_path, fail(error)).once() == {}


@pytest.mark.parametrize(
    ("left", "resumed"),
    [
        ("its job", True),
        ("nothing", False),
        ("another's job", False),
        ("an older one's", False),
        ("one with other settings", False),
    ],
)
def test_resume_is_offered_where_the_job_of_the_upload_is_at_dest(tmp_path: Path, left: str, resumed: bool) -> None:
    def fails(one: Accepted, _: Stop) -> None:
        source = one.source
        if left == "another's job":
            source = Location.parse(str(upload(tmp_path, "b.txt", 4)))
        if left != "nothing":
            settings = Settings(crf=20) if left == "one with other settings" else Settings()
            job = new_job(source, find_source(source)[1], one.dest, settings)
            older = {"source_identity": "of what was there before"} if left == "an older one's" else {}
            write_job(open_storage(one.dest), job.model_copy(update=older))
        raise DestinationError("dest-not-writable", "no longer")

    upload(tmp_path)
    run = Run(tmp_path, fails)
    run.once()
    [told] = [one for one in run.told if one.key == "a.mp4"][:1]
    assert (told.code, "streamify resume" in (told.retry or "")) == ("dest-not-writable", resumed)


@pytest.mark.parametrize(
    "error",
    [
        DestinationError("dest-busy", "another job"),
        DestinationError("storage-unreachable", "nobody there"),
        DestinationError("disk-full", "no space"),
        SourceError("source-changed", "it is gone since it was planned"),  # an unmounted disk that came back
    ],
)
def test_what_others_mend_is_tried_again(tmp_path: Path, error: DestinationError) -> None:
    upload(tmp_path)
    run = Run(tmp_path, fail(error, 2))
    run.start()
    wait_for(lambda: run.told)
    run.end()
    assert [one.outcome for one in run.told] == ["complete"]
    assert len(run.calls) == 3


def test_but_not_for_ever(tmp_path: Path) -> None:
    upload(tmp_path)
    run = Run(tmp_path, fail(DestinationError("disk-full", "no space"), 99))
    run.start()
    wait_for(lambda: run.told)
    run.end()
    assert (run.told[0].code, len(run.calls)) == ("disk-full", module.TRIES)


def test_a_job_that_is_stopped_goes_on_in_the_next_run(tmp_path: Path) -> None:
    upload(tmp_path)
    cut_off(tmp_path)
    assert Run(tmp_path, fail(ValueError(), 0)).once() == {"a.mp4": ("complete", None)}


def test_what_was_complete_when_the_process_died_is_only_recorded(tmp_path: Path) -> None:
    upload(tmp_path)
    cut_off(tmp_path)
    second = Run(tmp_path, fail(ValueError(), 99), made=True)
    assert second.once() == {"a.mp4": ("complete", None)}
    assert second.calls == []


def test_a_newer_version_stops_the_job_of_the_old_one(tmp_path: Path) -> None:
    def first_stops(one: Accepted, stop: Stop) -> None:
        if one.size == 3:
            assert stop.wait(60)
            raise Interrupted(stop.exit_code)

    upload(tmp_path)
    run = Run(tmp_path, first_stops)
    run.start()
    wait_for(lambda: run.calls)
    upload(tmp_path, size=4)
    wait_for(lambda: len(run.told) == 2)
    run.end()
    assert [(one.size, one.outcome, one.code) for one in run.told] == [
        (3, "failed", "source-changed"), (4, "complete", None),
    ]  # fmt: skip


def test_an_upload_that_is_gone_is_told_and_an_empty_uploads_is_waited_for(tmp_path: Path) -> None:
    path = upload(tmp_path)
    cut_off(tmp_path)
    path.unlink()  # nothing is left in UPLOADS: perhaps it is not mounted
    second = Run(tmp_path, fail(ValueError(), 0))
    second.start()
    time.sleep(0.8)
    assert second.told == []
    other = upload(tmp_path, "b.mp4")
    wait_for(lambda: len(second.told) == 2)
    second.end()
    assert {one.key: one.code for one in second.told} == {"a.mp4": "source-missing", "b.mp4": None}
    assert next(one for one in second.told if one.key == "a.mp4").retry == "upload it again"  # no empty file by `touch`
    assert other.exists()


def test_a_record_that_cannot_be_read_is_told_and_its_upload_decided_on_again(tmp_path: Path) -> None:
    upload(tmp_path)
    cut_off(tmp_path)
    record = next((tmp_path / "media/.streamify-watch/accepted").glob("*.json"))
    record.write_text("{")
    second = Run(tmp_path, fail(ValueError(), 0))
    assert second.once() == {"a.mp4": ("complete", None)}
    assert any(record.name in event.message for event in second.events if event.kind == "note")
