"""Subtitles of a job: which tracks are still to be made, and what is known of those that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from streamify.dest.layout import all_words_key, captions_part_folder, text_record_key, words_key
from streamify.errors import UsageError
from streamify.manifests.words import TextManifest
from streamify.model.plan import Plan
from streamify.model.result import SPLIT
from streamify.model.source import Note
from streamify.model.task import TextTask
from streamify.model.track import TextTrack
from streamify.model.words import TextRecord, TextReport
from streamify.planning.budget import text_budget
from streamify.planning.words import caption_parts
from streamify.storage.base import Storage
from streamify.storage.saved import parse_saved

TEXT = "text"
"""What the keys of tasks of words begin with."""


def text_tasks(plan: Plan, media: Storage) -> Iterator[TextTask]:
    """Yield a task for all streams of words that are missing, one for all captions (or parts), and one for each file.

    A track is missing where any of its files is: the record of it says what there has to be.
    """
    missing = [
        track
        for track, record, sizes in _surveyed(plan, media)
        if record is None
        or sizes.get(all_words_key(track.folder)) != record.size
        or any(_faults(track, record, sizes, plan.segments))
    ]
    yield from tasks_of(plan, missing)


def _surveyed(plan: Plan, media: Storage) -> Iterator[tuple[TextTrack, TextRecord | None, Mapping[str, int]]]:
    """Yield each track with its record and the sizes of what is there of all tracks: read side by side, listed once."""
    if not plan.text:
        return
    listed = {entry.key: entry.size for entry in media.list(plan.text[0].folder.partition("/")[0])}
    for track, data in zip(plan.text, media.get_many(text_record_key(track.id) for track in plan.text), strict=True):
        yield track, _parsed(track, data), listed


def tasks_of(plan: Plan, tracks: Sequence[TextTrack]) -> Iterator[TextTask]:
    """Yield the tasks that make tracks of words."""
    streams = tuple(track for track in tracks if track.recipe.stream is not None)
    if streams:
        yield _task(plan, f"{TEXT}/source", streams)
    captions = tuple(track for track in tracks if track.recipe.channel is not None)
    if captions:
        yield from _caption_tasks(plan, captions)
    for track in tracks:
        if track.recipe.file is not None:
            yield _task(plan, f"{TEXT}/{track.id}", (track,))


def _caption_tasks(plan: Plan, tracks: tuple[TextTrack, ...]) -> Iterator[TextTask]:
    """Yield the task of captions, or one for each part of a long film: the last of them to end makes the tracks."""
    parts = caption_parts(plan.segments, plan.source.ref.size)
    first = next(track.id for track in plan.text if track.recipe.channel is not None)
    for part in range(parts):
        key = f"{TEXT}/captions" if parts == 1 else f"{TEXT}/captions/{part:05d}"
        of = {
            "access": plan.source.access,
            "video": plan.source.video,
            "part": part,
            "parts": parts,
            "before": plan.captions_before if part == 0 else None,
            "collected": first if parts > 1 else "",
        }
        yield _task(plan, key, tracks, parts).model_copy(update=of)


def text_task(plan: Plan, key: str) -> TextTask:
    """Return the task with a key; of the streams of the source, that of all of them.

    Raises:
        UsageError: ``task-unknown``.
    """
    found = next((task for task in tasks_of(plan, plan.text) if task.key == key), None)
    if found is None:
        raise UsageError("task-unknown", f"there is no task '{key}'", "--list shows all")
    return found


def _task(plan: Plan, key: str, tracks: tuple[TextTrack, ...], parts: int = 1) -> TextTask:
    return TextTask(
        key=key,
        source=plan.source.ref,
        tracks=tracks,
        timeline=plan.timeline,
        segment_list=plan.segment_list,
        strict=plan.settings.strict,
        cut=plan.source.cut,
        needs=(SPLIT,),
        budget=text_budget(plan, tracks, parts),
    )


def read_words(media: Storage, track: TextTrack) -> TextRecord | None:
    """Return what is known of a track of words; ``None``: it was not made, or its last file is gone."""
    found = _record(media, track)
    there = media.stat(all_words_key(track.folder)) if found is not None else None
    return found if found is not None and there is not None and there.size == found.size else None


def damaged_words(plan: Plan, media: Storage) -> Iterator[str]:
    """Yield keys of files whose record names another size: what is made again could not take their place."""
    for track, record, sizes in _surveyed(plan, media):
        if record is None:
            continue
        wanted = {words_key(track.folder, index): size for index, size in enumerate(record.segments.size)}
        wanted[all_words_key(track.folder)] = record.size
        yield from (key for key, size in wanted.items() if sizes.get(key, size) != size)


def _record(media: Storage, track: TextTrack) -> TextRecord | None:
    return _parsed(track, media.get(text_record_key(track.id)))


def _parsed(track: TextTrack, data: bytes | None) -> TextRecord | None:
    found = parse_saved(TextRecord, data, text_record_key(track.id)) if data is not None else None
    return found if found is not None and found.track == track.id else None


def text_manifest(track: TextTrack, record: TextRecord, borders: Sequence[Fraction]) -> TextManifest | None:
    """Return what manifests are written from; ``None``: it has no cue, and nothing is offered.

    Args:
        track: Of words.
        record: Of it.
        borders: Starts of the segments that are published and the end of the last, seconds.
    """
    if not record.cues:
        return None
    durations = tuple(stop - start for start, stop in pairwise(borders))
    return TextManifest(track, durations, record.size)


def text_faults(
    track: TextTrack, record: TextRecord | None, media: Storage, segments: int, captions: int | None = None
) -> Iterator[str]:
    """Yield what is wrong with the files of a track, and with its count of cues.

    All cues of the source are in the track or named. What each segment holds was counted when it was written; here its
    bytes are compared with that.

    Args:
        track: Of words.
        record: Of it.
        media: Rooted at DEST.
        segments: Of the plan.
        captions: Triples of cc_data in the source's pictures, as its video was made; ``None``: not known yet.
    """
    if record is None:
        yield f"{track.folder}: subtitles are missing"
        return
    if record.triples is not None and captions is not None and record.triples < captions:
        yield f"{track.folder}: of {captions} triples of captions {record.triples} were read"
    yield from _faults(track, record, {entry.key: entry.size for entry in media.list(track.folder)}, segments)


def _faults(track: TextTrack, record: TextRecord, folder: Mapping[str, int], segments: int) -> Iterator[str]:
    columns = record.segments
    if len(columns.size) != segments:
        yield f"{track.folder}: {len(columns.size)} segments, the plan has {segments}"
    if record.found + record.split != record.cues + record.left_out:
        yield (
            f"{track.folder}: the source has {record.found + record.split} cues, {record.cues} are there and "
            f"{record.left_out} are named as left out"
        )
    for index, size in enumerate(columns.size):
        key = words_key(track.folder, index)
        if folder.get(key) != size:
            yield f"{key} is missing" if key not in folder else f"{key}: {folder[key]} bytes, its worker wrote {size}"


def text_report(track: TextTrack, record: TextRecord) -> TextReport:
    """Return what the report says of a track."""
    labels = track.labels
    return TextReport(
        id=track.id,
        folder=track.folder,
        name=labels.name,
        language=labels.language,
        role=labels.role,
        default=labels.default,
        found=record.found,
        cues=record.cues,
        left_out=record.left_out,
        split=record.split,
        bytes=record.size + sum(record.segments.size),
        size=record.size,
        sha256=record.sha256,
        segments=record.segments,
    )


def text_notes(track: TextTrack, record: TextRecord) -> Iterator[Note]:
    """Yield what is said of a track."""
    yield from record.notes
    if not record.cues:
        yield Note(kind="dropped", what=track.source, why="it holds no cue that can be shown")


def forget_words(plan: Plan, media: Storage) -> None:
    """Remove all words of a plan: they are made anew."""
    for track in plan.text:
        media.delete(text_record_key(track.id))
        for entry in [*media.list(track.folder), *media.list(captions_part_folder(track.id))]:
            media.delete(entry.key)
