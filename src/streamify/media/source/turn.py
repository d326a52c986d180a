"""How a player turns a picture: its display matrix (ISO/IEC 14496-12, 8.5.3)."""

from __future__ import annotations

import math
import struct
from typing import Literal

from av.video.frame import VideoFrame

from streamify.media.source.sidedata import SideDataType, first_of

Turn = tuple[Literal[0, 90, 180, 270], bool]
"""Degrees clockwise, and whether it is flipped left to right before that."""

UPRIGHT: Turn = (0, False)


def turn_of(frame: VideoFrame) -> Turn:
    """Return how a player turns a decoded picture."""
    matrix = first_of(frame, SideDataType.DISPLAYMATRIX)
    return UPRIGHT if matrix is None else _of_matrix(matrix)


def _of_matrix(matrix: bytes) -> Turn:
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b  # undo the flip of the first axis
    degrees = round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360
    return {0: (0, mirrored), 90: (90, mirrored), 180: (180, mirrored), 270: (270, mirrored)}[degrees]  # type: ignore[return-value]


class Turns:
    """Tells how pictures are turned, in the order in which a decoder gives them out.

    A message in the bitstream that turns a picture holds until the next keyframe (ITU-T H.264, D.2.28); FFmpeg reports
    it for the one picture alone.
    """

    def __init__(self) -> None:
        self._matrix, self._turn = b"", UPRIGHT

    def of(self, frame: VideoFrame) -> Turn:
        """Return how a player turns a picture."""
        # PyAV's `VideoFrame.rotation` cannot tell a flip from top to bottom from none, nor one from left to right from
        # half a turn.
        matrix = first_of(frame, SideDataType.DISPLAYMATRIX) or b""
        if matrix != self._matrix and (matrix or frame.key_frame):
            self._matrix, self._turn = matrix, _of_matrix(matrix) if matrix else UPRIGHT
        return self._turn
