"""What a decoded picture says of its colours."""

from __future__ import annotations

from av.video.frame import VideoFrame

from streamify.media.source.palette import INDEXED
from streamify.media.source.reshaping import needs_metadata
from streamify.model.source import Colour

UNSPECIFIED = 2
"""In place of primaries, transfer or matrix (ITU-T H.273)."""
FULL = 2
"""FFmpeg's number of the full range; 0: the picture does not say."""


def tags_of(frame: VideoFrame) -> Colour:
    """Return the colours of a picture, as bitstream or container say, without the peak of its light."""
    if needs_metadata(frame):
        return Colour(primaries=9, transfer=16, full_range=True, dolby=True)
    rgb = frame.format.is_rgb or frame.format.name == INDEXED  # palettes are of RGB
    return Colour(
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        matrix=0 if rgb else int(frame.colorspace) or UNSPECIFIED,
        full_range=int(frame.color_range) == FULL or frame.format.name.startswith("yuvj"),
    )


def completed(frame: VideoFrame, usual: Colour, pixel_format: str) -> Colour:
    """Return the colours of a picture, and for what it does not say those of most pictures.

    Args:
        frame: As it was decoded.
        usual: Of most pictures.
        pixel_format: Of most pictures: others that do not say their range are not taken to have the same.
    """
    said = tags_of(frame)
    matrix = said.matrix
    if said.dolby or (usual.dolby and said.primaries == said.transfer == matrix == UNSPECIFIED):
        return usual.model_copy(update={"peak": None}) if usual.dolby else said
    if matrix == UNSPECIFIED and usual.matrix != 0:  # that of RGB
        matrix = usual.matrix
    silent = not int(frame.color_range) and frame.format.name == pixel_format
    return Colour(
        primaries=usual.primaries if said.primaries == UNSPECIFIED else said.primaries,
        transfer=usual.transfer if said.transfer == UNSPECIFIED else said.transfer,
        matrix=matrix,
        full_range=usual.full_range if silent else said.full_range,
    )
