"""One task of a job alone, in this process, from its exact input: the plan at DEST and the source.

It writes into a folder of its own and reads nothing but the plan, its segment list and what was measured of the
loudness, so that a debugger can stop anywhere and nothing at DEST changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from streamify.dest.layout import (
    SUBTITLES,
    all_words_key,
    ledger_key,
    loudness_key,
    run_plan_key,
    text_file_key,
    text_record_key,
    track_folder,
)
from streamify.errors import DestinationError, SourceError, UsageError
from streamify.executors.attempt import begun, finished
from streamify.executors.wire import Done
from streamify.jobs.attempts import read_attempts
from streamify.jobs.failures import failures_of
from streamify.jobs.keys import Named, named, task_keys
from streamify.jobs.locations import find_source
from streamify.jobs.loudness import loudness_task
from streamify.jobs.record import read_job
from streamify.jobs.segments import SegmentList
from streamify.jobs.survey import survey
from streamify.jobs.words import TEXT, tasks_of, text_task, text_tasks
from streamify.jobs.work import audio_task, video_task
from streamify.machine.usage import peak_bytes, resident_bytes
from streamify.media.build import codec_build
from streamify.model.attempt import Usage
from streamify.model.location import Location
from streamify.model.plan import MEDIA_VERSION, Plan
from streamify.model.progress import OnProgress
from streamify.model.result import SPLIT, Blob, MediaResult, Result, SegmentRecord, SplitResult, TextResult
from streamify.model.single import Likeness, MadeFile, SingleRun, TaskList, TaskState
from streamify.model.source import SourceRef
from streamify.model.status import JobStatus
from streamify.model.task import SplitTask, Task, TextTask, VideoTask
from streamify.model.words import TextRecord
from streamify.planning.budget import split_budget
from streamify.planning.schedule import Group
from streamify.planning.timeline import spent
from streamify.storage.base import Storage, Stores
from streamify.storage.local import LocalStorage
from streamify.storage.saved import parse_saved
from streamify.tasks.plan_file import read_plan
from streamify.tasks.run import run_task

Reach = Callable[[Location], Storage]
"""Opens a location."""


def list_tasks(status: JobStatus, media: Storage) -> TaskList:
    """Return the tasks of a job, and which of them are done.

    Raises:
        DestinationError: ``not-planned``; or the state cannot be read.
    """
    plan = _plan(status, media)
    done = survey(plan, media).done
    failed: set[tuple[str, int]] = set()
    for one in failures_of(status.run.id, media) if status.run is not None else ():
        with suppress(UsageError):  # of an earlier plan, or no part of the stream
            failed |= _cells(plan, named(plan, one.key))
    tasks = [(task.key, _cells(plan, task)) for task in task_keys(plan) if task.kind != TEXT]
    missing = {task.key for task in text_tasks(plan, media)}
    states = [
        TaskState(task=key, state="done" if cells <= done else "failed" if cells & failed else "missing")
        for key, cells in tasks
    ]
    states += [
        TaskState(task=task.key, state="missing" if task.key in missing else "done")
        for task in tasks_of(plan, plan.text)
    ]
    return TaskList(dest=status.dest, tasks=tuple(states))


def _cells(plan: Plan, task: Named) -> set[tuple[str, int]]:
    """Return (track, segment) of all that a task makes."""
    tracks = plan.video if task.kind == "video" else plan.audio
    return {(tracks[number].id, index) for number in task.tracks for index in range(task.first, task.stop)}


def run_single(
    status: JobStatus, reach: Reach, key: str, folder: Path, source: Location | None, on_progress: OnProgress | None
) -> SingleRun:
    """Run one task of a job in this process, in a folder of its own; compare what it made with the job's ledger.

    Args:
        status: Of the job.
        reach: Opens DEST and the folder or bucket of the source, both only to read.
        key: Of the task, as `streamify.jobs.keys.named` takes it.
        folder: Gets what the task makes.
        source: Where the source is now; ``None``: where it was.
        on_progress: As of `streamify.tasks.run.run_task`.

    Raises:
        UsageError: ``task-unknown``, ``task-ambiguous`` or ``task-folder``.
        SourceError: ``source-missing`` or ``source-changed``; or the task's own error.
        DestinationError: ``not-planned`` or ``job-unknown``; or the state cannot be read.
    """
    dest = Location.of_dest(status.dest)
    if not dest.remote and folder.is_relative_to(dest.path):
        raise UsageError("task-folder", f"{folder} is the job's DEST, or lies in it", "name another folder")
    media = reach(dest)
    plan = _plan(status, media)
    wanted = named(plan, key)
    uploads, ref = _source(status, media, plan, source)
    made = LocalStorage(folder)
    for number in wanted.tracks if wanted.kind == "audio" else ():
        known = media.get(loudness_key(plan.audio[number].id))
        if known is not None:
            made.put(loudness_key(plan.audio[number].id), known)
    task = _task(plan, media, wanted, ref)
    for key in _read_by(task):
        data = media.get(key)
        if data is not None:  # else the task says that it is missing
            made.put(key, data)
    this, clock, cpu = begun(task.key, 1, "", time.time()), time.monotonic(), time.process_time()
    result = run_task(task, Stores(reach(uploads), made), on_progress)
    usage = Usage(
        seconds=time.monotonic() - clock, cpu_seconds=time.process_time() - cpu, peak_bytes=peak_bytes(),
        resident_bytes=resident_bytes(),
    )  # fmt: skip
    files = tuple(_files(result, media))
    if isinstance(result, SplitResult):
        same: Likeness = "same" if Plan.from_json(result.plan) == plan else "different"
    else:
        found = {file.job for file in files}
        same = "different" if "different" in found else "same" if found == {"same"} else "none"
    run = status.run
    return SingleRun(
        dest=status.dest,
        task=task.key,
        folder=str(folder),
        seconds=round(usage.seconds, 3),
        cpu_seconds=round(usage.cpu_seconds, 3),
        spent=spent(finished(this, Done(result=result, usage=usage))),
        files=files,
        job=same,
        before=tuple(one for one in read_attempts(media, run.id) if one.task == task.key) if run is not None else (),
        reasons=tuple(_reasons(plan)),
    )


def _plan(status: JobStatus, media: Storage) -> Plan:
    """Return the plan of the last run, else that of the job."""
    found = read_plan(media, run_plan_key(status.run.id)) if status.run is not None else None
    found = found or read_plan(media)
    if found is None:
        raise DestinationError(
            "not-planned",
            f"the job at {status.dest} has no plan: it ended before its source was split, or its state was removed",
            "see why with streamify explain; then run its command again",
        )
    return found


def _source(status: JobStatus, media: Storage, plan: Plan, source: Location | None) -> tuple[Location, SourceRef]:
    if source is None:
        job = read_job(media)
        if job is None:
            raise DestinationError(
                "job-unknown", f"nothing at {status.dest} tells where the source of the job is", "give it with --source"
            )
        source = job.source
    try:
        uploads, ref = find_source(source, plan.source.ref)
    except SourceError as error:
        if error.code != "source-missing":
            raise
        hint = "give the place of a copy with --source"
        raise SourceError(error.code, error.message, hint) from error
    if ref.identity != plan.source.ref.identity:
        raise SourceError(
            "source-changed",
            f"{source} is not what it was when the job at {status.dest} was planned",
            "give the file that it was with --source",
        )
    return uploads, ref


def _task(plan: Plan, media: Storage, wanted: Named, ref: SourceRef) -> Task:
    """Return the task itself, on the source as it is now: a copy has another time of change."""
    if wanted.kind == SPLIT:
        budget = split_budget(ref.size, burns=plan.settings.burn_in is not None)
        return SplitTask(source=ref, settings=plan.settings, budget=budget)
    if wanted.kind == TEXT:
        return text_task(plan, wanted.key).model_copy(update={"source": ref})
    segments = SegmentList(plan, media)
    try:
        part = [segments[index] for index in range(wanted.first, wanted.stop)]
    finally:
        segments.close()
    [number, *_] = wanted.tracks
    task: Task
    if wanted.kind == "video":
        task = video_task(plan, part[0], Group(wanted.first, wanted.tracks))
    elif wanted.kind == "audio":
        task = audio_task(plan, plan.audio[number], part)
    else:
        task = loudness_task(plan, plan.audio[number], part)
    return task.model_copy(update={"source": ref})


def _read_by(task: Task) -> Iterator[str]:
    """Yield the keys of what a task reads of the state of DEST."""
    if isinstance(task, VideoTask) and task.burn_part:
        yield task.burn_part
    if isinstance(task, TextTask):
        yield task.segment_list
        yield from (text_file_key(track.recipe.file) for track in task.tracks if track.recipe.file is not None)


def _files(result: Result, media: Storage) -> Iterator[MadeFile]:
    """Yield what a task made, beside the ledger of the job."""
    for words in result.records if isinstance(result, TextResult) else ():
        place = text_record_key(words.track)
        data = media.get(place)
        known = parse_saved(TextRecord, data, place) if data is not None else None
        key = all_words_key(track_folder(SUBTITLES, words.track))
        whole = Blob(key=key, size=words.size, sha256=words.sha256)
        yield _file(whole, Blob(key=key, size=known.size, sha256=known.sha256) if known is not None else None)
    inits = set()
    for record in result.records if isinstance(result, MediaResult) else ():
        place = ledger_key(record.track, record.segment)
        data = media.get(place)
        before = parse_saved(SegmentRecord, data, place) if data is not None else None
        if record.init.key not in inits:
            inits.add(record.init.key)
            yield _file(record.init, before.init if before is not None else None)
        yield _file(record.media, before.media if before is not None else None)


def _file(blob: Blob, before: Blob | None) -> MadeFile:
    job: Likeness = "none" if before is None else "same" if before == blob else "different"
    return MadeFile(key=blob.key, size=blob.size, sha256=blob.sha256, job=job)


def _reasons(plan: Plan) -> Iterator[str]:
    if plan.media_version != MEDIA_VERSION:
        yield f"the plan is of media version {plan.media_version}, this release makes version {MEDIA_VERSION}"
    build = codec_build()
    if plan.codec_build != build:
        yield f"the plan is for the codec build {plan.codec_build}, this is {build}"
