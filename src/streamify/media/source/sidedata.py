"""Side data of decoded pictures and sound, also where it is of a kind that PyAV does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from av.frame import Frame
from av.sidedata.sidedata import SideData, SideDataContainer
from av.sidedata.sidedata import Type as SideDataType


def _unknown(kinds: type[SideDataType], value: object) -> SideDataType:
    kind = object.__new__(kinds)
    kind.__dict__.update(_name_=f"UNKNOWN_{value}", _value_=value)
    return kind


# PyAV 18.1 names kinds up to 27; FFmpeg 8.1 has 32 (LCEVC, view ids, 3D reference displays, EXIF). With one of them,
# `frame.side_data` raises ValueError and gives nothing of the others either. Enum asks this method before it raises.
SideDataType._missing_ = classmethod(_unknown)  # type: ignore[method-assign, assignment]


def side_data(frame: Frame) -> Iterator[SideData]:
    """Yield the side data of a frame, in FFmpeg's order; kinds that PyAV does not know equal none that it does.

    `Frame.side_data` would make the frame keep what keeps the frame: it, and with it all memory that its decoder has
    for pictures, would stay until Python looks for garbage. For 1080p that was 0.3 GB with each task (2026-11).
    """
    container = SideDataContainer(frame)  # type: ignore[call-arg]  # PyAV's types leave out what it takes
    return iter(cast("Iterator[SideData]", container))  # and call it a mapping of names


def first_of(frame: Frame, *kinds: SideDataType) -> bytes | None:
    """Return the first side data of one of some kinds; ``None``: there is none."""
    return next((bytes(side) for side in side_data(frame) if side.type in kinds), None)


__all__ = ["SideDataType", "first_of", "side_data"]
