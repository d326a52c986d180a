"""The audio task: a run of segments of one track, encoded as one continuous stream."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from itertools import islice, pairwise

from streamify.media.audio.notes import change_note, cut_note, padding_note
from streamify.media.audio.piece import encode_piece, package_audio
from streamify.media.audio.samples import AudioLog, AudioSource
from streamify.model.progress import OnProgress
from streamify.model.result import Cost, MediaResult, SoundCount
from streamify.model.source import Note
from streamify.model.task import AudioTask
from streamify.planning.loudness import factor
from streamify.storage.base import Stores
from streamify.tasks.loudness import known_gain
from streamify.tasks.publish import damage_notes, publish_segment, written


def run_audio(task: AudioTask, stores: Stores, progress: OnProgress | None = None) -> MediaResult:
    """Encode and publish a piece of one audio track, each segment as soon as it is whole. See `run_task` for errors.

    What is said of the whole piece, its notes and counts, stands with its last segment.
    """
    log = AudioLog()
    cuts = task.cuts
    gain = factor(known_gain(stores.media, task.track))
    opened = partial(stores.open_source, task.source)
    source = AudioSource(opened, task.slice, task.breaks, task.joined, gain, task.piece)
    units = encode_piece(source, task.track, cuts[0], cuts[-1], log, progress)
    records = []
    for number, (first, last) in enumerate(pairwise(cuts)):
        began = time.process_time()
        part = list(islice(units, last - first))
        [packaged] = package_audio(part, task.track, (first, last))
        ended = number == len(cuts) - 2
        if ended:
            deque(units, maxlen=0)  # what follows the last unit is read too, and its damage is named
        records.append(
            publish_segment(
                stores.media,
                task.track,
                task.first_segment + number,
                init=packaged.init,
                data=packaged.media,
                written=written(packaged.fragments),
                heard=_count(task, log) if ended else None,
                notes=_notes(task, log) if ended else (),
                cost=Cost(encode=round(time.process_time() - began, 4)),
            )
        )
    return MediaResult(key=task.key, records=tuple(records))


SLACK = 8192
"""Samples of a piece that may be missing: decoders hold back those of a few packets at the start and at changes."""


def _count(task: AudioTask, log: AudioLog) -> SoundCount | None:
    undecoded = _undecoded(task, log)
    if task.piece is None and not undecoded:
        return None
    promised = task.piece.promised if task.piece is not None else log.decoded + undecoded
    return SoundCount(promised=promised, decoded=log.decoded, refused=len(log.errors), undecoded=undecoded)


def _undecoded(task: AudioTask, log: AudioLog) -> int:
    """Return how many samples of packets did not come out."""
    rate = task.track.sample_rate
    missing = round(log.undecoded * rate)
    if task.piece is not None:
        missing += task.piece.promised - log.decoded
    return missing if missing > SLACK else 0


def _notes(task: AudioTask, log: AudioLog) -> tuple[Note, ...]:
    notes = damage_notes(f"audio stream {task.track.stream}", log.errors)
    if log.gaps:
        what = f"audio stream {task.track.stream}: {log.gaps} gaps or overlaps"
        notes += (Note(kind="converted", what=what, why="silence fills gaps and overlaps are cut: sync is kept"),)
    if log.padding:
        notes += (padding_note(task.track.stream, float(log.padding)),)
    if log.cut:
        notes += (cut_note(task.track.stream, float(log.cut)),)
    if missing := _undecoded(task, log):
        what = f"{missing / task.track.sample_rate:.3f} s of audio stream {task.track.stream}"
        where = f"between segments {task.first_segment} and {task.first_segment + len(task.cuts) - 2}"
        notes += (Note(kind="damaged", what=what, why=f"its packets do not decode, {where}: silence fills it"),)
    return notes + tuple(change_note(task.track.stream, at, change) for at, change in log.changes)
