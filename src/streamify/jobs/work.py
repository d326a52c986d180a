"""What is missing of a stream, and the tasks that make it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from streamify.model.plan import Plan, Segment
from streamify.model.result import SPLIT
from streamify.model.task import AudioTask, VideoTask
from streamify.model.track import AudioTrack
from streamify.planning.audio import cuts
from streamify.planning.budget import AUDIO_PRIORITY, audio_budget, video_budget
from streamify.planning.burn import part_key
from streamify.planning.schedule import Group


def missing_renditions(plan: Plan, done: Collection[tuple[str, int]]) -> list[tuple[int, tuple[int, ...]]]:
    """Return the segments that are not there in all renditions, in order, each with those that it lacks."""
    lacks = (
        (index, tuple(number for number, track in enumerate(plan.video) if (track.id, index) not in done))
        for index in range(plan.segments)
    )
    return [(index, renditions) for index, renditions in lacks if renditions]


def video_key(plan: Plan, segment: int, renditions: Sequence[int]) -> str:
    """Return the key of the task of one segment and some renditions (indices into the ladder)."""
    return f"video/{segment:05d}/" + ",".join(plan.video[number].name for number in renditions)


def audio_key(track: AudioTrack, first: int) -> str:
    """Return the key of the task of the piece that starts with segment `first`."""
    return f"audio/{track.id}/{first:05d}"


def video_task(plan: Plan, segment: Segment, group: Group) -> VideoTask:
    """Return the task of one segment and some renditions."""
    assert plan.source.video is not None
    # What is for people alone stays out of it: it may change where the task does not.
    renditions = tuple(plan.video[number].model_copy(update={"chosen": "", "why": ""}) for number in group.renditions)
    # Those of the source, and as many as are shown again in a pause or left out above 60 a second.
    pictures = segment.frames + round(60 * (segment.end - segment.start) / plan.timeline.timescale)
    return VideoTask(
        key=video_key(plan, segment.index, group.renditions),
        source=plan.source.ref,
        access=plan.source.access,
        video=plan.source.video,
        timeline=plan.timeline,
        segment=segment.model_copy(update={"audio": (), "pieces": ()}),
        renditions=renditions,
        burn=renditions[0].recipe.burn,
        burn_part=part_key(plan.burn, segment.index),
        threads=group.threads,
        needs=(SPLIT,),
        budget=video_budget(pictures, plan.source.video, renditions, group.threads),
    )


def missing_pieces(plan: Plan, track: AudioTrack, done: Collection[tuple[str, int]]) -> Iterator[tuple[int, int]]:
    """Yield the first segment and the one after the last of each piece that is not there as a whole."""
    size = track.piece_segments or plan.segments
    for first in range(0, plan.segments, size):
        stop = min(first + size, plan.segments)
        if any((track.id, index) not in done for index in range(first, stop)):
            yield first, stop


def audio_task(plan: Plan, track: AudioTrack, segments: Sequence[Segment]) -> AudioTask:
    """Return the task of one piece: a run of segments of an audio track."""
    first = segments[0]
    seconds = (segments[-1].end - first.start) / plan.timeline.timescale
    slices = {item.stream: item for item in first.audio}
    sliced = all(stream in slices for stream in track.streams)
    return AudioTask(
        key=audio_key(track, first.index),
        source=plan.source.ref,
        track=track,
        first_segment=first.index,
        cuts=segment_cuts(plan, track, [item.start for item in segments] + [segments[-1].end], first.index),
        slice=slices[track.stream] if sliced else None,
        joined=tuple(slices[stream] for stream in track.recipe.joined) if sliced else (),
        breaks=plan.source.breaks,
        piece=next((item for item in first.pieces if item.track == track.id), None),
        needs=(SPLIT,),
        budget=audio_budget(seconds, track),
        priority=AUDIO_PRIORITY,
    )


def segment_cuts(plan: Plan, track: AudioTrack, borders: Sequence[int], first: int = 0) -> tuple[int, ...]:
    """Return the borders of audio segments in access units of the track.

    Args:
        plan: Of the job.
        track: The audio track.
        borders: Starts of the segments and the end of the last, output ticks.
        first: Index of the first segment.
    """
    return cuts(
        borders,
        plan.timeline.timescale,
        track.recipe,
        at_start=first == 0,
        at_end=first + len(borders) - 1 == plan.segments,
    )


def made_by(plan: Plan, key: str) -> Iterator[tuple[str, int]]:
    """Yield (track, segment) of what the task with a key makes; nothing where it makes no segments."""
    kind, _, rest = key.partition("/")
    if kind == "video":
        segment, _, names = rest.partition("/")
        wanted = names.split(",")
        yield from ((track.id, int(segment)) for track in plan.video if track.name in wanted)
    elif kind == "audio":
        name, _, begin = rest.rpartition("/")
        for track in plan.audio:
            if track.id == name:
                first, size = int(begin), track.piece_segments or plan.segments
                yield from ((name, segment) for segment in range(first, min(first + size, plan.segments)))
