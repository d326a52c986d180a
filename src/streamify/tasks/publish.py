"""Publishing one segment: media first, then init, then the ledger entry that makes it count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamify.dest.layout import init_key, ledger_key, segment_key
from streamify.model.plan import Timeline
from streamify.model.result import Blob, Cost, IFrame, Seam, SegmentRecord, SoundCount
from streamify.model.source import Note, Part
from streamify.model.track import AudioTrack, VideoTrack
from streamify.mp4.fragments import Fragment, shown_times
from streamify.storage.base import Storage, sha256


def publish_segment(
    media: Storage,
    track: VideoTrack | AudioTrack,
    segment: int,
    *,
    init: bytes,
    data: bytes,
    written: Written,
    iframes: tuple[IFrame, ...] = (),
    captions: int = 0,
    seam: Seam | None = None,
    heard: SoundCount | None = None,
    notes: tuple[Note, ...] = (),
    looks: tuple[Part, ...] = (),
    cost: Cost,
) -> SegmentRecord:
    """Write a segment so that it counts only when all of it exists; return its ledger entry.

    Raises:
        ConflictError: Other bytes have one of the names.
    """
    file = Blob(key=segment_key(track.folder, segment), size=len(data), sha256=sha256(data))
    head = Blob(key=init_key(track.folder), size=len(init), sha256=sha256(init))
    tag = media.put_new(file.key, data).tag
    media.put_new(head.key, init)  # by whichever segment is first; all of them have the same bytes
    record = SegmentRecord(
        track=track.id, segment=segment, media=file, init=head, media_tag=tag, start=written.start,
        duration=written.duration, frames=written.frames, shortest=written.shortest, lead=written.lead,
        iframes=iframes, captions=captions, seam=seam, heard=heard, notes=notes, looks=looks, cost=cost,
    )  # fmt: skip
    # Overwritten, not put_new: two runs of a task give the same media but not the same CPU seconds.
    media.put(ledger_key(track.id, segment), record.to_json())
    return record


@dataclass(frozen=True)
class Written:
    """What a segment file says of itself; ticks of the track."""

    start: int
    duration: int
    frames: int
    shortest: int
    lead: int


def written(parts: Sequence[Fragment]) -> Written:
    """Read from the fragments of a segment what its ledger entry says: the certificate is about bytes, not plans."""
    start, duration = parts[0].decode_time, sum(sum(part.durations) for part in parts)
    shown = shown_times(parts)
    ends = [*shown[1:], shown[0] + duration]
    return Written(
        start,
        duration,
        len(shown),
        min(end - time for time, end in zip(shown, ends, strict=True)),
        shown[0] - start,
    )


NAMED = 5
"""Errors named for each task; the rest are counted."""


def damage_notes(where: str, errors: Sequence[str]) -> tuple[Note, ...]:
    """Return what a decoder refused as one note, or none."""
    if not errors:
        return ()
    more = f" and {len(errors) - NAMED} more" if len(errors) > NAMED else ""
    return (Note(kind="damaged", what=f"{where}: {len(errors)} packets", why="; ".join(errors[:NAMED]) + more),)


def loss_notes(where: str, seam: Seam, spoilt: Sequence[int], timeline: Timeline) -> tuple[Note, ...]:
    """Return which pictures of a segment are lost, and which may look wrong because of damage before them."""
    found = ((seam.lost, "are lost", "no decoder gives them"), (spoilt, "may look wrong", BEHIND))
    return tuple(
        Note(kind="damaged", what=f"{where}: {len(times)} pictures {what}, {_span(times, timeline)}", why=why)
        for times, what, why in found
        if times
    )


def caption_notes(tracks: Sequence[VideoTrack], seam: Seam) -> tuple[Note, ...]:
    """Return that captions are not carried, where split did not see them: of all segments the same."""
    if not seam.captions or tracks[0].recipe.captions:
        return ()
    why = "none were seen in the places that were looked at when the source was planned"
    return (Note(kind="dropped", what="captions inside the pictures (CEA-608/708)", why=why),)


BEHIND = "they are decoded from damaged pictures; at the next keyframe all is well"


def _span(times: Sequence[int], timeline: Timeline) -> str:
    first, last = (float((time - timeline.origin) * timeline.time_base) for time in (min(times), max(times)))
    return f"at {first:.3f} s" if first == last else f"from {first:.3f} s to {last:.3f} s"
