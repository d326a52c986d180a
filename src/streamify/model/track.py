"""Tracks of the output: a recipe, which decides the bytes, and labels, which do not."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from streamify.dest.layout import track_folder
from streamify.model.base import Frozen
from streamify.model.recipe import AudioRecipe, TextRecipe, VideoRecipe
from streamify.model.subtitle import TextRole

Role = Literal["main", "dub", "commentary", "description", "speech", "effects", "karaoke"]
"""What a track is for; ``description``: the picture in words, for those who do not see it; ``speech``: dialogue made
clearer, for those who hear badly; ``effects``: no dialogue."""


class Labels(Frozen):
    """What people and players are told of a track. Decides no byte and is part of no hash."""

    name: str = ""
    """Of the rung, such as ``1080p``; of sound, its title or language, unique in the plan."""
    language: str | None = None
    """BCP 47; ``None``: unknown."""
    role: Role = "main"
    original: bool = False
    """Whether it is in the language that the film was made in."""
    default: bool = False


class _Track(Frozen):
    kind: str
    id: str
    """Unique in the plan; name of the folder: a readable part and a hash of what decides the bytes."""
    timescale: int
    """Output ticks per second."""
    labels: Labels = Labels()

    @property
    def folder(self) -> str:
        """Folder of the track below DEST."""
        return track_folder(self.kind, self.id)


class VideoTrack(_Track):
    """One video rendition of the output."""

    kind: Literal["video"] = "video"
    recipe: VideoRecipe
    chosen: str = ""
    """What a preset of our own stands for in this rung, for people; as labels, it decides no byte."""
    why: str = ""
    """Why that, for people."""

    @property
    def name(self) -> str:
        """Name of the rung, such as ``1080p``."""
        return self.labels.name

    @property
    def width(self) -> int:
        """Pixels."""
        return self.recipe.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self.recipe.height

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second; the average at a variable rate."""
        return self.recipe.frame_rate


class AudioTrack(_Track):
    """One audio track of the output."""

    kind: Literal["audio"] = "audio"
    recipe: AudioRecipe

    @property
    def name(self) -> str:
        """What progress and status call it."""
        return "audio"

    @property
    def stream(self) -> int:
        """Index of the stream in the source."""
        return self.recipe.stream

    @property
    def streams(self) -> tuple[int, ...]:
        """Indices of all streams in the source that it is made of."""
        return self.recipe.stream, *self.recipe.joined

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self.recipe.sample_rate

    @property
    def samples(self) -> int:
        """Samples that cover the video."""
        return self.recipe.samples

    @property
    def piece_segments(self) -> int:
        """Segments that one task encodes as one continuous stream; 0: all of them."""
        return self.recipe.piece_segments


class TextLabels(Frozen):
    """What people and players are told of words; as `Labels`."""

    name: str = ""
    """Its title or language, unique among the tracks of words."""
    language: str | None = None
    """BCP 47; ``None``: unknown."""
    role: TextRole = "main"
    default: bool = False
    """Whether players show it unless their user says otherwise; of one track at most."""


class TextTrack(Frozen):
    """Words of the output: subtitles in WebVTT, one task for all segments."""

    kind: Literal["subtitles"] = "subtitles"
    id: str
    """As of other tracks."""
    recipe: TextRecipe
    labels: TextLabels = TextLabels()
    source: str = ""
    """What messages call it: a stream, or the name of a file."""

    @property
    def folder(self) -> str:
        """Folder of the track below DEST."""
        return track_folder(self.kind, self.id)


Track = Annotated[VideoTrack | AudioTrack, Field(discriminator="kind")]
"""A track whose segments are tasks of their own."""
