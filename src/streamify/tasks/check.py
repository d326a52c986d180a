"""The check task: look at one published segment, in a worker, as at any other untrusted media."""

from __future__ import annotations

from functools import partial

from streamify.media.compare import compare_segment, decode_published
from streamify.media.video.decode import WindowSource
from streamify.model.task import CheckResult, CheckTask
from streamify.model.track import VideoTrack
from streamify.storage.base import Stores, sha256


def run_check(task: CheckTask, stores: Stores) -> CheckResult:
    """Decode a published segment; compare it with the source where the task names one. Faults are results."""
    record = task.record
    where = record.media.key
    init, data = stores.media.get(record.init.key), stores.media.get(where)
    if init is None or data is None:
        return CheckResult(key=task.key, faults=(f"{where if data is None else record.init.key} is missing",), frames=0)
    faults = []
    if sha256(data) != record.media.sha256:
        faults.append(f"{where}: checksum differs")
    decoded = decode_published(init, data, task.track.kind)
    faults.extend(f"{where}: {error}" for error in decoded.errors[:5])
    if isinstance(task.track, VideoTrack):
        if decoded.frames != record.frames:
            faults.append(f"{where}: {decoded.frames} pictures decode, {record.frames} were encoded")
        if decoded.first != record.start:
            faults.append(f"{where}: starts at tick {decoded.first}, not {record.start}")
    if task.source is None or not isinstance(task.track, VideoTrack) or faults:
        return CheckResult(key=task.key, faults=tuple(faults), frames=decoded.frames)
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
    )
    return CheckResult(
        key=task.key,
        faults=tuple(f"{where}: {fault}" for fault in like.faults),
        frames=decoded.frames,
        psnr_min=round(like.lowest, 2),
        psnr_mean=round(like.mean, 2),
    )
