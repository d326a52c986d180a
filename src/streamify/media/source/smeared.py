"""Pictures of HEVC that are decoded from ones that are missing.

FFmpeg 8.1 leaves them out in silence, up to the next keyframe, unless it is asked for them; FFmpeg 5.1 and its decoders
of H.264 give them out, marked as damaged, and so do players.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame


class Smeared:
    """Asks one decoder for them; not for those in front of the first whole picture, which would be grey.

    Args:
        context: As `decoder` gives it, before anything is decoded.
    """

    def __init__(self, context: VideoCodecContext) -> None:
        self._asked = self._waits = context.name == "hevc"
        if self._asked:
            context.flags |= Flags.output_corrupt

    def begin_anew(self) -> None:
        """Wait for the next whole picture: decoding begins behind others."""
        self._waits = self._asked

    def shown(self, frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
        """Yield pictures from the first whole one on."""
        for frame in frames:
            self._waits = self._waits and frame.is_corrupt
            if not self._waits:
                yield frame
