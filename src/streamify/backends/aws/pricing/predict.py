"""From a source, or from a job that was planned, to its predicted cost: where stack, sample and arithmetic meet."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import NamedTuple

from streamify.backends.aws.pricing.cost import Prediction, predict_job
from streamify.backends.aws.pricing.deployment import Deployment, read_deployment
from streamify.backends.aws.pricing.routing import choose_groups
from streamify.backends.aws.pricing.sample import measure
from streamify.backends.aws.pricing.work import Call, calls, load_of
from streamify.executors.events import EventDelivery
from streamify.jobs.engine import Stop, executor_for, run_one
from streamify.jobs.items import Item, opening_segments
from streamify.jobs.locations import find_source
from streamify.jobs.segments import SegmentList
from streamify.jobs.sidecars import gather
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.result import SplitResult
from streamify.model.settings import Settings
from streamify.model.task import SplitTask
from streamify.model.track import AudioTrack
from streamify.planning.budget import split_budget
from streamify.planning.speed import from_table
from streamify.storage.base import Storage
from streamify.storage.locate import StoreLocations, open_storage


class Planned(NamedTuple):
    """A dry run for AWS."""

    plan: Plan
    prediction: Prediction


def predict_source(
    source: Location, settings: Settings, stop: Stop | None = None, stack: Deployment | None = None
) -> Planned:
    """Plan a source, measure a sample of it in worker processes, and predict; nothing is kept.

    Args:
        source: Path or URL.
        settings: Of the job; no cap is looked at.
        stop: Ends it early.
        stack: Where it would run; ``None`` asks AWS.
    """
    folder, ref = find_source(source)
    settings = gather(settings, source).settings
    stack = stack or read_deployment(settings.stack)
    # One worker: two on the threads of one core would slow each other, which Lambda's do not.
    alone = settings.model_copy(update={"engine": "local", "workers": 1})
    with tempfile.TemporaryDirectory(prefix="streamify-plan-") as temporary:
        places = StoreLocations(uploads=folder, media=Location.parse(temporary))
        events = EventDelivery(None)
        with executor_for(alone, places, events) as executor:
            budget = split_budget(ref.size, burns=settings.burn_in is not None)
            task = SplitTask(source=ref, settings=settings.media(), budget=budget)
            result = run_one(executor, task, stop, events)
            assert isinstance(result, SplitResult)
            plan = Plan.from_json(result.plan)
            segments = SegmentList(plan, open_storage(places.media))
            try:
                groups = choose_groups(plan, stack)
                speed = measure(plan, segments, executor, groups, stop)
                loads = [load_of(plan, segment) for segment in segments]
                opening = opening_segments(plan, segments) if settings.publish == "early" else 0
            finally:
                segments.close()
    chosen = calls(plan, loads, speed, groups, opening=opening)
    dry = plan.model_copy(update={"segment_list": ""})  # which was only written to be looked at
    return Planned(dry, predict_job(plan, chosen, stack, sampled=speed.sampled, early=opening > 0))


def calls_of(
    plan: Plan, media: Storage, items: Iterable[Item], stack: Deployment, *, early: bool = False
) -> list[Call]:
    """Return the calls for items that are known, without a sample: from the table of speeds.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        items: What is to be made.
        stack: Where it runs.
        early: As of `streamify.jobs.items.items`.
    """
    missing = {entry for item in items for entry in _made_by(plan, item)}
    done = {(track.id, index) for track in plan.tracks for index in range(plan.segments)} - missing
    segments = SegmentList(plan, media)
    try:
        loads = [load_of(plan, segment) for segment in segments]
        opening = opening_segments(plan, segments) if early else 0
    finally:
        segments.close()
    return list(calls(plan, loads, from_table(plan), choose_groups(plan, stack), done, opening))


def _made_by(plan: Plan, item: Item) -> Iterable[tuple[str, int]]:
    for number in item.tracks:
        track = plan.tracks[number]
        if isinstance(track, AudioTrack):
            first = int(item.key.rsplit("/", 1)[1])
            for index in range(first, min(first + (track.piece_segments or plan.segments), plan.segments)):
                yield track.id, index
        else:
            yield track.id, int(item.key.split("/")[1])
