"""What is asked of a codec. A new one is a file beside this one and a line in `registry`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from streamify.model.recipe import Tuning, VideoRecipe
from streamify.mp4.boxes import BoxError
from streamify.mp4.description import SampleEntry


class CodecError(BoxError):
    """The init segment is well formed, but its codec is none of ours."""


class Codec(ABC):
    """What all codecs have."""

    name: ClassVar[str]
    """In recipes and in ids of tracks; never changes."""
    title: ClassVar[str]
    """For people."""
    encoder: ClassVar[str]
    """FFmpeg's name of the encoder."""
    library: ClassVar[str | None] = None
    """How the name of the encoder's own shared library begins; ``None``: it is part of FFmpeg."""
    entries: ClassVar[tuple[bytes, ...]]
    """Kinds of sample entry in which the codec is stored."""

    @abstractmethod
    def rfc6381(self, entry: SampleEntry) -> str:
        """Return the codecs string of a track.

        Raises:
            BoxError: The sample entry is damaged.
        """


class VideoCodec(Codec):
    """A codec for pictures."""

    pixel_format: ClassVar[str]
    """FFmpeg's name of the pixel format that is encoded."""
    nothing: ClassVar[bytes]
    """What the muxer takes for a key picture in the form that the encoder gives; it shows nothing."""

    @abstractmethod
    def bframes(self, preset: str) -> int:
        """Return the longest run of B pictures that a preset makes."""

    @abstractmethod
    def words(self, tuning: Tuning) -> dict[str, str]:
        """Return what differs from a preset in the words of the encoder."""

    @abstractmethod
    def options(self, recipe: VideoRecipe, timescale: int) -> dict[str, str]:
        """Return the encoder's options for one rendition.

        Args:
            recipe: Of the rendition.
            timescale: Ticks per second.
        """

    @abstractmethod
    def with_captions(self, picture: bytes, triples: bytes) -> bytes:
        """Return a coded picture, as the encoder gives it, that carries cc_data (ATSC A/53 part 4)."""

    @abstractmethod
    def brand(self, entry: SampleEntry, recipe: VideoRecipe, primaries: int) -> bytes:
        """Return the lowest CMAF media profile brand that is true of a track, or ``b""``.

        Args:
            entry: Of the track.
            recipe: Of the track.
            primaries: ITU-T H.273 code point of its pictures.
        """


class AudioCodec(Codec):
    """A codec for sound."""

    frame: ClassVar[int]
    """Samples of one access unit."""
    delay: ClassVar[int]
    """Samples by which what is decoded lies behind what was encoded."""
    priming: ClassVar[int]
    """Access units before time 0, which the encoder's delay takes; the edit list removes them."""
    layouts: ClassVar[Mapping[int, str]]
    """FFmpeg's names of the layouts that the encoder takes, by number of channels."""
    surround_bitrate: ClassVar[int]
    """Bits per second of 5.1."""
    rates: ClassVar[tuple[int, ...]]
    """Sample rates that are kept; all others become the first of them."""
    options: ClassVar[Mapping[str, str]]
    """Of the encoder."""
    brands: ClassVar[Mapping[int, bytes]]
    """CMAF media profile brands by number of channels, where there is one."""

    @abstractmethod
    def channel_configuration(self, channels: int) -> tuple[str, str]:
        """Return scheme and value of DASH's AudioChannelConfiguration."""

    def units(self, samples: int) -> int:
        """Return the access units, priming included, that cover `samples` samples."""
        return self.priming + -(-samples // self.frame)
