"""The check task: look at one published segment, in a worker, as at any other untrusted media."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from streamify.media.compare import compare_segment, decode_published
from streamify.media.video.window import WindowSource
from streamify.model.result import CheckResult, SegmentRecord
from streamify.model.task import CheckTask
from streamify.model.track import VideoTrack
from streamify.mp4.boxes import BoxError
from streamify.mp4.fragments import Fragment, fragments
from streamify.storage.base import Stores, sha256
from streamify.tasks.burn import read_part


def run_check(task: CheckTask, stores: Stores) -> CheckResult:
    """Check a published segment: bytes, fragments, pictures; with a source also what they show. Faults are results."""
    record = task.record
    init, data = stores.media.get(record.init.key), stores.media.get(record.media.key)
    faults = list(_differences(record, init, data))
    if init is None or data is None:
        return CheckResult(key=task.key, faults=tuple(faults), frames=0)
    where, is_video = record.media.key, isinstance(task.track, VideoTrack)
    parts: tuple[Fragment, ...] = ()
    if sha256(data) == record.media.sha256:
        try:
            parts = fragments(data)
        except BoxError as error:
            # FFmpeg would make an index of whatever the boxes claim.
            return CheckResult(key=task.key, faults=(*faults, f"{where}: {error}"), frames=0)
        faults += (f"{where}: {fault}" for fault in _chain(parts, record, numbered=is_video))
    decoded = decode_published(init, data, task.track.kind)
    faults.extend(f"{where}: {error}" for error in decoded.errors[:5])
    if is_video:
        if decoded.frames != record.frames:
            faults.append(f"{where}: {decoded.frames} pictures decode, {record.frames} were encoded")
        if decoded.first != record.start:
            faults.append(f"{where}: starts at tick {decoded.first}, not {record.start}")
    result = CheckResult(
        key=task.key,
        faults=tuple(faults),
        frames=decoded.frames,
        numbers=(parts[0].sequence, parts[-1].sequence) if parts and is_video else None,
    )
    return result if faults else _compared(task, stores, init, data, result)


def _compared(task: CheckTask, stores: Stores, init: bytes, data: bytes, result: CheckResult) -> CheckResult:
    """Compare the pictures with the source's where the task names one."""
    if task.source is None or not isinstance(task.track, VideoTrack):
        return result
    assert task.video is not None
    assert task.timeline is not None
    assert task.segment is not None
    like = compare_segment(
        WindowSource(partial(stores.open_source, task.source), task.video.stream, task.access, task.video.end),
        task.video,
        task.timeline,
        task.segment,
        task.track,
        init,
        data,
        read_part(task.burn_part, stores.media).shown if task.burn_part else (),
    )
    faults = tuple(f"{task.record.media.key}: {fault}" for fault in like.faults)
    return result.model_copy(
        update={"faults": faults, "psnr_min": round(like.lowest, 2), "psnr_mean": round(like.mean, 2)}
    )


def _differences(record: SegmentRecord, init: bytes | None, data: bytes | None) -> Iterator[str]:
    """Yield what of the files is not as the report says."""
    if init is None:
        yield f"{record.init.key} is missing"
    elif sha256(init) != record.init.sha256:
        yield f"{record.init.key}: checksum differs"
    if data is None:
        yield f"{record.media.key} is missing"
    elif len(data) != record.media.size:
        yield f"{record.media.key}: {len(data)} bytes, not {record.media.size}"
    elif sha256(data) != record.media.sha256:
        yield f"{record.media.key}: checksum differs"


def _chain(parts: tuple[Fragment, ...], record: SegmentRecord, *, numbered: bool) -> Iterator[str]:
    """Check that fragments follow each other, begin with sync samples, and hold what the report says."""
    at, duration, frames, sequence = record.start, record.duration, record.frames, None
    for part in parts:
        if numbered and sequence is not None and part.sequence <= sequence:
            yield f"fragment number {part.sequence} does not go on from {sequence}"
        sequence = part.sequence
        if part.decode_time != at:
            yield f"a fragment starts at tick {part.decode_time}, not {at}"
        at = part.decode_time + sum(part.durations)
        duration -= sum(part.durations)
        frames -= len(part.sizes)
        if not part.sync:
            yield f"the fragment at tick {part.decode_time} does not start with a sync sample"
    if duration or frames:
        yield f"{-duration:+d} ticks and {-frames:+d} frames against the report"
