"""What a decoded picture says of its colours."""

from __future__ import annotations

from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from streamify.media.source.palette import INDEXED
from streamify.media.source.reshaping import left_over, needs_metadata
from streamify.model.source import Colour, VideoFacts

UNSPECIFIED = 2
"""In place of primaries, transfer or matrix (ITU-T H.273)."""
LIMITED, FULL = 1, 2
"""FFmpeg's numbers of ranges; 0: the picture does not say."""


def tags_of(frame: VideoFrame) -> Colour:
    """Return the colours of a picture, as bitstream or container say, without the peak of its light."""
    if needs_metadata(frame):
        return Colour(primaries=9, transfer=16, full_range=True, dolby=True)
    return _coded(frame)


def tags_outside(context: VideoCodecContext) -> Colour:
    """Return what a container says of its pictures; of a decoder that has decoded none yet."""
    return Colour(
        primaries=int(context.color_primaries) or UNSPECIFIED,
        transfer=int(context.color_trc) or UNSPECIFIED,
        matrix=int(context.colorspace) or UNSPECIFIED,
    )


def filled(colour: Colour, outside: Colour) -> Colour:
    """Return the colours of a picture, with those of its container where the bitstream says none.

    Decoders of HEVC, H.264 and ProRes put "unspecified" in place of what the container says as soon as the bitstream
    has the field. Primaries and transfer belong together: a bitstream that says one of them is not completed.
    """
    if colour.primaries != UNSPECIFIED or colour.transfer != UNSPECIFIED:
        return colour
    matrix = outside.matrix if colour.matrix == UNSPECIFIED and outside.matrix != 0 else colour.matrix  # 0: RGB
    return colour.model_copy(update={"primaries": outside.primaries, "transfer": outside.transfer, "matrix": matrix})


def _coded(frame: VideoFrame) -> Colour:
    rgb = frame.format.is_rgb or frame.format.name == INDEXED  # palettes are of RGB
    return Colour(
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        matrix=0 if rgb else int(frame.colorspace) or UNSPECIFIED,
        full_range=int(frame.color_range) == FULL or frame.format.name.startswith("yuvj"),
    )


def completed(frame: VideoFrame, video: VideoFacts) -> Colour:
    """Return the colours of a picture, and for what it does not say those of most pictures.

    Pictures of Dolby Vision that lost their metadata are known by their full range, without other tags. What is tagged,
    or of limited range, is a part of another kind that was joined to them; decoders of HEVC call so what says nothing.

    Args:
        frame: As it was decoded.
        video: What most pictures are. Those of another pixel format that do not say their range are not taken to have
            the same.
    """
    usual, said = video.colour, _coded(frame)
    matrix = said.matrix
    other_format = frame.format.name != video.pixel_format
    untagged = said.primaries == said.transfer == matrix == UNSPECIFIED
    bare = untagged and int(frame.color_range) != LIMITED and not (usual.dolby and other_format)
    if needs_metadata(frame) and (bare or not left_over(frame, video.codec)):
        return usual.model_copy(update={"peak": None}) if usual.dolby else tags_of(frame)
    if usual.dolby:
        if bare:
            return usual.model_copy(update={"peak": None})
        usual = Colour()  # PQ and BT.2020 are of no other part
    if matrix == UNSPECIFIED and usual.matrix != 0:  # that of RGB
        matrix = usual.matrix
    silent = not int(frame.color_range) and not other_format
    return Colour(
        primaries=usual.primaries if said.primaries == UNSPECIFIED else said.primaries,
        transfer=usual.transfer if said.transfer == UNSPECIFIED else said.transfer,
        matrix=matrix,
        full_range=usual.full_range if silent else said.full_range,
    )
