"""The report: what was made, the certificate that nothing was lost, and what was converted or dropped."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from streamify.model.base import Frozen, Rational
from streamify.model.chapter import Chapter
from streamify.model.images import Poster, Preview, StoryboardReport
from streamify.model.loudness import Loudness
from streamify.model.plan import SCHEMA
from streamify.model.result import Blob
from streamify.model.settings import MediaSettings
from streamify.model.source import Note, SourceFacts
from streamify.model.words import TextReport


class TrackSegments(Frozen):
    """Columns over the segments of one track, in order: what `verify` compares the bytes with."""

    duration: tuple[int, ...]
    """Output ticks."""
    frames: tuple[int, ...]
    size: tuple[int, ...]
    """Bytes."""
    sha256: tuple[str, ...]
    """Hex."""

    @model_validator(mode="after")
    def _same_length(self) -> TrackSegments:
        if len({len(column) for column in (self.duration, self.frames, self.size, self.sha256)}) != 1:
            raise ValueError("columns of different lengths")
        return self


class TrackReport(Frozen):
    """One track of the output."""

    id: Annotated[str, Field(pattern="^[^/]+$")]
    kind: Literal["video", "audio"]
    folder: str
    """Below DEST."""
    codecs: str
    """RFC 6381."""
    timescale: Annotated[int, Field(ge=1)]
    """Ticks per second."""
    width: int | None = None
    """Pixels; ``None`` for audio."""
    height: int | None = None
    chosen: str | None = None
    """What a preset of our own stood for in this rung and why; ``None`` for a preset of x264 and for audio."""
    frames: int
    """Pictures, or AAC access units."""
    duration: Rational
    """Seconds."""
    bytes: int
    """Of all its media files."""
    bandwidth: int
    """Measured peak bitrate over one segment, bits per second, without audio."""
    average_bandwidth: int
    """Measured average bitrate, bits per second, without audio."""
    cpu_seconds: float
    """Of its segments."""
    speed: float
    """Seconds of media per CPU second."""
    init_sha256: str
    """Hex, of ``init.mp4``."""
    loudness: Loudness | None = None
    """What was measured of its sound, and the gain; ``None`` without the setting."""
    segments: TrackSegments
    """Duration, frames, size and SHA-256 of each segment."""


class Certificate(Frozen):
    """Proof that nothing was lost at any seam: sums over all tasks of one decode of the source."""

    coded: int = 0
    """Pictures of the source, counted in the bitstream or by FFmpeg's index, apart from their times; 0: not counted."""
    left_out: int = 0
    """Of these, how many the notes name as left out when the source was planned."""
    promised: int
    """Pictures that the source's index promises."""
    decoded: int
    """Pictures decoded."""
    encoded: int
    """Pictures encoded into each rendition."""
    damaged: int
    """Pictures that the decoder marked as corrupt."""
    duplicated: int
    """Pictures shown twice."""
    dropped: int
    """Pictures left out on purpose: above 60 per second, or with the timestamp of another."""
    captions: int = 0
    """Triples of captions (cc_data of CEA-608/708) in the packets of the source; each rendition carries as many."""
    lost: tuple[int, ...]
    """Presentation times, source ticks, of pictures that the source could not give."""
    seams: int
    """Joins checked: each segment's `next` equals the following segment's `first`."""
    audio_over_video: tuple[Rational, ...]
    """Per audio track, seconds by which it outlasts the video: never negative, less than one codec frame."""
    sound_promised: tuple[int, ...] = ()
    """Per audio track, samples that the packets of the source hold; 0: they were not counted."""
    sound_decoded: tuple[int, ...] = ()
    """Per audio track, samples that came out of the decoder for them."""


class Fingerprint(Frozen):
    """What made the bytes."""

    streamify: str
    codec_build: str
    architecture: str
    cpu: str
    cpu_features: tuple[str, ...]
    python: str


class CostReport(Frozen):
    """What the last run cost on AWS, US dollars at list prices."""

    predicted: float | None
    """Before its first task, from a table of speeds."""
    actual: float
    """From the seconds that its attempts took."""


class Report(Frozen):
    """``report.json``, written last."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    status: Literal["complete"]
    source: SourceFacts
    """As `probe` returns them."""
    settings: MediaSettings
    """Those that decide the bytes."""
    tracks: tuple[TrackReport, ...]
    subtitles: tuple[TextReport, ...] = ()
    manifests: tuple[Blob, ...] = ()
    """Manifests and playlists as they were published."""
    certificate: Certificate
    chapters: tuple[Chapter, ...] = ()
    """Of the stream, seconds from its start."""
    poster: Poster | None = None
    preview: Preview | None = None
    thumbnails: StoryboardReport | None = None
    notes: tuple[Note, ...]
    """What was converted, dropped or damaged, and why."""
    fingerprint: Fingerprint
    """Versions and CPU that made the bytes."""
    engine: str
    """Of the last run."""
    workers: int
    """Of the last run."""
    cost: CostReport | None = None
    """Of the last run; ``None`` where it did not run on AWS."""
    tasks_run: int
    """Segments x renditions that this run made."""
    tasks_reused: int
    """Segments x renditions that earlier runs had made."""
    stragglers: int = 0
    """Tasks that this run began a second time on another machine, because they took much longer than their kind."""
    more_memory: int = 0
    """Attempts of this run that asked a Ray cluster for more memory, because it had run out in earlier ones."""
    wall_seconds: float
    """Of the last run."""
    cpu_seconds: float
    """Of the last run."""
    speed: float
    """Seconds of source per second of wall time, this run."""
