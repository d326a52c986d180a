"""The init task: the init segments of tracks, so that a stream can be described before any of it is made."""

from __future__ import annotations

from streamify.dest.layout import init_key
from streamify.media.audio.piece import audio_init
from streamify.media.video.segment import video_init
from streamify.model.result import InitResult
from streamify.model.task import InitTask
from streamify.model.track import VideoTrack
from streamify.storage.base import Stores


def run_init(task: InitTask, stores: Stores) -> InitResult:
    """Write the init segments: the very bytes that come with each segment of the track. See `run_task` for errors."""
    for track in task.tracks:
        if isinstance(track, VideoTrack):
            assert task.video is not None
            data = video_init(task.video, task.timeline, track)
        else:
            data = audio_init(track)
        stores.media.put_new(init_key(track.folder), data)
    return InitResult()
