"""Single pictures of a segment are those of a whole decode, though half of it is left out."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

import av
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamify.media import testcard
from streamify.media.video.stills import Shown

SIZE = (128, 72)


@cache
def segment() -> bytes:
    """Return 72 pictures, one a tick, with an IDR picture at each 24th and B pictures, some of them references."""
    card, out = testcard.Card(*SIZE), io.BytesIO()
    with av.open(out, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as container:
        options = {"preset": "veryfast", "x264-params": "keyint=24:scenecut=0:bframes=3:b-pyramid=normal:open-gop=0"}
        stream = container.add_stream("libx264", rate=24, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(72):
            frame = testcard.picture(*SIZE, (card.luma(number, flash=number % 7 == 0), *card.chroma))
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


@cache
def whole() -> list[tuple[int, bytes]]:
    """Return time and bytes of each picture that FFmpeg decodes of the whole segment."""
    with av.open(io.BytesIO(segment()), "r") as container:
        return [(int(frame.pts or 0), pixels(frame)) for frame in container.decode(video=0)]


def shown_at(file: bytes, wanted: Sequence[int]) -> Iterator[VideoFrame]:
    """Yield pictures of a fragmented file, whose boxes in front of the first fragment are its init segment."""
    cut = file.index(b"moof") - 4
    return Shown(file[:cut]).at(file[cut:], wanted)


def pixels(frame: VideoFrame) -> bytes:
    return b"".join(bytes(plane) for plane in frame.planes)


@pytest.mark.parametrize(
    "numbers", [[0], [1], [23], [24], [71], [5, 6, 7], [0, 24, 48], [3, 3, 50], [22, 23, 24, 25], list(range(72))]
)
def test_pictures_are_those_of_a_whole_decode(numbers: Sequence[int]) -> None:
    times = [time for time, _ in whole()]
    assert len(times) == 72
    late = (times[1] - times[0]) // 2
    for by in (0, late):
        found = shown_at(segment(), [times[number] + by for number in numbers])
        assert [pixels(frame) for frame in found] == [whole()[number][1] for number in numbers]


def test_before_the_first_and_behind_the_last_picture_stand_these() -> None:
    found = list(shown_at(segment(), [-1_000_000, 1_000_000_000]))
    assert [pixels(frame) for frame in found] == [whole()[0][1], whole()[-1][1]]


def test_i_pictures_that_ffmpeg_calls_keyframes_begin_no_group() -> None:
    """With a single reference picture FFmpeg's parser calls each I picture a keyframe; its decoder needs an IDR."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as container:
        params = "keyint=infinite:min-keyint=99999:scenecut=40:ref=1:bframes=0"
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "x264-params": params})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(24):
            frame = VideoFrame(*SIZE, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([90 if number < 10 else number * 37 % 200]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(io.BytesIO(out.getvalue()), "r") as container:
        keys = [packet.pts for packet in container.demux(video=0) if packet.is_keyframe]
    assert len(keys) > 10
    with av.open(io.BytesIO(out.getvalue()), "r") as container:
        pictures = [(int(frame.pts or 0), pixels(frame)) for frame in container.decode(video=0)]
    for number in (9, 10, 16, 23):
        time, wanted = pictures[number]
        assert [pixels(frame) for frame in shown_at(out.getvalue(), [time])] == [wanted]
