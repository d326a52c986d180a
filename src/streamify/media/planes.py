"""Planes of pictures as bytes without the room that FFmpeg leaves at the end of each line."""

from __future__ import annotations

from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter

_LUMA_FIRST = (
    "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p", "nv12", "gray",
)  # fmt: skip
"""Formats whose first plane is luma of 8 bits."""


_EXACT = Interpolation.POINT | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
"""The same on every processor: what is seen decides settings of the encoder."""


def luma_first(frame: VideoFrame) -> VideoFrame:
    """Return a picture, the same where it can be, whose first plane is luma of 8 bits."""
    if frame.format.name in _LUMA_FIRST:
        return frame
    # The scaler refuses some tags, such as ICtCp's, where it is not told of another matrix. Luma stays as it is.
    return VideoReformatter().reformat(
        frame, format="yuv420p", src_colorspace=1, dst_colorspace=1, interpolation=_EXACT
    )


def packed(plane: VideoPlane) -> bytes:
    """Return the samples of a plane, 8 bits each, line after line."""
    data, line = bytes(plane), plane.line_size
    if line == plane.width:
        return data[: line * plane.height]
    return b"".join(data[row * line : row * line + plane.width] for row in range(plane.height))


def fill(plane: VideoPlane, data: bytes) -> None:
    """Write samples that are packed into a plane."""
    if plane.line_size == plane.width:
        plane.update(data)
    else:
        rest = bytes(plane.line_size - plane.width)
        plane.update(b"".join(data[i : i + plane.width] + rest for i in range(0, len(data), plane.width)))
