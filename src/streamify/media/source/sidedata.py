"""Side data of decoded pictures, also where it is of a kind that PyAV does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame


def _unknown(kinds: type[SideDataType], value: object) -> SideDataType:
    kind = object.__new__(kinds)
    kind.__dict__.update(_name_=f"UNKNOWN_{value}", _value_=value)
    return kind


# PyAV 18.1 names kinds up to 27; FFmpeg 8.1 has 32 (LCEVC, view ids, 3D reference displays, EXIF). With one of them,
# `frame.side_data` raises ValueError and gives nothing of the others either. Enum asks this method before it raises.
SideDataType._missing_ = classmethod(_unknown)  # type: ignore[method-assign, assignment]


def side_data(picture: VideoFrame) -> Iterator[SideData]:
    """Yield the side data of a picture, in FFmpeg's order; kinds that PyAV does not know equal none that it does."""
    return iter(cast("Iterator[SideData]", picture.side_data))  # PyAV's types call it a mapping of names


def first_of(picture: VideoFrame, *kinds: SideDataType) -> bytes | None:
    """Return the first side data of one of some kinds; ``None``: there is none."""
    return next((bytes(side) for side in side_data(picture) if side.type in kinds), None)


__all__ = ["SideDataType", "first_of", "side_data"]
