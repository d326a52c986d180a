"""Recipes: all that decides the bytes of a track, beside the source, the grid and the codec build."""

from __future__ import annotations

from typing import Literal

from streamify.model.base import Frozen, Rational
from streamify.model.burn import BurnIn

VideoRange = Literal["SDR", "PQ", "HLG"]
"""Transfer of the pictures, in the words of HLS (EXT-X-STREAM-INF, VIDEO-RANGE)."""


class Tuning(Frozen):
    """Parameters of the encoder beside those of its preset, in x264's own words; ``None``: as the preset has it.

    New fields as in `VideoRecipe`.
    """

    ref: int | None = None
    """Pictures that a block may be predicted from."""
    mixed_refs: int | None = None
    """1: parts of a macroblock choose their reference pictures each for itself."""
    rc_lookahead: int | None = None
    """Pictures that are looked at before one is coded."""
    aq_mode: int | None = None
    """Where bits go inside a picture: 1 by variance, 2 by variance relative to the picture, 3 as 2 but more to dark."""
    aq_strength: float | None = None
    me: Literal["dia", "hex", "umh"] | None = None
    """Search for motion."""
    merange: int | None = None
    """Pixels in each direction that it covers, where it is ``umh``."""
    chroma_me: int | None = None
    """0: luma alone decides on motion."""
    subme: int | None = None
    """Effort of the search at fractions of pixels, and of the choice of modes."""
    trellis: int | None = None
    psy_rd: float | None = None
    """Preference for energy over closeness."""
    deblock: int | None = None
    """Strength and threshold of the filter at the borders of blocks."""
    bframes: int | None = None
    """Longest run of B pictures; `VideoRecipe.bframes` says the same."""
    b_adapt: int | None = None
    """How the number of B pictures is chosen: 1 fast, 2 best."""
    weightp: int | None = None
    """Weighted prediction of P pictures."""
    dct_decimate: int | None = None
    """0: keeps the few small coefficients of a block, which x264 else leaves out as noise."""
    chroma_qp_offset: int | None = None
    """Added to the quantizer of chroma, beside what x264 takes off it for `psy_rd`."""
    qcomp: float | None = None
    """How much complex pictures may cost: 1 keeps the quantizer as it is."""


class VideoRecipe(Frozen):
    """One video rendition. A new field needs a default that never changes: `track_hash` leaves out fields at it."""

    kind: Literal["video"] = "video"
    codec: str
    """Name in `codecs`, such as ``h264``."""
    width: int
    height: int
    frame_rate: Rational
    """Frames per second; the average at a variable rate."""
    crf: float
    maxrate: int
    """Bits per second."""
    bufsize: int
    """Bits."""
    preset: str
    """In the words of the codec's encoder."""
    bframes: int
    """Longest run of B pictures."""
    range: VideoRange = "SDR"
    deinterlace: Literal["frame", "field", "off"] = "frame"
    """What becomes of an interlaced picture: one picture, one of each field, or the picture as it is."""
    tone_mapped_at: tuple[int, int] | None = None
    """Width and height, pixels, at which HDR or BT.2020 pictures became BT.709 before they were scaled to this one."""
    burn: BurnIn | None = None
    """Subtitles that are drawn into the pictures."""
    tuning: Tuning = Tuning()
    """What differs from the encoder's own preset."""
    captions: bool = False
    """Whether captions inside the pictures of the source (CEA-608/708) are carried in those of the track."""


class AudioRecipe(Frozen):
    """One audio track; new fields as in `VideoRecipe`."""

    kind: Literal["audio"] = "audio"
    codec: str
    """Name in `codecs`, such as ``aac``."""
    stream: int
    """Index of the stream in the source."""
    sample_rate: int
    """Samples per second; also the track's timescale."""
    channels: int
    bitrate: int
    """Bits per second."""
    samples: int
    """Samples that cover the video: the end of the video rounded up."""
    origin: Rational
    """Time of output tick 0 on the source's clock, seconds."""
    piece_segments: int
    """Segments that one task encodes as one continuous stream; 0: all of them."""
    joined: tuple[int, ...] = ()
    """Indices of the mono streams whose channels follow that of `stream`, where several are one track."""
    layout: str = ""
    """FFmpeg's name of the layout that they make."""
    loudness: float | None = None
    """LUFS that the track is brought to; ``None``: its level is left alone."""
    within: bool = False
    """Whether the source's sound begins before the track does, so that its decoder needs what comes before."""


class TextRecipe(Frozen):
    """One track of words; new fields as in `VideoRecipe`."""

    kind: Literal["text"] = "text"
    stream: int | None = None
    """Index of the stream in the source; ``None``: it is a file of its own, or a channel of captions."""
    codec: str = ""
    """FFmpeg's name, or the ending of the file: ``subrip``, ``.srt``."""
    file: str | None = None
    """SHA-256 of the file, hex."""
    channel: str | None = None
    """Channel of captions inside the pictures: ``CC1`` to ``CC4``."""
    page: str = ""
    """Of teletext, such as ``888``."""
    origin: Rational
    """Time of output tick 0 on the source's clock, seconds."""
    encoding: str = ""
    """In which its language was written before UTF-8, where that is known: what is not UTF-8 is read so."""
    version: int = 1
    """Raised when the same words are written in other bytes."""
