"""The first segment is begun while the film is still being planned, and taken back where the plan turns out another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import pytest

import streamify
from clips.field_pictures import write_fields
from clips.make import ClipSpec, make_clip
from clips.parts import Stretch, mux
from e2e.driving import rungs
from stores import locations
from streamify.backends import here
from streamify.backends.here import Here
from streamify.dest.layout import PLAN, REPORT
from streamify.errors import Interrupted
from streamify.executors.base import TaskError
from streamify.executors.events import EventDelivery
from streamify.executors.local.executor import LocalExecutor
from streamify.jobs.beginning import EarlyStart
from streamify.jobs.engine import Stop
from streamify.jobs.hold import holding
from streamify.jobs.live import LiveStream
from streamify.jobs.locations import find_source
from streamify.jobs.record import local_claim, new_job
from streamify.jobs.steps import Run, split_step
from streamify.model.attempt import Attempt
from streamify.model.event import Event
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.result import Beginning, MediaResult, SplitResult
from streamify.model.settings import MediaSettings, Settings
from streamify.model.task import SplitTask
from streamify.storage.base import Stores

SETTINGS = {"ladder": rungs(180, 120), "preset": "ultrafast", "segment_seconds": 1, "keyframe_seconds": 1}


class Bench:
    """DEST of a source, and what an early start does there."""

    def __init__(self, executor: LocalExecutor, stores: Stores, task: SplitTask) -> None:
        self.executor, self.stores, self.task = executor, stores, task
        self.attempts: list[Attempt] = []
        self.stop = Stop()
        self.start = EarlyStart(executor, stores.media, self.stop, EventDelivery(None), self.attempts.append)

    def split(self) -> Plan:
        future = self.executor.submit(self.task)
        future.on_beginning(self.start.take)
        result = future.result(60)
        assert isinstance(result, SplitResult)
        return Plan.from_json(result.plan)

    @property
    def files(self) -> set[str]:
        return {entry.key for entry in self.stores.media.list("") if "/plan" not in f"/{entry.key}"}


@pytest.fixture
def benches(tmp_path: Path) -> Iterator[list[LocalExecutor]]:
    executors: list[LocalExecutor] = []
    yield executors
    for executor in executors:
        executor.shutdown(cancel=True)


def bench(source: Path, dest: Path, executors: list[LocalExecutor]) -> Bench:
    places = locations(source.parent, dest)
    executors.append(LocalExecutor(places, 2, lambda _: None))
    _, ref = find_source(Location.parse(str(source)))
    settings = MediaSettings.model_validate(SETTINGS)
    return Bench(executors[-1], places.open(), SplitTask(source=ref, settings=settings, begin=True))


def test_the_segment_that_was_begun_is_the_first_of_the_stream(tmp_path: Path, benches: list[LocalExecutor]) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(4), rate=Fraction(25), size=(320, 180)), tmp_path).path
    here = bench(source, tmp_path / "dest", benches)
    plan = here.split()
    begun = here.start.settle(plan)
    assert begun is not None
    result = begun.future.result(60)
    assert isinstance(result, MediaResult)
    assert [(record.track, record.segment) for record in result.records] == [(plan.video[1].id, 0)]
    assert [attempt.outcome for attempt in here.attempts] == ["running", "finished"]
    streamify.transcode(source, tmp_path / "whole", engine="inline", **SETTINGS)  # type: ignore[arg-type]
    key = f"{plan.video[1].folder}/00000.m4s"
    assert (tmp_path / "dest" / key).read_bytes() == (tmp_path / "whole" / key).read_bytes()


def test_what_was_begun_is_removed_where_pictures_change_midway(tmp_path: Path, benches: list[LocalExecutor]) -> None:
    source = mux(tmp_path / "a.mp4", [Stretch(320, 180), Stretch(180, 320)], "libx264", "mp4", {"preset": "ultrafast"})
    here = bench(source, tmp_path / "dest", benches)
    plan = here.split()
    assert plan.source.video is not None
    assert plan.source.video.parts
    assert here.start.settle(plan) is None
    assert [attempt.outcome for attempt in here.attempts] == ["running", "finished"]
    assert {key for key in here.files if not key.startswith(".streamify/segments-")} == set()


@pytest.mark.parametrize("alone", [True, False])
def test_a_run_beside_another_of_the_job_begins_nothing_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, alone: bool
) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(2), rate=Fraction(25), size=(320, 180)), tmp_path).path
    settings = Settings.model_validate(SETTINGS | {"workers": 2, "thumbnails": "off", "poster": "off"})
    places = Location.of_source(str(source)), Location.of_dest(str(tmp_path / "dest"))
    begun: list[EarlyStart] = []

    class Counted(EarlyStart):
        def take(self, beginning: Beginning) -> None:
            begun.append(self)
            super().take(beginning)

    monkeypatch.setattr(here, "EarlyStart", Counted)
    _, ref = find_source(places[0])
    claim = local_claim(new_job(places[0], ref, places[1], settings))
    with ExitStack() as other:
        if not alone:
            media = locations(tmp_path, tmp_path / "dest").open().media
            other.enter_context(holding(places[1], media, claim, lambda _: True))
        Here().play(*places, settings, LiveStream(), lambda _: None)
    assert len(begun) == alone


def test_what_was_begun_is_removed_by_the_next_run_where_this_one_is_stopped(
    tmp_path: Path, benches: list[LocalExecutor]
) -> None:
    source = mux(tmp_path / "a.mp4", [Stretch(320, 180), Stretch(180, 320)], "libx264", "mp4", {"preset": "ultrafast"})
    here = bench(source, tmp_path / "dest", benches)
    plan = here.split()
    begun = here.start._begun
    assert begun is not None
    begun.future.result(60)
    here.stop.set()
    with pytest.raises(Interrupted):
        here.start.settle(plan)
    first = {f"{begun.task.renditions[0].folder}/{name}" for name in ("init.mp4", "00000.m4s")}
    assert first <= here.files
    places = locations(source.parent, tmp_path / "dest")
    run = Run(id="next", places=places, source=here.task.source, settings=Settings.model_validate(SETTINGS), began=0)
    assert split_step(run).reused == 0  # what AWS calls; engines of this machine share what removes it
    assert not first & here.files


def test_a_run_that_is_killed_leaves_no_plan_which_the_segment_was_not_compared_with(
    tmp_path: Path, benches: list[LocalExecutor]
) -> None:
    """The worker had written the plan before the driver compared the two: killed between, DEST kept a wrong segment."""
    source = make_clip(ClipSpec(seconds=Fraction(2), rate=Fraction(25), size=(320, 180)), tmp_path).path
    here = bench(source, tmp_path / "dest", benches)
    plan = here.split()
    assert here.stores.media.stat(PLAN) is None
    assert here.start.settle(plan) is not None
    assert here.stores.media.get(PLAN) == plan.to_json()


def test_what_was_begun_is_removed_where_the_executor_has_ended(tmp_path: Path, benches: list[LocalExecutor]) -> None:
    source = mux(tmp_path / "a.mp4", [Stretch(320, 180), Stretch(180, 320)], "libx264", "mp4", {"preset": "ultrafast"})
    here = bench(source, tmp_path / "dest", benches)
    plan = here.split()
    here.executor.shutdown(cancel=True)
    assert here.start.settle(plan) is None
    assert {key for key in here.files if not key.startswith(".streamify/segments-")} == set()
    assert here.stores.media.get(PLAN) == plan.to_json()


@pytest.mark.long
def test_what_was_begun_is_removed_where_the_source_turns_out_to_be_of_no_use(
    tmp_path: Path, benches: list[LocalExecutor]
) -> None:
    spec = ClipSpec(seconds=Fraction(230), rate=Fraction(5), size=(160, 120), gop=100_000)
    here = bench(make_clip(spec, tmp_path).path, tmp_path / "dest", benches)
    future = here.executor.submit(here.task)
    future.on_beginning(here.start.take)
    error = future.exception(60)
    assert isinstance(error, TaskError)
    assert error.code == "source-keyframes-too-rare"
    assert here.start.settle(None) is None
    assert here.files == set()


def test_a_beginning_is_not_told_of_where_more_has_to_be_known(tmp_path: Path, benches: list[LocalExecutor]) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(2), rate=Fraction(25), size=(320, 180)), tmp_path).path
    here = bench(source, tmp_path / "dest", benches)
    here.task = here.task.model_copy(update={"settings": here.task.settings.model_copy(update={"strict": True})})
    plan = here.split()
    assert here.start.settle(plan) is None
    assert here.attempts == []


@pytest.mark.long
def test_a_segment_that_exists_is_not_begun_again(tmp_path: Path) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(2), rate=Fraction(25), size=(320, 180)), tmp_path).path
    settings = Settings.model_validate(SETTINGS | {"workers": 2, "thumbnails": "off", "poster": "off"})
    places = Location.of_source(str(source)), Location.of_dest(str(tmp_path / "dest"))
    Here().transcode(*places, settings, lambda _: None)
    for name in (PLAN, REPORT):
        (tmp_path / "dest" / name).unlink()
    events: list[Event] = []
    Here().play(*places, settings, LiveStream(), events.append)
    assert {event.task for event in events if event.kind == "task.started"} == {"split", "init"}


def test_nothing_is_begun_of_a_film_that_begins_with_interlaced_pictures(
    tmp_path: Path, benches: list[LocalExecutor]
) -> None:
    here = bench(write_fields(tmp_path / "a.mpg", 50), tmp_path / "dest", benches)
    here.split()
    assert here.attempts == []
