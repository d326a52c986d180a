"""Images of a stream: thumbnails for scrubbing, tiled into sheets, the poster, and an animated preview."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.dest.layout import thumbnails_folder
from streamify.model.base import Frozen, Rational


class Storyboard(Frozen):
    """Thumbnails of the film, one at every multiple of `interval`, in sheets of equal layout; part of the plan."""

    id: str
    """Name of the folder: the size of a thumbnail, and a hash of what decides the bytes."""
    track: str
    """Id of the video rendition whose pictures they are."""
    width: int
    """Of a thumbnail, pixels."""
    height: int
    columns: int
    rows: int
    interval: Rational
    """Seconds from thumbnail to thumbnail."""
    count: int
    """Thumbnails in all; the last sheet is filled up with black."""

    @property
    def folder(self) -> str:
        """Folder of the sheets below DEST."""
        return thumbnails_folder(self.id)

    @property
    def tiles(self) -> int:
        """Thumbnails of a sheet."""
        return self.columns * self.rows

    @property
    def sheets(self) -> int:
        """How many there are."""
        return -(-self.count // self.tiles)


class PosterPlan(Frozen):
    """What the poster is made from; part of the plan."""

    id: str
    """A hash of what decides the bytes."""
    track: str
    """Id of the video rendition whose picture it is."""
    at: Rational | None
    """Seconds; ``None``: the best of some that are spread over the film."""
    sizes: tuple[tuple[int, int], ...]
    """Width and height in pixels, the largest first."""


class PreviewPlan(Frozen):
    """What the animated preview is made from; part of the plan."""

    id: str
    """A hash of what decides the bytes."""
    track: str
    """Id of the video rendition whose pictures they are."""
    seconds: Rational
    """Of the preview."""
    spots: int
    """Places of the film that it shows, one after another."""
    width: int
    """Pixels."""
    height: int


class Moment(Frozen):
    """A picture of a rendition."""

    segment: int
    at: int
    """Output ticks from the start of the stream: the picture that is shown then."""


class SheetRecord(Frozen):
    """A sheet exists: written after it."""

    schema_version: Annotated[int, Field(alias="schema")] = 1
    key: str
    """Of the sheet, below DEST."""
    size: int
    """Bytes."""
    sha256: str
    """Hex."""


class Still(Frozen):
    """One file of the poster."""

    key: str
    """Below DEST."""
    type: Literal["image/jpeg", "image/webp"]
    width: int
    """Pixels."""
    height: int
    size: int
    """Bytes."""
    sha256: str
    """Hex."""


class Poster(Frozen):
    """The poster exists: written after its files."""

    schema_version: Annotated[int, Field(alias="schema")] = 1
    id: str
    """Of its plan."""
    at: Rational
    """Seconds."""
    stills: tuple[Still, ...]


class Preview(Frozen):
    """The animated preview exists: written after its file."""

    schema_version: Annotated[int, Field(alias="schema")] = 1
    id: str
    """Of its plan."""
    key: str
    """Below DEST."""
    type: Literal["image/webp"] = "image/webp"
    width: int
    """Pixels."""
    height: int
    seconds: Rational
    pictures: int
    size: int
    """Bytes."""
    sha256: str
    """Hex."""


class StoryboardReport(Frozen):
    """The thumbnails of a finished stream."""

    id: str
    folder: str
    """Below DEST."""
    width: int
    """Of a thumbnail, pixels."""
    height: int
    columns: int
    """Of a sheet."""
    rows: int
    interval: Rational
    """Seconds from thumbnail to thumbnail."""
    count: int
    """Thumbnails in all."""
    sheets: tuple[SheetRecord, ...]
