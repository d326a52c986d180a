"""Facts about a source, as `probe` reports them and the plan records them."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from streamify.model.base import Frozen, Rational
from streamify.model.burn import BitmapFacts
from streamify.model.chapter import Chapter
from streamify.model.cut import Cut


class SourceRef(Frozen):
    """Where a source lies and which version of it is meant."""

    key: str
    """Key in the uploads storage; no absolute path."""
    size: int
    """Bytes."""
    version: str
    """What a storage says of it without reading it: size and mtime of a file, ETag of an object."""
    identity: str
    """Version id or ETag of an object; hash of size, mtime, head, tail and index of a file."""


YCGCO, ICTCP = 8, 14
"""Matrices of ITU-T H.273."""


class Colour(Frozen):
    """Colour description by ITU-T H.273 code points; 2 means unspecified."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool = False
    peak: int | None = None
    """Of the light of PQ pictures, cd/m2, where mastering or light-level metadata says it."""
    dolby: bool = False
    """Whether each picture's Dolby Vision metadata says what its samples mean (profiles 5 and 10.0), here as PQ."""

    @property
    def hdr(self) -> bool:
        """Whether the transfer is PQ (16) or HLG (18)."""
        return self.transfer in (16, 18)

    @property
    def wide(self) -> bool:
        """Whether primaries or matrix are those of BT.2020, which no SDR player of H.264 expects."""
        return self.primaries == 9 or self.matrix in (9, 10)

    @property
    def foreign(self) -> bool:
        """Whether the components are YCgCo or ICtCp, which no player of H.264 expects."""
        return self.matrix == YCGCO or (self.matrix == ICTCP and self.hdr)

    @property
    def converted(self) -> bool:
        """Whether more must change than the tags."""
        return self.hdr or self.wide or self.foreign

    def alike(self, other: Colour) -> bool:
        """Whether the tags are the same, whatever the peak of light."""
        return self.model_copy(update={"peak": other.peak}) == other


class Look(Frozen):
    """How a picture is stored and is meant to be shown."""

    width: int
    """Coded width, pixels, before aspect and rotation."""
    height: int
    sample_aspect: Rational
    """Width of a pixel over its height."""
    rotation: Literal[0, 90, 180, 270] = 0
    """Degrees clockwise that a player turns the picture by."""
    mirrored: bool = False
    """Whether a player flips the picture left to right, before turning it."""
    pixel_format: str
    colour: Colour = Colour()
    """What its bitstream, or else its container, says; what neither says is that of most pictures."""

    @property
    def display(self) -> tuple[Fraction, Fraction]:
        """Exact width and height at which a player shows it: sample aspect and rotation applied."""
        width, height = self.width * self.sample_aspect, Fraction(self.height)
        return (height, width) if self.rotation in (90, 270) else (width, height)


class FieldsSeen(Frozen):
    """What a few pictures in a row tell of fields."""

    pictures: int
    flagged: int
    """Of these, how many are flagged as interlaced."""
    top: int = 0
    """How many others show two moments, that of the top field first."""
    bottom: int = 0
    progressive: int = 0
    """How many others show one moment; where nothing moves, neither can be told."""
    repeated: tuple[int, ...] = ()
    """Numbers of pictures of which a field is one of the picture before."""

    @property
    def interlaced(self) -> bool:
        """Whether at least half of the pictures are."""
        return self.pictures > 0 and 2 * (self.flagged + max(self.top, self.bottom)) >= self.pictures


class Part(Frozen):
    """A run of pictures that look alike."""

    first: int
    """Presentation time of its first picture, source ticks."""
    look: Look


class EditPart(Frozen):
    """A part of a video track that an edit list of several parts shows, source ticks."""

    at: int
    """When it is shown."""
    begin: int
    """With which time of the track, its edit list aside, it begins."""
    end: int
    """In front of which it ends."""


class VideoFacts(Frozen):
    """The video stream that is transcoded. Where its pictures change size or aspect midway, those of `look` count."""

    stream: int
    """Index of the stream in the container."""
    codec: str
    profile: str | None = None
    width: int
    """Coded width, pixels, before aspect and rotation."""
    height: int
    sample_aspect: Rational
    """Width of a pixel over its height."""
    rotation: Literal[0, 90, 180, 270] = 0
    """Degrees clockwise that a player turns the picture by."""
    mirrored: bool = False
    """Whether a player flips the picture left to right, before turning it."""
    pixel_format: str
    bit_depth: int = 8
    colour: Colour = Colour()
    interlaced: bool = False
    """Whether pictures are interlaced, some or all, as far as split found out."""
    mostly_interlaced: bool = False
    """Whether that is so at half of the places or more that split looked at."""
    combed: Literal["top", "bottom"] | None = None
    """Which field of interlaced pictures is shown first, where these are not flagged as such and split saw it."""
    telecine: bool = False
    """Whether fields are repeated in a pattern that makes 30 pictures of 24."""
    time_base: Rational
    """Seconds per tick."""
    frames: int
    """Pictures that the index or the scan promises (distinct presentation times)."""
    first: int
    """Presentation time of the first picture, ticks."""
    end: int
    """End of the last picture, ticks."""
    rate: Rational | None
    """Frames per second where every presentation time fits it within one tick; ``None`` at a variable rate."""
    average_rate: Rational
    """Pictures over duration."""
    coded_aspect: Rational | None = None
    """Sample aspect in the bitstream; ``None``: it says nothing. The container's counts where both say one."""
    late: Rational = Fraction(0)
    """Seconds by which the edit list shows all pictures later, beside the sound, than FFmpeg, whose times these are."""
    edits: tuple[EditPart, ...] = ()
    """The parts of an edit list that has several, in order; FFmpeg is then told to leave the list alone."""
    parts: tuple[Part, ...] = ()
    """Where pictures change size, aspect, rotation, pixel format or colours, as far as split found out."""

    @property
    def look(self) -> Look:
        """The look of most pictures, which ladder and renditions are made for."""
        return Look(
            width=self.width,
            height=self.height,
            sample_aspect=self.sample_aspect,
            rotation=self.rotation,
            mirrored=self.mirrored,
            pixel_format=self.pixel_format,
            colour=self.colour,
        )


class AudioFacts(Frozen):
    """One audio stream."""

    stream: int
    codec: str
    sample_rate: int
    channels: int
    layout: str
    language: str | None = None
    """ISO 639 code as the container has it."""
    title: str | None = None
    default: bool = False
    commentary: bool = False
    description: bool = False
    """Whether it tells what the picture shows, for those who do not see it."""
    speech: bool = False
    """Whether its dialogue is made clearer, for those who hear badly."""
    effects: bool = False
    """Whether it is without dialogue."""
    karaoke: bool = False
    dub: bool = False
    original: bool = False
    """Whether it is in the language that the film was made in."""
    joined: tuple[int, ...] = ()
    """Mono streams whose channels follow this one's in `layout`, where the plan joins several."""
    time_base: Rational
    start: int | None = None
    """Presentation time of the first sample, ticks of `time_base`."""
    duration: Rational | None = None
    """Seconds, as far as the container says."""
    counted: bool = False
    """Whether split read all of it, so that the place of every packet is known to the sample."""
    stop: int | None = None
    """Presentation time of the end of the last sample, ticks of `time_base`; ``None``: not known."""

    @property
    def begin(self) -> Fraction | None:
        """Presentation time of the first sample, seconds."""
        return None if self.start is None else self.start * self.time_base

    @property
    def end(self) -> Fraction | None:
        """Presentation time of the end of the last sample, seconds."""
        return None if self.stop is None else self.stop * self.time_base


class TextFacts(Frozen):
    """One stream of words that can become subtitles."""

    stream: int
    codec: str
    """FFmpeg's name."""
    language: str | None = None
    """ISO 639 code as the container has it."""
    title: str | None = None
    forced: bool = False
    sdh: bool = False
    """Whether it is for those who hear badly."""
    commentary: bool = False
    packets: int | None = None
    """As far as the container says."""
    page: str = ""
    """Of teletext, such as ``888``: a stream has several."""


class Note(Frozen):
    """Something of the source that was converted, dropped or is worth knowing, and why."""

    kind: Literal["converted", "dropped", "damaged", "info"]
    what: str
    """Of the source."""
    why: str
    """The reason, for people."""


class RungSeen(Frozen):
    """What pictures of a rung lack beside those of the largest one, both at the size of that one, in luma."""

    short_side: int
    """Pixels."""
    lost: int
    """Eight times the mean squared error that scaling costs in the parts of a picture that lose most."""
    worse: int = 0
    """Hundredths of mean squared error by which an encoded picture is further from what was encoded, as if it had all
    contrast from black to white. 0 where scaling costs so much that nothing was encoded."""


class DetailSeen(Frozen):
    """How much detail single pictures all over a film have."""

    pictures: int
    """That show anything."""
    flat: int
    """Others: black, or of one colour."""
    rungs: tuple[RungSeen, ...] = ()
    """All but the largest, downwards, up to the first that lacks something. Of the picture that lacks most, as far as
    pictures were looked at."""


class PictureSeen(Frozen):
    """What a picture looks like: a film, or a screen, with text and lines before areas of one shade."""

    edges: int
    """Blocks of 16 x 16 pixels whose luma has a contrast of 64 steps and more, a thousandth of those looked at."""
    plain: int
    """Of these, in the same unit, blocks half of which are of one shade, as text is."""


class ContentSeen(Frozen):
    """What pictures all over a film look like."""

    first: PictureSeen | None = None
    """The first one, where it was looked at before all others: work that somebody waits for goes by it."""
    others: tuple[PictureSeen, ...] = ()


class ClockBreak(Frozen):
    """A place where the clock of a source starts anew or jumps."""

    at: Rational
    """Seconds from the first picture."""
    position: int
    """Byte offset of the first video packet behind it; -1 where it is not known."""
    shift: Rational
    """What is added to the source's times from there on, seconds."""
    exact: bool = False
    """Whether the container says that all streams start anew at `position`."""


class Gap(Frozen):
    """A stretch of a source that otherwise runs evenly without a picture."""

    start: Rational
    """Seconds from the first picture."""
    seconds: Rational
    why: str
    """What says so."""
    damage: bool = False
    """Whether its bytes are there and cannot be read: `loss_limit` bounds it, as it does pictures that are lost."""

    @property
    def text(self) -> str:
        """What is missing, and when, for people."""
        what = f"no pictures for {float(self.seconds):.3f} s" if self.seconds else "pictures are missing"
        return f"{what} at {float(self.start):.3f} s"


class SourceFacts(Frozen):
    """What is known of a source before anything is transcoded."""

    ref: SourceRef
    container: str
    """Name of the demuxer, such as ``mov,mp4,m4a,3gp,3g2,mj2``."""
    duration: Rational
    """Seconds, of the video where there is one."""
    access: Literal["sliced", "spliced", "whole"]
    """How tasks reach their bytes: a slice of the index, a splice of header and range, or the whole file and a seek."""
    scanned: bool
    """Whether the container had no usable index, so that split read it once from end to end."""
    video: VideoFacts | None
    """The stream that is transcoded."""
    audio: tuple[AudioFacts, ...] = ()
    program: int | None = None
    """Number of the programme that is transcoded, of a transport stream with several."""
    breaks: tuple[ClockBreak, ...] = ()
    """Where the clock does not go on, in the order of the file."""
    gaps: tuple[Gap, ...] = ()
    """Where pictures are missing."""
    coded: int = 0
    """Pictures to be shown, counted in the order of decoding: in the bitstream where the source was scanned, else by
    FFmpeg's index."""
    left_out: int = 0
    """Of these, how many the notes name as left out: no other picture has their time, nothing to decode them from."""
    chapters: tuple[Chapter, ...] = ()
    """By start, on the source's clock."""
    captions: tuple[str, ...] | None = None
    """Channels of captions inside the pictures, as far as they were seen, such as ``CC1`` and ``SERVICE1``; ``None``:
    there are no captions."""
    caption_languages: tuple[tuple[str, str], ...] = ()
    """Channels of captions with their languages (ISO 639-2), where the source tells them: in the caption service
    descriptors of a transport stream."""
    text: tuple[TextFacts, ...] = ()
    bitmaps: tuple[BitmapFacts, ...] = ()
    """Streams of bitmap subtitles."""
    cut: Cut | None = None
    """Which part of the film all of this is about; chapters and streams of sound are those of the whole film."""
    detail: DetailSeen | None = None
    """Where the ladder depends on it; ``None``: it was not looked at."""
    content: ContentSeen | None = None
    """``None``: no picture was looked at."""
    notes: tuple[Note, ...] = ()
