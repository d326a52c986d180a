"""How decoded pictures are meant to be shown: sizes, aspects and rotations change midway in some sources."""

from __future__ import annotations

from fractions import Fraction

from streamify.media.source.turn import Turn
from streamify.media.video.decode import Picture
from streamify.model.source import Look, VideoFacts


class Looks:
    """Tells the looks of the pictures of one source."""

    def __init__(self, video: VideoFacts) -> None:
        self._video = video
        self._known: dict[tuple[int, int, str, Fraction | None, Turn], Look] = {}

    def of(self, picture: Picture) -> Look:
        """Return the look of a picture."""
        frame = picture.frame
        key = frame.width, frame.height, frame.format.name, picture.aspect, picture.turn
        look = self._known.get(key)
        if look is None:
            look = self._known[key] = Look(
                width=frame.width,
                height=frame.height,
                sample_aspect=self._aspect(picture.aspect),
                rotation=picture.turn[0],
                mirrored=picture.turn[1],
                pixel_format=frame.format.name,
            )
        return look

    def _aspect(self, coded: Fraction | None) -> Fraction:
        """Return the sample aspect of a picture whose bitstream says `coded`.

        As long as the bitstream says what it says of most pictures, the container's counts, if there is one.
        """
        if coded == self._video.coded_aspect:
            return self._video.sample_aspect
        return coded if coded is not None else Fraction(1)
