"""The report: what was made, the certificate that nothing was lost, and what was converted or dropped."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.model.base import Frozen, Rational
from streamify.model.plan import SCHEMA
from streamify.model.settings import MediaSettings
from streamify.model.source import Note, SourceFacts
from streamify.model.task import Blob


class TrackSegments(Frozen):
    """Columns over the segments of one track, in order: what `verify` compares the bytes with."""

    duration: tuple[int, ...]
    """Output ticks."""
    frames: tuple[int, ...]
    size: tuple[int, ...]
    """Bytes."""
    sha256: tuple[str, ...]
    """Hex."""


class TrackReport(Frozen):
    """One track of the output."""

    id: str
    kind: Literal["video", "audio"]
    folder: str
    codecs: str
    """RFC 6381."""
    timescale: int
    width: int | None = None
    height: int | None = None
    frames: int
    duration: Rational
    """Seconds."""
    bytes: int
    bandwidth: int
    """Measured peak bitrate over one segment, bits per second, without audio."""
    average_bandwidth: int
    """Measured average bitrate, bits per second, without audio."""
    cpu_seconds: float
    speed: float
    """Seconds of media per CPU second."""
    init_sha256: str
    segments: TrackSegments


class Certificate(Frozen):
    """Proof that nothing was lost at any seam: sums over all tasks of one decode of the source."""

    promised: int
    """Pictures that the source's index promises."""
    decoded: int
    encoded: int
    """Per rendition."""
    damaged: int
    duplicated: int
    dropped: int
    lost: tuple[int, ...]
    """Presentation times, source ticks, of pictures that the source could not give."""
    seams: int
    """Joins checked: each segment's `next` equals the following segment's `first`."""
    audio_over_video: tuple[Rational, ...]
    """Per audio track, seconds by which it outlasts the video: never negative, less than one codec frame."""


class Fingerprint(Frozen):
    """What made the bytes."""

    streamify: str
    codec_build: str
    architecture: str
    cpu: str
    cpu_features: tuple[str, ...]
    python: str


class Report(Frozen):
    """``report.json``, written last."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    status: Literal["complete"]
    source: SourceFacts
    settings: MediaSettings
    tracks: tuple[TrackReport, ...]
    manifests: tuple[Blob, ...] = ()
    """Manifests and playlists as they were published."""
    certificate: Certificate
    notes: tuple[Note, ...]
    fingerprint: Fingerprint
    engine: str
    workers: int
    tasks_run: int
    """Segments x renditions that this run made."""
    tasks_reused: int
    """Segments x renditions that earlier runs had made."""
    wall_seconds: float
    cpu_seconds: float
    speed: float
    """Seconds of source per second of wall time, this run."""
