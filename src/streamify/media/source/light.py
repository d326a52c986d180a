"""How bright the highlights of PQ pictures are, as their metadata says."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from av.video.frame import VideoFrame

from streamify.media.pq import pq_light
from streamify.media.source.reshaping import greatest_light
from streamify.media.source.sidedata import SideDataType, side_data

PQ = 16
"""Transfer characteristics of ITU-T H.273."""

DARKEST, BRIGHTEST = 100, 10_000
"""cd/m2 between which a peak is believed: tools write 0, and values in a wrong unit."""


def light_peak(pictures: Iterable[VideoFrame]) -> int | None:
    """Return the peak of the first picture that has one: the lower of MaxCLL and of the mastering display's.

    The display was as bright as it could be, and the film no brighter than its brightest pixel. ``None``: neither is
    there, or neither can be true.
    """
    for picture in pictures:
        found = [value for value in _peaks(picture) if DARKEST <= value <= BRIGHTEST]
        if found:
            return round(min(found))
    return None


def _peaks(picture: VideoFrame) -> Iterator[float]:
    for side in side_data(picture):
        if side.type == SideDataType.CONTENT_LIGHT_LEVEL:
            yield float(struct.unpack_from("=I", bytes(side))[0])  # AVContentLightMetadata.MaxCLL
        elif side.type == SideDataType.MASTERING_DISPLAY_METADATA:
            # AVMasteringDisplayMetadata: primaries, white point, least and greatest luminance as rationals; two flags.
            numerator, denominator, _, luminance = struct.unpack_from("=4i", bytes(side), 72)
            if luminance and denominator > 0:
                yield numerator / denominator
    greatest = greatest_light(picture)
    if greatest is not None:
        yield pq_light(greatest / 4095)
