"""The video task: one segment into its renditions."""

from __future__ import annotations

import time
from functools import partial

from streamify.bitstream.captions import TRIPLE, cc_data
from streamify.media.video.burn import Burner
from streamify.media.video.segment import transcode_segment
from streamify.media.video.window import WindowSource
from streamify.model.progress import OnProgress
from streamify.model.result import IFrame, MediaResult
from streamify.model.task import VideoTask
from streamify.planning.grid import keyframe_ticks
from streamify.storage.base import Stores
from streamify.tasks.publish import caption_notes, damage_notes, loss_notes, publish_segment, written


def run_video(task: VideoTask, stores: Stores, progress: OnProgress | None = None) -> MediaResult:
    """Transcode and publish one segment. See `run_task` for errors."""
    began = time.process_time()
    segment = task.segment
    keyframes = sorted(keyframe_ticks(task.timeline, segment.start, segment.end, segment.keyframes))
    done = transcode_segment(
        WindowSource(partial(stores.open_source, task.source), task.video.stream, task.access, task.video.end),
        task.video,
        task.timeline,
        segment,
        task.renditions,
        keyframes,
        task.threads,
        progress,
        _burner(task, stores),
    )
    stages = sum(cost.decode + cost.scale + cost.encode for cost in done.costs)
    other = max(0.0, time.process_time() - began - stages) / len(done.costs)
    where = f"segment {segment.index}"
    notes = damage_notes(where, done.errors) + loss_notes(where, done.seam, done.spoilt, task.timeline)
    notes += caption_notes(task.renditions, done.seam)
    records = tuple(
        publish_segment(
            stores.media,
            track,
            segment.index,
            init=packaged.init,
            data=packaged.media,
            written=written(packaged.fragments),
            iframes=tuple(
                IFrame(start=one.decode_time, offset=one.start, size=one.data + one.sizes[0] - one.start)
                for one in packaged.fragments
            ),
            captions=len(cc_data(packaged.media, escaped=True)) // TRIPLE if track.recipe.captions else 0,
            seam=done.seam,
            # Once per decode: all renditions of the task come from the same pictures.
            notes=notes if track == task.renditions[0] else (),
            looks=done.looks,
            cost=cost.model_copy(update={"other": round(other, 4)}),
        )
        for track, packaged, cost in zip(task.renditions, done.packaged, done.costs, strict=True)
    )
    return MediaResult(key=task.key, records=records)


def _burner(task: VideoTask, stores: Stores) -> Burner | None:
    """Return what draws subtitles into the pictures; its code is loaded here, so that a worker is ready sooner."""
    if task.burn is None:
        return None
    from streamify.tasks.burn import read_part

    shown = read_part(task.burn_part, stores.media).shown
    return Burner(task.burn.codec, shown, task.video, task.timeline, task.renditions)
