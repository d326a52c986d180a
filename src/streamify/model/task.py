"""Tasks and their results: one JSON value in, one JSON value out."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from streamify.model.base import Frozen, Rational
from streamify.model.cut import Cut
from streamify.model.images import Moment, PosterPlan, Storyboard
from streamify.model.plan import SCHEMA, AudioPiece, AudioSlice, Segment, Splice, Timeline
from streamify.model.settings import MediaSettings
from streamify.model.source import ClockBreak, Note, Part, SourceFacts, SourceRef, VideoFacts
from streamify.model.track import AudioTrack, TextTrack, Track, VideoTrack
from streamify.model.words import TextRecord

SPLIT = "split"
"""Key of the split task of every job."""


class Blob(Frozen):
    """A published object."""

    key: str
    """Below DEST."""
    size: int
    """Bytes."""
    sha256: str
    """Hex."""


class IFrame(Frozen):
    """One IDR picture for the I-frame playlist (HLS authoring rule 6.10: the range includes the moof)."""

    start: int
    """Output ticks."""
    offset: int
    """Byte offset of its moof in the segment file."""
    size: int
    """Bytes from there to the end of the picture."""


class Seam(Frozen):
    """What a video task saw at and between its borders; the certificate is checked on these."""

    decoded: int
    """Pictures decoded inside the window."""
    encoded: int
    damaged: int = 0
    """Pictures that the decoder flagged as corrupt."""
    duplicated: int = 0
    """Pictures shown again because no other came."""
    fields: int = 0
    """Pictures encoded of later fields, beside those of the first ones."""
    dropped: int = 0
    """Pictures left out on purpose: the cap of 60 per second, or two with one timestamp."""
    first: int | None
    """Presentation time of the first picture of the window, source ticks; ``None`` where none begins in it."""
    last: int | None
    next: int | None
    """Presentation time of the first picture at or after the end, source ticks; ``None`` where none follows."""
    held: int | None = None
    """Presentation time of the picture shown at the segment's start where none begins there, source ticks."""
    lost: tuple[int, ...] = ()
    """Presentation times that the index promises and the decoder did not give, source ticks."""
    errors: int = 0
    """Packets that the decoder refused."""
    captions: int = 0
    """Triples of cc_data (captions) in the packets of the window."""


class SoundCount(Frozen):
    """How much sound a piece holds."""

    promised: int
    """Samples that the packets of the source hold."""
    decoded: int
    """Samples that came out; the rest is silence."""
    refused: int = 0
    """Packets that the decoder refused."""


class Cost(Frozen):
    """What a segment of a track cost. CPU seconds; shares of a fused task are split by measured stage."""

    decode: float = 0
    scale: float = 0
    encode: float = 0
    other: float = 0
    preroll_frames: int = 0
    """Pictures decoded before the window, to reach it from a keyframe."""
    bytes_read: int = 0


class SegmentRecord(Frozen):
    """Ledger entry: one segment of one track exists.

    Written after the media file. Another run of the same task overwrites it: it gives the same media, but not the same
    CPU seconds.
    """

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    track: str
    segment: int
    media: Blob
    init: Blob
    media_tag: str | None = None
    """The store's own mark of the media file as it was written, such as an ETag; ``None`` in a folder."""
    start: int
    """tfdt of the segment, output ticks of the track; like all that follows read from the file as it was packaged."""
    duration: int
    """Output ticks of the track."""
    frames: int
    """Samples in the file: pictures, or AAC access units."""
    shortest: int | None = None
    """Least time for which a sample is shown or heard, ticks."""
    lead: int | None = None
    """From `start` to the time of the first sample shown, ticks: the reorder delay, which the edit list removes."""
    iframes: tuple[IFrame, ...] = ()
    captions: int = 0
    """Triples of cc_data (captions) in the file."""
    seam: Seam | None = None
    """Video only."""
    heard: SoundCount | None = None
    """Of the first segment of a piece of sound whose packets were counted."""
    notes: tuple[Note, ...] = ()
    """Damage met on the way; the report collects it."""
    looks: tuple[Part, ...] = ()
    """Video only, where a picture does not look as the plan says: the runs of the segment, from its first picture."""
    cost: Cost = Cost()


class Budget(Frozen):
    """What a task may use: what executors admit, limit and route it by. Bounds, not estimates of the usual case."""

    cpu_seconds: Annotated[int, Field(ge=1)] = 3600
    """CPU seconds after which the task counts as hung."""
    memory_bytes: Annotated[int, Field(ge=0)] = 1 << 30
    """Predicted peak of the resident size of a worker that runs it."""
    cores: Annotated[int, Field(ge=1)] = 1
    """Cores that it can use."""


class BaseTask(Frozen):
    """What every task carries."""

    key: str
    """Unique in its job."""
    needs: tuple[str, ...] = ()
    """Keys of the tasks whose output it reads: it is submitted once they are done."""
    budget: Budget = Budget()
    priority: int = 0
    """Of the tasks that wait in an executor, the greatest goes first."""


class SplitTask(BaseTask):
    """Read the source's index and write the plan."""

    kind: Literal["split"] = "split"
    key: str = SPLIT
    source: SourceRef
    settings: MediaSettings
    facts_only: bool = False
    """Whether only facts are asked for: no plan is made, so that no cap refuses it."""
    write: bool = True
    """Whether the plan is written into the media storage, or only returned (the dry run)."""
    max_scan: int | None = None
    """Bytes of the largest source without an index that may be read from end to end; ``None``: of any size."""


class InitTask(BaseTask):
    """Write the init segments of tracks before any of their segments is made."""

    kind: Literal["init"] = "init"
    key: str = "init"
    tracks: tuple[Track, ...]
    video: VideoFacts | None
    timeline: Timeline


class VideoTask(BaseTask):
    """One segment into one or more renditions from one decode."""

    kind: Literal["video"] = "video"
    source: SourceRef
    access: Literal["sliced", "spliced", "whole"]
    video: VideoFacts
    timeline: Timeline
    segment: Segment
    renditions: tuple[VideoTrack, ...]
    threads: int = 1
    """Threads that encode, where cores would idle otherwise; changes the speed, never the bytes."""


class PieceTask(BaseTask):
    """What every task on a piece of one audio track carries."""

    source: SourceRef
    track: AudioTrack
    first_segment: int
    slice: AudioSlice | None = None
    """Where the bytes are; ``None``: the whole file is opened and sought in."""
    joined: tuple[AudioSlice, ...] = ()
    """As `slice`, of the streams that are joined to the first."""
    breaks: tuple[ClockBreak, ...] = ()
    """Where the source's clock does not go on."""
    piece: AudioPiece | None = None
    """Where its samples lie, of tracks whose packets were counted at split."""


class AudioTask(PieceTask):
    """A run of segments of one audio track, encoded as one continuous stream."""

    kind: Literal["audio"] = "audio"
    cuts: tuple[int, ...]
    """Borders of the segments in AAC access units of the whole track, one more than there are segments."""


class LoudnessTask(PieceTask):
    """Measure a piece of one audio track."""

    kind: Literal["loudness"] = "loudness"
    first: int
    """First stretch of 100 ms of the output's timeline that is measured."""
    last: int
    """The one after the last."""


class SheetTask(BaseTask):
    """Make one sheet of thumbnails from finished segments."""

    kind: Literal["sheet"] = "sheet"
    storyboard: Storyboard
    track: VideoTrack
    """The rendition whose pictures they are."""
    number: int
    """Of the sheet."""
    moments: tuple[Moment, ...]
    """What the thumbnails show, in order."""


class PosterTask(BaseTask):
    """Make the poster from a finished segment."""

    kind: Literal["poster"] = "poster"
    plan: PosterPlan
    track: VideoTrack
    """The rendition whose picture it is."""
    scout: VideoTrack
    """The rendition in which the candidates are compared."""
    candidates: tuple[Moment, ...]
    """In order; where there is one, it is taken."""


class TextTask(BaseTask):
    """Make all segments of tracks of words: all that lie in the source, which is read once, or one file."""

    kind: Literal["text"] = "text"
    source: SourceRef
    tracks: tuple[TextTrack, ...]
    timeline: Timeline
    segment_list: str
    """Key of the plan's segments below DEST: words are cut where pictures are."""
    strict: bool = False
    """Whether cues that cannot be kept are an error, where a note names them else."""
    cut: Cut | None = None
    """Which part of a film the stream is."""


class TextCheckTask(BaseTask):
    """Look at all segments of a track of words; with `against`, compare them with the source."""

    kind: Literal["check-text"] = "check-text"
    folder: str
    """Of the track below DEST."""
    record: TextRecord
    borders: tuple[Rational, ...] = ()
    """Starts of the segments and the end of the last, seconds; empty: not known."""
    source: SourceRef | None = None
    """Compared with, where it is a stream of the source."""
    track: TextTrack | None = None


class CheckTask(BaseTask):
    """Decode one published segment and, where a source is given, compare its pictures."""

    kind: Literal["check"] = "check"
    track: VideoTrack | AudioTrack
    record: SegmentRecord
    source: SourceRef | None = None
    access: Literal["sliced", "spliced", "whole"] = "whole"
    video: VideoFacts | None = None
    timeline: Timeline | None = None
    segment: Segment | None = None


class SourceCheckTask(BaseTask):
    """Decode source and stream, or a range of both, side by side, without the plan, and compare their pictures."""

    kind: Literal["check-source"] = "check-source"
    source: SourceRef
    container: str
    """Name of the source's demuxer."""
    video: VideoFacts
    track: VideoTrack
    """The rendition that is compared."""
    segments: int
    """How many segments of it."""
    first: int = 0
    """The first of them."""
    begin: Rational | None = None
    """When that one starts, seconds; ``None``: the source is decoded from its start."""
    until: Rational | None = None
    """When the last one ends; ``None``: the source is decoded to its end."""
    fields: int = 1
    """Pictures of the stream for each of the source."""
    excused: int
    """Pictures of the source that the report names as lost, dropped or left out."""
    lead: Rational = Fraction(0)
    """Seconds for which the stream shows the first picture before its time."""
    repeats: int = 0
    """Pictures of the stream that the report names as shown again."""
    cut: Cut | None = None
    """Which part of the film the stream is."""
    asked: Rational | None = None
    """When it is to begin, seconds from the film's first picture."""
    ffmpeg_edits: bool = False
    """Whether the report says that FFmpeg's reading of an edit list counts."""


class Strand(Frozen):
    """A stream of sound in a source."""

    stream: int
    """Index in the container."""
    id: int = 0
    """The container's own number of it, such as a PID."""
    within: Splice | None = None
    """The part of the file that `stream` is an index in, where it appears only late in it."""


class SoundCheckTask(BaseTask):
    """Decode source and an audio track from start to end, without the plan, and compare what is heard."""

    kind: Literal["check-sound"] = "check-sound"
    source: SourceRef
    track: AudioTrack
    segments: int
    """How many segments it has."""
    strands: tuple[Strand, ...]
    """What it is made of; several: each is a channel."""
    video: VideoFacts | None = None
    """The pictures that it is heard with; ``None``: there are none."""
    lead: Rational = Fraction(0)
    """Seconds for which the stream shows the first picture before its time."""
    ffmpeg_edits: bool = False
    """Whether the report says that FFmpeg's reading of an edit list counts."""
    audio_map: str | None = None
    """The setting by which streams were joined."""
    program: int | None = None
    """The programme that was asked for."""
    gain: float = 0.0
    """dB by which the track is louder than the source."""
    begin: Rational | None = None
    """When a part of a film begins, seconds from the film's first picture, or its first sound where it has none."""
    cut: bool = False
    """Whether the report names sound behind the end of the track as left out."""


class StreamsCheckTask(BaseTask):
    """Compare which streams a source has with those that a stream was made of."""

    kind: Literal["check-streams"] = "check-streams"
    source: SourceRef
    video: int | None
    """Index of the video stream that was transcoded; ``None``: there is none."""
    audio: tuple[int, ...]
    """Indices of the audio streams that became tracks, or a channel of one."""
    dropped: tuple[int, ...] = ()
    """Indices of those that the report names as left out."""
    program: int | None = None
    """The programme that was asked for."""


AnyTask = (
    SplitTask
    | InitTask
    | VideoTask
    | AudioTask
    | LoudnessTask
    | SheetTask
    | PosterTask
    | TextTask
    | TextCheckTask
    | CheckTask
    | SourceCheckTask
    | SoundCheckTask
    | StreamsCheckTask
)
Task = Annotated[AnyTask, Field(discriminator="kind")]
TASK: TypeAdapter[AnyTask] = TypeAdapter(Task)


class SplitResult(Frozen):
    """What split found; the plan itself is in the media storage."""

    kind: Literal["split"] = "split"
    key: str = SPLIT
    plan: str
    """The plan as JSON text (without segments); of `SplitTask.facts_only`, the `SourceFacts`."""


class MediaResult(Frozen):
    """What a video or audio task made."""

    kind: Literal["media"] = "media"
    key: str
    records: tuple[SegmentRecord, ...]


class InitResult(Frozen):
    """The init segments exist."""

    kind: Literal["init"] = "init"
    key: str = "init"


class LoudnessResult(Frozen):
    """A piece was measured; what was found is in the media storage."""

    kind: Literal["loudness"] = "loudness"
    key: str


class ImageResult(Frozen):
    """An image exists; what is known of it is in the media storage."""

    kind: Literal["image"] = "image"
    key: str


class TextResult(Frozen):
    """Tracks of words exist."""

    kind: Literal["text"] = "text"
    key: str
    records: tuple[TextRecord, ...]


class CheckResult(Frozen):
    """What a check found."""

    kind: Literal["check"] = "check"
    key: str
    faults: tuple[str, ...]
    frames: int
    numbers: tuple[int, int] | None = None
    """Numbers of the first and the last fragment of a segment of video."""
    psnr_min: float | None = None
    psnr_mean: float | None = None


AnyResult = SplitResult | InitResult | MediaResult | LoudnessResult | ImageResult | TextResult | CheckResult
Result = Annotated[AnyResult, Field(discriminator="kind")]
RESULT: TypeAdapter[AnyResult] = TypeAdapter(Result)

__all__ = [
    "RESULT",
    "TASK",
    "AudioTask",
    "BaseTask",
    "Blob",
    "Budget",
    "CheckResult",
    "CheckTask",
    "Cost",
    "IFrame",
    "ImageResult",
    "InitResult",
    "InitTask",
    "LoudnessResult",
    "LoudnessTask",
    "MediaResult",
    "PosterTask",
    "Rational",
    "Result",
    "Seam",
    "SegmentRecord",
    "SheetTask",
    "SoundCheckTask",
    "SourceCheckTask",
    "SourceFacts",
    "SplitResult",
    "SplitTask",
    "Strand",
    "StreamsCheckTask",
    "Task",
    "TextCheckTask",
    "TextResult",
    "TextTask",
    "VideoTask",
]
