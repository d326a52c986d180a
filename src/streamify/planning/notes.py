"""What the plan changes of the source or of the settings, said as notes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from streamify.model.plan import Timeline
from streamify.model.settings import MediaSettings
from streamify.model.source import YCGCO, Colour, Note, SourceFacts
from streamify.model.text import decimal
from streamify.planning import grid
from streamify.planning.fields import field_notes
from streamify.planning.looks import change_notes


def grid_notes(settings: MediaSettings, timeline: Timeline) -> Iterator[Note]:
    """Yield where segments or IDR pictures are not as far apart as the settings say; less than a frame is no change.

    Args:
        settings: What the user wants.
        timeline: Of a source with video.
    """
    wanted, step = settings.segment_seconds, settings.keyframe_seconds
    frame, segment = Fraction(0), wanted
    steps = grid.steps_of(wanted, step)
    if timeline.frame_duration is not None:
        frame = Fraction(timeline.frame_duration * timeline.fields, timeline.timescale)
        steps, frames = grid.idr_steps(1 / frame, wanted, step)
        segment = steps * frames * frame
    if abs(segment - wanted) >= frame > 0:
        yield Note(
            kind="info",
            what=f"segments of {decimal(segment)} s, not {decimal(wanted)} s",
            why=f"{steps} steps of {decimal(segment / steps)} s, for frames of {decimal(frame)} s are not divided",
        )
    if abs(segment / steps - step) > frame:
        why = (
            f"every segment of {decimal(segment)} s starts with one"
            if step > segment
            else f"a segment of {decimal(segment)} s is divided into equal steps of at most {decimal(step)} s"
        )
        yield Note(kind="info", what=f"keyframes every {decimal(segment / steps)} s, not {decimal(step)} s", why=why)


def repeats_note(windows: Sequence[grid.Window], timeline: Timeline, last: int) -> Iterator[Note]:
    """Yield that pictures are shown again in pauses; those for sound beyond the pictures are named by themselves.

    Args:
        windows: Segments.
        timeline: Of the plan.
        last: Presentation time of the last picture, source ticks.
    """
    if timeline.frame_duration is not None:
        return  # no pauses at a constant rate
    end = timeline.variable_ticks(last)
    count = sum(timeline.lead <= tick < end for window in windows for one in window.repeats for tick in one.ticks)
    if count:
        yield Note(
            kind="converted",
            what="1 picture is shown again" if count == 1 else f"{count} pictures are shown again",
            why="in pauses the last picture stands; players need one in every segment",
        )


def conversions(facts: SourceFacts, timeline: Timeline, settings: MediaSettings) -> Iterator[Note]:
    """Yield what of the pictures is not kept as it is."""
    video = facts.video
    if video is not None:
        if timeline.keep_every > 1 or timeline.min_gap:
            yield Note(
                kind="converted",
                what=f"{decimal(video.rate or video.average_rate)} frames per second",
                why=f"above {grid.MAX_RATE} frames per second (HLS rule 1.19)",
            )
        if video.sample_aspect != 1:
            yield Note(kind="converted", what=f"sample aspect {video.sample_aspect}", why="scaled to square pixels")
        if video.rotation:
            why = "players of HLS and DASH ignore it: applied"
            yield Note(kind="converted", what=f"rotation {video.rotation}", why=why)
        if video.mirrored:
            yield Note(kind="converted", what="mirroring", why="players of HLS and DASH ignore it: applied")
        yield from change_notes(video, timeline.origin, video.parts)
        yield from field_notes(video, timeline, settings.deinterlace)
        if video.bit_depth > 8:
            yield Note(kind="converted", what=f"{video.bit_depth}-bit pictures", why="8 bit for H.264 players")
        if video.colour.hdr:
            yield Note(kind="converted", what="HDR", why=_tone_map(video.colour))
        if video.colour.wide and not video.colour.hdr:
            yield Note(
                kind="converted", what="BT.2020 colour", why="BT.709 for H.264 players; wider colours are clipped"
            )
        if video.colour.foreign:
            name = "YCgCo" if video.colour.matrix == YCGCO else "ICtCp"
            yield Note(kind="converted", what=f"{name} components", why="Y'CbCr of BT.709 for H.264 players")
        if video.colour.full_range:
            yield Note(kind="converted", what="full-range colour", why="limited range for players")


def _tone_map(colour: Colour) -> str:
    peak = f"{colour.peak} cd/m2 (its metadata)" if colour.peak else "1000 cd/m2"
    return f"tone mapped to SDR BT.709 for H.264: highlights up to {peak} are rolled off"
