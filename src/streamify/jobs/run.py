"""The steps of a job, the same on every engine: plan, survey, run, certify, publish, finish.

An engine adds where tasks run and who calls the steps: one process here, one function for each on AWS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from streamify.dest.layout import (
    BURN,
    GROWING,
    PLAN,
    REPORT,
    init_key,
    ledger_key,
    loudness_folder,
    loudness_key,
    segment_key,
)
from streamify.errors import DestinationError, counted
from streamify.executors.base import Executor, TaskError
from streamify.executors.events import EventDelivery
from streamify.executors.local.start import WorkerStarter
from streamify.jobs.assemble import assemble
from streamify.jobs.beginning import remove_begun
from streamify.jobs.early import withdraw
from streamify.jobs.engine import Keep, Stop, executor_for, run_one
from streamify.jobs.hold_base import Hold
from streamify.jobs.images import forget_images
from streamify.jobs.locations import find_source
from streamify.jobs.report import RunTotals, make_report
from streamify.jobs.retire import known_tracks, overdue, remove_tracks, retire
from streamify.jobs.segments import SegmentList
from streamify.jobs.sidecars import gather
from streamify.jobs.survey import Found, survey
from streamify.jobs.tell import Tell
from streamify.jobs.words import damaged_words, forget_words
from streamify.model.burn import PART_SEGMENTS
from streamify.model.location import Location
from streamify.model.plan import MEDIA_VERSION, Plan
from streamify.model.report import Report
from streamify.model.result import Beginning, SplitResult
from streamify.model.settings import Settings
from streamify.model.source import SourceFacts, SourceRef
from streamify.model.task import SplitTask
from streamify.planning.agenda import FIRST
from streamify.planning.budget import split_budget
from streamify.planning.burn import part_key
from streamify.storage.base import Storage
from streamify.storage.locate import StoreLocations
from streamify.tasks.plan_file import read_plan


def probe(source: Location, stop: Stop | None = None, starter: WorkerStarter | None = None) -> SourceFacts:
    """Return facts about a source, found out in a worker process. Caps refuse no source here."""
    settings = Settings()
    folder, ref = find_source(source)
    events = EventDelivery(None)
    with executor_for(settings, StoreLocations(uploads=folder, media=folder), events, starter=starter) as executor:
        task = _split_task(ref, settings, write=False).model_copy(update={"facts_only": True})
        with _reading(ref):
            result = run_one(executor, task, stop, events)
    assert isinstance(result, SplitResult)
    return SourceFacts.from_json(result.plan)


def plan(source: Location, settings: Settings, stop: Stop | None = None, starter: WorkerStarter | None = None) -> Plan:
    """Return the plan of a source without writing anything (the dry run); split runs here, whatever the engine."""
    folder, ref = find_source(source)
    settings = gather(settings, source).settings
    events = EventDelivery(None)
    with executor_for(settings, StoreLocations(uploads=folder, media=folder), events, starter=starter) as executor:
        return split(executor, ref, settings, stop, events, write=False)


def split(
    executor: Executor,
    ref: SourceRef,
    settings: Settings,
    stop: Stop | None,
    events: EventDelivery,
    *,
    write: bool,
    keep: Keep = lambda _: None,
    on_beginning: Callable[[Beginning], None] | None = None,
) -> Plan:
    """Plan a source in a worker of this machine; with `write`, into the media storage.

    With `on_beginning` somebody waits for the stream: it goes before all else, and tells of its beginning.
    """
    task = _split_task(ref, settings, write=write)
    if on_beginning is not None:
        task = task.model_copy(update={"begin": True, "priority": FIRST})
    with _reading(ref):
        result = run_one(executor, task, stop, events, keep, on_beginning)
    assert isinstance(result, SplitResult)
    return Plan.from_json(result.plan)


@contextmanager
def _reading(ref: SourceRef) -> Iterator[None]:
    """Have a worker that is lost while it reads a source say which one that is, and what to do."""
    try:
        yield
    except TaskError as error:
        if not error.code.startswith("worker-"):
            raise
        hint = "copy or upload it again from the original; if it plays on your machine, please report it"
        if error.code == "worker-out-of-memory":
            hint = "use a machine with more memory; if the source is a small one, its index is damaged"
        failure = error.failure
        raise TaskError(replace(failure, cause=f"{ref.key}: {failure.cause}, while it read it", hint=hint)) from error


def _split_task(ref: SourceRef, settings: Settings, *, write: bool) -> SplitTask:
    budget = split_budget(ref.size, burns=settings.burn_in is not None)
    return SplitTask(source=ref, settings=settings.media(), write=write, budget=budget)


class OldPlan(NamedTuple):
    """The plan that earlier runs left at DEST."""

    plan: Plan | None
    """``None``: split has to make one."""
    why: str = ""
    """Why the one that is there cannot be used, where the user should know."""


def find_plan(media: Storage, ref: SourceRef, settings: Settings, dest: Location, *, alone: bool) -> OldPlan:
    """Return the plan at DEST where it is the one that split would make.

    Where there is none and this run is `alone`, a first segment that an earlier run began early is removed: it may be
    cut otherwise. Another run of the same job may be making it just now.

    Raises:
        DestinationError: DEST holds the stream of another source, or a plan that cannot be read, and is not replaced.
    """
    try:
        old = read_plan(media)
    except DestinationError as error:
        if not settings.replace:
            raise
        return OldPlan(None, error.message)
    if old is None:
        if alone:
            remove_begun(media)
        return OldPlan(None)
    if old.source.ref.identity != ref.identity and not settings.replace:
        raise DestinationError(
            "dest-other-source",
            f"DEST {dest} holds the stream of another source or of an earlier version of it",
            "name another DEST, or pass --replace",
        )
    why = "; ".join(_differences(old, media, ref, settings))
    return OldPlan(None, why) if why else OldPlan(old)


def _differences(old: Plan, media: Storage, ref: SourceRef, settings: Settings) -> Iterator[str]:
    """Yield what splitting now would do otherwise."""
    from streamify.media.build import codec_build  # which loads FFmpeg: a driver of a new job does without

    if old.source.ref.identity != ref.identity:
        yield "the source is another one"
    elif old.source.ref != ref:
        yield "the source has another name or time of change"
    if old.media_version != MEDIA_VERSION:
        yield f"the plan at DEST is of media version {old.media_version}, this release makes version {MEDIA_VERSION}"
    if old.codec_build != codec_build():
        yield "the plan at DEST is for another codec build or kind of processor"
    if old.settings != settings.media():
        yield "its settings differ"
    try:
        SegmentList(old, media).close()
    except DestinationError as error:
        yield error.message
    if old.burn is not None:
        there = {entry.key for entry in media.list(f"{BURN}/{old.burn.id}")}
        if any(part_key(old.burn, segment) not in there for segment in range(0, old.segments, PART_SEGMENTS)):
            yield "what it draws into the pictures is missing"


def survey_dest(plan: Plan, media: Storage, settings: Settings, tell: Tell) -> Found:
    """Look at what exists, once what cannot be used is gone: what was cut off, and files that are not as written."""
    media.sweep()
    found = survey(plan, media, newer="ignore" if settings.replace else "refuse")
    damaged = (*found.damaged, *damaged_words(plan, media))
    if damaged:
        withdraw(media)  # what is published may name them
    for key in damaged:
        media.delete(key)
    if damaged:
        tell("note", f"{counted(len(damaged), 'media file')} made again: of another size than written", {})
    if found.unreadable:
        text = f"{counted(found.unreadable, 'segment')} made again: ledger damaged, or of an earlier or newer version"
        tell("note", text, {"entries": found.unreadable})
    return found


def forget(plan: Plan, media: Storage) -> None:
    """Remove all segments of a plan, and what the ledger says of them."""
    withdraw(media)
    for track in plan.tracks:
        for index in range(plan.segments):
            media.delete(ledger_key(track.id, index))
            media.delete(segment_key(track.folder, index))
        media.delete(init_key(track.folder))
        media.delete(loudness_key(track.id))
        for entry in list(media.list(loudness_folder(track.id))):
            media.delete(entry.key)
    forget_words(plan, media)
    forget_images(plan, media)


def finish(
    plan: Plan,
    media: Storage,
    settings: Settings,
    tell: Tell,
    totals: Callable[[float], RunTotals],
    hold: Hold,
    make_images: Callable[[], None],
) -> Report:
    """Check the certificate, write the manifests, and last of all the report; retire what was replaced.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        settings: Of the job.
        tell: Receives notes.
        totals: Called with the CPU seconds of all segments; returns what the run did up to then.
        hold: Of DEST.
        make_images: Runs the tasks of `streamify.jobs.images.image_tasks`.

    Raises:
        VerificationFailed: Something is missing or does not fit; nothing was written.
        DestinationError: ``dest-taken``, another job holds DEST by now.
    """
    made = assemble(plan, media, hold.check, make_images)
    before = known_tracks(media) if settings.replace else frozenset[str]()
    report = make_report(plan, made, totals(sum(track.cpu_seconds for track in made.tracks)))
    hold.check()
    if media.get(PLAN) != plan.to_json():  # an earlier run on AWS that was ended may have written its own since
        media.put(PLAN, plan.to_json())
    media.put(REPORT, report.to_json())
    media.delete(GROWING)
    now = time.time()
    retired = retire(plan, media, before, now)
    due = overdue(retired, now, settings.replace_grace)
    if due:
        hold.check()
        tell("note", str(remove_tracks(media, retired, due)), {"tracks": list(due)})
    if len(retired.tracks) > len(due):
        kept = [track for track in retired.tracks if track not in due]
        tell("note", f"replaced tracks stay for viewers who still play them, at least {settings.replace_grace:g} s: "
             f"{', '.join(kept)}", {"tracks": kept})  # fmt: skip
    return report
