"""The timeline of a film, or of a part of it, and its segments. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from streamify.model.cut import Cut
from streamify.model.plan import Timeline
from streamify.model.settings import MediaSettings
from streamify.model.source import SourceFacts, VideoFacts
from streamify.planning import audio as audio_grid
from streamify.planning import grid
from streamify.planning.extent import Extent, cut_extent, extent
from streamify.planning.fields import fields_shown
from streamify.planning.variable import longest_stand, variable_opening, variable_timeline, variable_windows


def reach(facts: SourceFacts, video: VideoFacts, settings: MediaSettings) -> Extent:
    """Return how long the first and the last picture stand for sound beyond them."""
    if facts.cut is not None:
        return cut_extent(facts.cut, video, facts.audio)
    return extent(video, facts.audio, settings.hold_limit, constant=is_constant(video, settings))


def is_constant(video: VideoFacts, settings: MediaSettings) -> bool:
    """Whether the stream has a constant rate. Pictures that outlast a segment have to be shown again, however even."""
    return video.rate is not None and video.rate * settings.segment_seconds >= 1


def video_timeline(
    video: VideoFacts, pts: Sequence[int], settings: MediaSettings, held: Extent, cut: Cut | None = None
) -> tuple[Timeline, Iterator[grid.Window]]:
    """Return the timeline of a film with pictures, or of a part of it, and its segments.

    Args:
        video: The pictures.
        pts: When each is shown, source ticks.
        settings: What the user wants.
        held: For how long the first and the last one stand beside their time.
        cut: Which part of the film it is.
    """
    fields = fields_shown(video, settings.deinterlace)
    segment, keyframe = settings.segment_seconds, settings.keyframe_seconds
    if video.rate is None or not is_constant(video, settings):
        timeline = variable_timeline(
            pts=pts,
            end=video.end,
            time_base=video.time_base,
            longest=longest_stand(segment, keyframe),
            lead=held.lead,
            tail=held.tail,
            fields=fields,
            opening=variable_opening(segment, keyframe) if settings.short_start else (),
            origin=cut.origin if cut is not None else None,
        )
        return timeline, variable_windows(pts, timeline, segment, keyframe)
    timeline, frames = grid.constant_timeline(
        rate=video.rate,
        time_base=video.time_base,
        origin=pts[0],
        frames=len(pts),
        segment_seconds=segment,
        keyframe_seconds=keyframe,
        lead=held.lead,
        tail=held.tail,
        fields=fields,
        short_start=settings.short_start,
    )
    return timeline, grid.constant_windows(pts, timeline, frames, video.end)


def audio_timeline(facts: SourceFacts, settings: MediaSettings) -> tuple[Timeline, Iterator[grid.Window]]:
    """Without video the grid is that of the first audio track, in its samples; all segments are alike, for sound is
    encoded so fast that a short start would gain nothing."""
    lead = facts.audio[0]
    rate = audio_grid.output_rate(lead)
    base, origin = lead.time_base, lead.start or 0
    end = max(1, -(-(facts.duration * rate).numerator // (facts.duration * rate).denominator))
    if facts.cut is not None:
        first = origin * base + facts.cut.begin
        base, origin = Fraction(1, first.denominator), first.numerator
    timeline = Timeline(time_base=base, origin=origin, timescale=rate, frame_duration=None, end=end)
    step = int(settings.segment_seconds * rate)
    count = max(1, -(-end // step))
    if count > 1 and (end - (count - 1) * step) < rate // 10:
        count -= 1  # a tail below 0.1 s would be a segment of hardly one access unit
    windows = (
        grid.Window(
            index=index,
            start=index * step,
            end=end if index == count - 1 else (index + 1) * step,
            source_start=0, source_end=None, frames=0, first=0, next=None,
        )
        for index in range(count)
    )  # fmt: skip
    return timeline, windows
