"""What a running task tells of its progress ends at what there is to do."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from clips.make import ClipSpec, make_clip
from e2e.driving import rungs
from streamify.jobs.agenda import Agenda
from streamify.jobs.demands import Demands
from streamify.jobs.locations import find_source
from streamify.jobs.segments import SegmentList
from streamify.model.location import Location
from streamify.model.progress import Unit
from streamify.model.settings import Settings
from streamify.model.task import SplitTask
from streamify.storage.locate import StoreLocations
from streamify.tasks.plan_file import read_plan
from streamify.tasks.run import run_task


def test_a_task_counts_up_to_its_pictures_and_access_units(tmp_path: Path) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(2), rate=Fraction(24), size=(320, 180)), tmp_path).path
    folder, ref = find_source(Location.parse(str(source)))
    stores = StoreLocations(uploads=folder, media=Location.parse(str(tmp_path / "dest"))).open()
    settings = Settings.model_validate({"ladder": rungs(180), "segment_seconds": 1, "keyframe_seconds": 1}).media()
    run_task(SplitTask(source=ref, settings=settings), stores)
    plan = read_plan(stores.media)
    assert plan is not None
    segments = SegmentList(plan, stores.media)
    for task in Agenda(plan, segments, (), 1, Demands()).rest():
        seen: list[tuple[int, int, Unit]] = []
        run_task(task, stores, lambda *told, seen=seen: seen.append(told))
        done = [one[0] for one in seen]
        assert done == sorted(done)
        if task.kind == "video":
            assert len(done) == done[-1] == 24  # a call for each picture that is encoded, 24 a second
            assert {one[1:] for one in seen} == {(24, "pictures")}
        else:
            units = -(-2 * 48_000 // 1024) + 1  # and the encoder's priming
            assert {one[1:] for one in seen} == {(units, "access units")}
            assert units - 3 <= done[-1] <= units  # the encoder holds the last few back until it is flushed
    segments.close()
