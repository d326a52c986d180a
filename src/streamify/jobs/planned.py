"""The manifests of a stream before any of it is made: durations come from the grid, rates from the ladder's caps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from streamify.codecs.registry import audio_codec, codecs_string
from streamify.dest.layout import init_key
from streamify.jobs.publish import StreamView
from streamify.jobs.work import segment_cuts
from streamify.manifests.base import SegmentLine, TrackManifest
from streamify.manifests.words import TextManifest
from streamify.model.plan import Plan
from streamify.model.track import AudioTrack, VideoTrack
from streamify.planning.words import declared_captions
from streamify.storage.base import Storage


def planned_view(plan: Plan, borders: Sequence[int], media: Storage) -> StreamView:
    """Return the view of a whole stream of which the init segments exist (`InitTask`).

    Args:
        plan: Of the job.
        borders: Starts of the segments and the end of the last, output ticks.
        media: Rooted at DEST.
    """
    tracks = tuple(_manifest(plan, track, borders, media) for track in plan.tracks)
    scale = plan.timeline.timescale
    lengths = tuple(Fraction(stop - start, scale) for start, stop in pairwise(borders))
    return StreamView(
        tracks,
        plan.target_duration,
        Fraction(plan.timeline.end, scale),
        chapters=plan.chapters,
        words=tuple(TextManifest(track, lengths, size=0) for track in plan.text),
        captions=declared_captions(plan),
        subtitles=tuple(track.id for track in plan.text),
    )


def _manifest(plan: Plan, track: VideoTrack | AudioTrack, borders: Sequence[int], media: Storage) -> TrackManifest:
    init = media.get(init_key(track.folder))
    if init is None:
        raise AssertionError(f"the init segment of {track.id} is written before the stream is described")
    if isinstance(track, VideoTrack):
        ends, rate, unit = list(borders), track.recipe.maxrate, 1
    else:
        ends, rate = list(segment_cuts(plan, track, borders)), track.recipe.bitrate
        unit = audio_codec(track.recipe.codec).frame
    lengths = [(stop - start) * unit for start, stop in pairwise(ends)]
    lines = [SegmentLine(length, size=0, frames=0) for length in lengths]
    return TrackManifest(track, codecs_string(init), len(init), lines, declared=rate)
