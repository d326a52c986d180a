"""The init segment of a rendition, made before any picture is."""

from __future__ import annotations

import pytest
from av.video.frame import PictureType, VideoFrame

from plan_samples import plan
from streamify.media.video.encode import VideoEncoder
from streamify.media.video.picture import output_colour
from streamify.media.video.segment import video_init


@pytest.mark.parametrize("preset", ["ultrafast", "medium", "veryslow"])
def test_it_is_that_of_a_segment_whose_pictures_were_encoded(preset: str) -> None:
    found, _ = plan(ladder="360p,240p", preset=preset)
    video, timeline = found.source.video, found.timeline
    assert video is not None
    assert timeline.frame_duration is not None
    for track in found.video:
        encoder = VideoEncoder(track, output_colour(video))
        for number in range(5):
            kind = PictureType.I if number in (0, 3) else PictureType.NONE
            frame = VideoFrame(track.width, track.height, "yuv420p")
            encoder.encode(frame, ticks=number * timeline.frame_duration, kind=kind)
        encoder.flush()
        length = 5 * timeline.frame_duration
        made = encoder.package(reorder=timeline.reorder, duration=length, start=length, sequence=7, captions={})
        assert video_init(video, timeline, track) == made.init
