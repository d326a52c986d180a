"""What tasks leave: what the ledger keeps of segments, and their results, one JSON value each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from streamify.model.base import Frozen
from streamify.model.plan import SCHEMA, Plan, Segment
from streamify.model.source import Note, Part
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
    """Packets that the decoder refused, that the demuxer found incomplete, or that hold no picture."""
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
    undecoded: int = 0
    """Samples for which silence stands because packets do not decode, beyond what decoders hold back."""


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


class Beginning(Frozen):
    """What is known of a film before all of it has been looked at and cut: enough to make its first segment.

    It is most probably that of the plan, and to be compared with it: pictures that change midway, or turn out to be
    interlaced, change all tracks.
    """

    plan: Plan
    """Without its list of segments."""
    segment: Segment
    """The first one, without sound."""


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
    made: bool = True
    """Not where none of the pictures that exist by now serves as a poster."""


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
