"""The plan: pure data, a function of source and settings only."""

from __future__ import annotations

import base64
from fractions import Fraction
from math import floor
from typing import Annotated, Any

from pydantic import Field, model_validator

from streamify.model.base import Frozen, Rational
from streamify.model.burn import BurnPlan
from streamify.model.chapter import Chapter
from streamify.model.images import PosterPlan, PreviewPlan, Storyboard
from streamify.model.settings import MediaSettings
from streamify.model.source import Note, SourceFacts
from streamify.model.track import AudioTrack, TextTrack, VideoTrack
from streamify.model.upgrade import upgraded

SCHEMA = 1
"""Version of ledger, report, events and status."""

PLAN_SCHEMA = 3
"""Version of the plan; `streamify.model.upgrade` reads the earlier ones."""

MEDIA_VERSION = 5
"""Raised only when the bytes of media files may change; part of every track's hash; guarded by golden hashes."""


class Inline(Frozen):
    """Bytes that stand in the plan itself, base64."""

    data: str

    @classmethod
    def of(cls, data: bytes) -> Inline:
        """Return `data` as a piece of a splice."""
        return cls(data=base64.b64encode(data).decode("ascii"))

    @property
    def bytes(self) -> bytes:
        """The bytes themselves."""
        return base64.b64decode(self.data)


class Range(Frozen):
    """Bytes ``[offset, offset + length)`` of the source."""

    offset: int
    length: int


class Splice(Frozen):
    """A virtual file: pieces laid end to end. FFmpeg reads it as if it were a short source of its own."""

    pieces: tuple[Inline | Range, ...]
    format: str
    """Name of the demuxer that reads it."""


class EntryPoint(Frozen):
    """A keyframe from which decoding may start, source ticks."""

    pts: int
    dts: int
    number: int | None = None
    """Of its packet among the stream's, which are counted from 0 without empty ones; ``None``: they were not counted,
    or are in another order than the file's."""


class PacketTimes(Frozen):
    """When the packets of a stretch of the source are shown, where their own times do not say so."""

    first: int
    """Number of the first of them among the stream's packets, which are counted from 0 without empty ones. Where the
    segment has a splice, it is the first packet in it."""
    numbers: tuple[int, ...]
    """Of each entry point: number of its packet."""
    positions: tuple[int, ...]
    """Of each entry point: byte offset of its packet as FFmpeg reports it, by which it is known after a seek; -1: not
    unique, it is known by its times."""
    prints: tuple[int | None, ...] = ()
    """Of each entry point: fingerprint of its packet's bytes (`streamify.bitstream.packets.print_of`), by which it is
    known after a seek before all else; ``None``: other packets have the same."""
    times: tuple[int | None, ...]
    """Of each packet: presentation time, source ticks from the segment's `earliest`; ``None``: shows no picture."""
    anew: tuple[int, ...] | None = None
    """Numbers of the packets at which a part of an edit list begins, which is decoded by itself. Such packets come in
    another order than the file's: they are read from the splice alone. ``None``: it is the file's order."""


class AudioSlice(Frozen):
    """Where the bytes of one piece of an audio track are, in sources whose index is too long for every task."""

    stream: int
    """Index of the stream in the source."""
    entry: EntryPoint
    """The slice's first packet, source ticks of the stream."""
    splice: Splice


class Repeats(Frozen):
    """Output ticks at which the picture that stands is shown again: `count` of them from `start`, `step` apart."""

    start: int
    count: int = 1
    step: int = 1

    @property
    def ticks(self) -> range:
        """The ticks themselves."""
        return range(self.start, self.start + self.count * self.step, self.step)


class SoundRun(Frozen):
    """Packets of sound whose samples follow each other."""

    first: int
    """Number of the first of them among the stream's packets, which are counted from 0 without empty ones."""
    at: Rational
    """Where its first sample lies, samples of the track."""
    rate: int
    """Samples per second, as they are coded."""
    played: int
    """Samples per second at which they are played; another than `rate` where drift is corrected."""


class AudioPiece(Frozen):
    """Where a piece of an audio track begins in the source, and where its samples lie by the count of packets."""

    track: str
    """Its id."""
    number: int
    """Number of the packet that decoding begins with."""
    position: int = -1
    """Byte offset of that packet, by which it is known; -1: packets are counted from the start of the file."""
    size: int = 0
    """Bytes of that packet."""
    pts: int = 0
    """Its time, source ticks, which is sought where there is no splice."""
    id: int = 0
    """The container's own number of the stream, such as a PID: its index may differ in a splice."""
    runs: tuple[SoundRun, ...]
    promised: int
    """Samples of the track that packets promise to this piece; the rest is silence."""
    splice: Splice | None = None
    """Where the bytes are; ``None``: the whole file is opened and sought in."""
    within: Splice | None = None
    """The part of the file that `position` and `splice` are of, where the stream appears only late in it."""
    stream: int
    """Index of the stream in that file."""


class Segment(Frozen):
    """One segment: where it lies on the output's and on the source's timeline, and where its bytes are."""

    index: int
    start: int
    """Output ticks, a multiple of the frame duration at a constant rate."""
    end: int
    """Output ticks, exclusive."""
    source_start: int
    """Pictures with ``source_start <= pts < source_end`` (source ticks) belong to this segment."""
    source_end: int | None
    """``None`` in the last segment: everything that follows belongs to it."""
    frames: int
    """Pictures that the index promises in that window."""
    first: int | None
    """Presentation time of the first of them, source ticks; ``None`` where there are none."""
    next: int | None
    """Presentation time of the first picture at or after the end; ``None`` where none follows."""
    held: int | None = None
    """Presentation time of the picture that is shown at the segment's start where none begins there: the last one
    before it, which stands on, or the first of the film, which is shown before its time. Source ticks."""
    repeats: tuple[Repeats, ...] = ()
    """When the picture that stands is shown again, in order; before the first picture of the film, that one."""
    weight: int = 0
    """Bytes of the source's packets in that window, about: a hint of what the segment costs."""
    keyframes: tuple[int, ...] = ()
    """Variable rate only: output ticks of the IDR pictures after the first."""
    entries: tuple[EntryPoint, ...]
    """Where decoding may start, nearest first; the later ones serve where the nearest gives no picture in time."""
    splice: Splice | None = None
    """Where the bytes are; ``None``: the whole file is opened and sought in."""
    packets: PacketTimes | None = None
    """Those that count where the container's cannot be used; entry points then have the container's, all else these."""
    marks: int | None = None
    """Which packets have which times in that window, as one number (`streamify.bitstream.packets.Marks`): a task that
    reads others reads again from the start of the file. ``None``: it was not found out."""
    audio: tuple[AudioSlice, ...] = ()
    """Slices of the audio pieces that start with this segment."""
    pieces: tuple[AudioPiece, ...] = ()
    """Audio pieces that start with this segment, of tracks whose packets were counted."""

    @property
    def earliest(self) -> int:
        """Presentation time of the first picture that is shown, source ticks: what decoding has to reach back to."""
        return self.held if self.held is not None else self.first if self.first is not None else self.source_start

    @property
    def repeated(self) -> int:
        """How many of its pictures are shown again."""
        return sum(one.count for one in self.repeats)

    @property
    def pictures(self) -> int:
        """Pictures that are decoded for it or shown again."""
        return self.frames + self.repeated


class Timeline(Frozen):
    """How source time becomes output time."""

    time_base: Rational
    """Seconds per source tick."""
    origin: int
    """Source tick that becomes output tick `lead`: the first picture, or the first sample where there is no video."""
    lead: int = 0
    """Output ticks for which the first picture is shown before its time, as there is sound before it."""
    timescale: int
    """Output ticks per second."""
    frame_duration: int | None
    """Output ticks per frame at a constant rate; ``None`` at a variable one."""
    fields: int = 1
    """Output pictures for each of the source: 2 where each field becomes one."""
    field: int = 0
    """Output ticks from the first to the second of these; less where the next picture follows sooner."""
    keep_every: int = 1
    """Of how many source pictures one is kept, to stay at or below 60 per second (constant rate)."""
    min_gap: int = 0
    """Least distance of two kept pictures, output ticks (variable rate above 60 per second)."""
    keyframe_frames: int | None = None
    """Frames from IDR to IDR at a constant rate."""
    opening: tuple[int, ...] = ()
    """IDR steps of the segments at the start that have fewer of them than all others, in order."""
    reorder: int = 0
    """Reorder delay that every video segment's decode times carry, output ticks; the edit list removes it."""
    end: int
    """End of the last picture, with the time that it stands on for the sound after it, output ticks."""

    def ticks_of(self, pts: int) -> int | None:
        """Return where a source picture lies on the output's timeline, ticks; ``None`` where `keep_every` drops it.

        At a constant rate the time is snapped to the frame that is meant; halfway between two that is the later one,
        since FFmpeg's muxers and demuxers of AVI and GXF give the last picture half a frame too little.
        """
        if self.frame_duration is None:
            return self.variable_ticks(pts)
        kept = self.frame_duration * self.fields
        rate = self.timescale * self.keep_every * self.time_base / kept  # pictures per source tick
        number = floor((pts - self.origin) * rate + Fraction(1, 2))
        return None if number % self.keep_every else self.lead + number // self.keep_every * kept

    def seconds_of(self, pts: int, ticks: int) -> Fraction:
        """Return the time on the source's clock, seconds, of a picture that is shown at an output tick.

        Args:
            pts: The picture's own time, source ticks, which is exact where it is shown at its time.
            ticks: When it is shown: later where it stands, or is a field.
        """
        if self.ticks_of(pts) == ticks:
            return pts * self.time_base
        return self.origin * self.time_base + Fraction(ticks - self.lead, self.timescale)

    def second(self, ticks: int, following: int) -> int:
        """Return when the later field of a picture at `ticks` is shown, where the next one is at `following`."""
        return ticks + max(1, min(self.field, (following - ticks) // 2))

    def variable_ticks(self, pts: int) -> int:
        """Return where a source picture of a variable rate lies on the output's timeline, ticks."""
        if self.timescale == self.time_base.denominator:
            return self.lead + (pts - self.origin) * self.time_base.numerator
        return self.lead + round((pts - self.origin) * self.time_base * self.timescale)


class Estimate(Frozen):
    """What the plan is expected to take."""

    media_bytes: int
    """Upper bound of the output's size: the caps of all rungs over the whole length."""
    worker_bytes: int
    """Predicted peak memory of one worker that makes all renditions of one segment."""
    cost: tuple[float, ...]
    """Relative CPU cost of one segment of each video rendition, in ladder order; sums to 1."""


class Plan(Frozen):
    """The plan without its segments, which stand one a line in the file that `segment_list` names."""

    schema_version: Annotated[int, Field(alias="schema")] = PLAN_SCHEMA
    media_version: int = MEDIA_VERSION
    codec_build: str
    """Exact PyAV and FFmpeg build that makes the bytes."""
    source: SourceFacts
    settings: MediaSettings
    timeline: Timeline
    segments: int
    """How many there are."""
    segment_list: str = ""
    """Key of the file that holds them, one JSON line each, below DEST; named by a hash of its content."""
    target_duration: int
    """EXT-X-TARGETDURATION, whole seconds, the same for all tracks (HLS authoring rule 8.2)."""
    video: tuple[VideoTrack, ...]
    audio: tuple[AudioTrack, ...]
    text: tuple[TextTrack, ...] = ()
    """Subtitles. Each is made by one task for all segments, so that `tracks` does not hold them."""
    captions_before: Segment | None = None
    """Where a part of a film is the stream and captions become subtitles: the stretch in front of it, which decides
    what is on the screen when it begins."""
    chapters: tuple[Chapter, ...] = ()
    """Of the stream, seconds from its start, rounded to milliseconds."""
    burn: BurnPlan | None = None
    """Subtitles that are drawn into the pictures."""
    storyboard: Storyboard | None = None
    """Thumbnails; ``None``: there are none."""
    poster: PosterPlan | None = None
    preview: PreviewPlan | None = None
    notes: tuple[Note, ...] = ()
    estimate: Estimate

    @model_validator(mode="before")
    @classmethod
    def _upgrade(cls, value: Any) -> Any:
        return upgraded(value) if isinstance(value, dict) else value

    @property
    def captions(self) -> tuple[str, ...]:
        """Channels of captions inside the pictures that are declared."""
        return self.source.captions or ()

    @property
    def tracks(self) -> tuple[VideoTrack | AudioTrack, ...]:
        """All tracks, video first, in ladder order."""
        return (*self.video, *self.audio)
