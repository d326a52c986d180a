"""How decoded pictures are meant to be shown: sizes, aspects, rotations and colours change midway in some sources."""

from __future__ import annotations

from fractions import Fraction

from streamify.media.source.reshaping import left_over, needs_metadata
from streamify.media.source.tags import completed
from streamify.media.video.decode import Picture
from streamify.model.source import Colour, Look, VideoFacts


class Looks:
    """Tells the looks of the pictures of one source."""

    def __init__(self, video: VideoFacts) -> None:
        self._video = video
        self._known: dict[tuple[object, ...], Look] = {}

    def of(self, picture: Picture) -> Look:
        """Return the look of a picture."""
        frame = picture.frame
        tags = frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range
        dolby = needs_metadata(frame), left_over(frame, self._video.codec)
        key = frame.width, frame.height, frame.format.name, picture.aspect, picture.turn, tags, dolby
        look = self._known.get(key)
        if look is None:
            look = self._known[key] = Look(
                width=frame.width,
                height=frame.height,
                sample_aspect=self._aspect(picture.aspect),
                rotation=picture.turn[0],
                mirrored=picture.turn[1],
                pixel_format=frame.format.name,
                colour=self._colour(picture),
            )
        return look

    def _colour(self, picture: Picture) -> Colour:
        """Return the colours of a picture, with the peak of light that is known of such pictures."""
        return peak_of(completed(picture.frame, self._video), self._video)

    def _aspect(self, coded: Fraction | None) -> Fraction:
        """Return the sample aspect of a picture whose bitstream says `coded`.

        As long as the bitstream says what it says of most pictures, the container's counts, if there is one.
        """
        if coded == self._video.coded_aspect:
            return self._video.sample_aspect
        return coded if coded is not None else Fraction(1)


def peak_of(colour: Colour, video: VideoFacts) -> Colour:
    """Return colours with the peak of light that split found in pictures of such colours."""
    known = (video.colour, *(part.look.colour for part in video.parts))
    return next((one for one in known if one.alike(colour)), colour)
