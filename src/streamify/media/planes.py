"""Planes of pictures as bytes without the room that FFmpeg leaves at the end of each line."""

from __future__ import annotations

from av.video.plane import VideoPlane


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
