"""What is known of the words of a stream: what a task made of a track, and what the report says of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from streamify.model.base import Frozen
from streamify.model.source import Note
from streamify.model.subtitle import TextRole


class TextSegments(Frozen):
    """Columns over the segments of a track of words, in order."""

    cues: tuple[int, ...]
    """Cues that are shown in it; one over a join counts in both."""
    size: tuple[int, ...]
    """Bytes."""
    sha256: tuple[str, ...]
    """Hex."""

    @model_validator(mode="after")
    def _same_length(self) -> TextSegments:
        if len({len(column) for column in (self.cues, self.size, self.sha256)}) != 1:
            raise ValueError("columns of different lengths")
        return self


class TextRecord(Frozen):
    """A track of words exists: written after all of its files."""

    schema_version: Annotated[int, Field(alias="schema")] = 1
    track: str
    """Its id."""
    found: int
    """Cues of the source, counted as packets or as lines of times."""
    cues: int
    """Cues of the track; the notes name the others."""
    left_out: int = 0
    """Cues of the source that are not in the track."""
    split: int = 0
    """Cues that a packet holds beside its first one."""
    size: int
    """Bytes of the file that holds the whole track."""
    sha256: str
    """Of that file, hex."""
    segments: TextSegments
    triples: int | None = None
    """Triples of cc_data inside the stream's pictures that captions were read from: as many as its video carries."""
    notes: tuple[Note, ...] = ()
    """What was not kept, and why."""
    cpu_seconds: float = 0.0
    """What the task took; a track that was made with others has its share."""


class TextReport(Frozen):
    """A track of words of a finished stream."""

    id: Annotated[str, Field(pattern="^[^/]+$")]
    folder: str
    """Below DEST."""
    name: str
    """What people choose it by."""
    language: str | None = None
    """BCP 47; ``None``: unknown."""
    role: TextRole = "main"
    default: bool = False
    found: int
    """Cues of the source."""
    cues: int
    """Cues of the track."""
    left_out: int = 0
    """Cues of the source that are not in it; the notes say why."""
    split: int = 0
    """Cues that a packet of the source holds beside its first one."""
    bytes: int
    """Of all its files."""
    size: int
    """Bytes of the file that holds the whole track."""
    sha256: str
    """Of that file, hex."""
    segments: TextSegments


class CaptionsPart(Frozen):
    """The captions inside the pictures of some segments, as they were read."""

    schema_version: Annotated[int, Field(alias="schema", ge=2)] = 2
    """Those of schema 1 have line 21 alone."""
    triples: int
    """Of cc_data, of every type."""
    broken: tuple[str, ...] = ()
    """Segments in which the container cannot be read on."""
    data: str
    """Base64 of zlib of lines: presentation time in source ticks, whether it is for all pictures of a group (1 or 0),
    and the triples of line 21 and of DTVCC packets, hex."""
