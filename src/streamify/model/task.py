"""Tasks: one JSON value each. What they leave is in `streamify.model.result`."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from streamify.model.base import Frozen, Rational
from streamify.model.burn import BurnIn
from streamify.model.cut import Cut
from streamify.model.images import Moment, PosterPlan, PreviewPlan, Storyboard
from streamify.model.plan import AudioPiece, AudioSlice, Segment, Splice, Timeline
from streamify.model.result import SPLIT, SegmentRecord
from streamify.model.settings import MediaSettings
from streamify.model.source import ClockBreak, SourceRef, VideoFacts
from streamify.model.track import AudioTrack, TextTrack, Track, VideoTrack
from streamify.model.words import TextRecord


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
    begin: bool = False
    """Whether to tell of the beginning of the film as soon as that is known (`Beginning`), and leave it to whoever
    asked to write the plan."""
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
    burn: BurnIn | None = None
    """Subtitles that are drawn into the pictures."""
    burn_part: str = ""
    """Key of what is shown of them while the segment is."""
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
    certified: bool = True
    """Whether all segments were compared with their ledger before; else the task does so with those that it reads."""


class PosterTask(BaseTask):
    """Make the poster from a finished segment."""

    kind: Literal["poster"] = "poster"
    plan: PosterPlan
    track: VideoTrack
    """The rendition whose picture it is."""
    scout: VideoTrack
    """The rendition in which the candidates are compared."""
    candidates: tuple[Moment, ...]
    """In order; where there is one and `least` is 0, it is taken."""
    more: tuple[Moment, ...] = ()
    """In order: what is looked at where none of the candidates serves."""
    least: float = 0.0
    """Worth that the best of them needs, or nothing is written; above 0 it is a poster for the time being, as JPEG."""
    certified: bool = True
    """As of `SheetTask`."""


class PreviewTask(BaseTask):
    """Make the animated preview from finished segments."""

    kind: Literal["preview"] = "preview"
    plan: PreviewPlan
    track: VideoTrack
    """The rendition whose pictures they are."""
    moments: tuple[Moment, ...]
    """What it shows, in order."""


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
    access: Literal["sliced", "spliced", "whole"] = "whole"
    video: VideoFacts | None = None
    """The pictures that carry captions, where tracks are made of these."""
    part: int = 0
    """Of captions: which part of the film is read."""
    parts: int = 1
    """Of captions: how many parts there are. The task that finds all of them read makes the tracks."""
    collected: str = ""
    """Of captions in several parts: id of the track by which they are kept."""
    before: Segment | None = None
    """What lies in front of the stream and decides which captions are on the screen when it begins."""


class TextCheckTask(BaseTask):
    """Look at all segments of a track of words; with `against`, compare them with the source."""

    kind: Literal["check-text"] = "check-text"
    folder: str
    """Of the track below DEST."""
    record: TextRecord
    borders: tuple[Rational, ...] = ()
    """Starts of the segments and the end of the last, seconds; empty: not known."""
    source: SourceRef | None = None
    """Compared with, where it is of the source."""
    track: TextTrack | None = None
    video: int | None = None
    """Index of the stream of pictures that carry captions, where the track is of these."""


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
    burn_part: str = ""
    """As of `VideoTask`."""


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
    burn_parts: tuple[str, ...] = ()
    """Keys of what is drawn into the pictures of these segments."""
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
    burn: BurnIn | None = None
    """Text of a stream that is drawn into the pictures."""
    burn_parts: tuple[str, ...] = ()
    """Keys of all that is drawn."""
    span: tuple[Rational, Rational] | None = None
    """Begin and end of the stream that was made, seconds on the clock of the source."""


AnyTask = (
    SplitTask
    | InitTask
    | VideoTask
    | AudioTask
    | LoudnessTask
    | SheetTask
    | PosterTask
    | PreviewTask
    | TextTask
    | TextCheckTask
    | CheckTask
    | SourceCheckTask
    | SoundCheckTask
    | StreamsCheckTask
)
Task = Annotated[AnyTask, Field(discriminator="kind")]
TASK: TypeAdapter[AnyTask] = TypeAdapter(Task)
