"""What each kind of task may use. Pure; the numbers stop runaways, so they lie well above what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from streamify.model.burn import PART_BYTES
from streamify.model.cue import CUES
from streamify.model.limits import (
    DECODE_PIXELS,
    ENCODE_PIXELS,
    SCANNED_BYTES,
    SOUND_SECONDS,
    SPLIT_BYTES,
    TABLE_SECONDS,
    TASK_SECONDS,
)
from streamify.model.plan import Plan
from streamify.model.source import VideoFacts
from streamify.model.task import Budget
from streamify.model.track import AudioTrack, TextTrack, VideoTrack
from streamify.planning.estimate import BASE, MIB, decoder_memory, tone_map_memory, video_memory

REACH = 36_000
"""Pictures that may have to be decoded to reach a segment; see `model.limits.PREROLL`."""
CUES_DRAWN = 50
"""Cues that are drawn in a CPU second at the least; at 1080p it is 65."""
AUDIO_PRIORITY = 1
"""Above video: the sound of a film can be one task, which takes longest."""


def split_budget(source_bytes: int, *, burns: bool = False) -> Budget:
    """Return the budget of the split of a source.

    Args:
        source_bytes: Its size.
        burns: Whether subtitles are burnt in: split draws text, of as many cues as a stream may have.
    """
    cpu = TASK_SECONDS + source_bytes // SCANNED_BYTES + (CUES // CUES_DRAWN if burns else 0)
    return Budget(cpu_seconds=cpu, memory_bytes=SPLIT_BYTES)


def video_budget(pictures: int, source: VideoFacts, tracks: Sequence[VideoTrack], threads: int = 1) -> Budget:
    """Return the budget of one segment: by its pictures, for a length is easily claimed.

    Args:
        pictures: Of the segment.
        source: What is decoded.
        tracks: Renditions that are made.
        threads: That encode.
    """
    encoded = pictures * sum(track.width * track.height for track in tracks)
    decoded = min(source.frames, pictures + REACH) * source.width * source.height
    cpu = TASK_SECONDS + encoded // ENCODE_PIXELS + decoded // DECODE_PIXELS
    cpu += pictures * TABLE_SECONDS if source.colour.dolby else 0
    return Budget(cpu_seconds=cpu, memory_bytes=video_memory(source, tracks), cores=threads)


def init_budget(source: VideoFacts | None, tracks: Sequence[VideoTrack]) -> Budget:
    """Return the budget of the task that writes init segments, one after another and the greatest first."""
    return Budget(cpu_seconds=TASK_SECONDS, memory_bytes=video_memory(source, tracks[:1]))


def audio_budget(seconds: float, track: AudioTrack) -> Budget:
    """Return the budget of a piece of an audio track; all of it stays in memory, as packets and as segments."""
    held = round(seconds * (3 * track.recipe.bitrate / 8 + track.sample_rate))  # an access unit is 1024 samples
    return Budget(cpu_seconds=TASK_SECONDS + round(SOUND_SECONDS * seconds), memory_bytes=BASE + 64 * MIB + held)


def image_budget(plan: Plan, track: VideoTrack, segments: int) -> Budget:
    """Return the budget of a task that decodes finished segments for an image.

    Args:
        plan: Of the stream.
        track: The rendition that is decoded, the largest of several.
        segments: How many are decoded.
    """
    seconds = segments * plan.target_duration
    pixels = track.width * track.height
    cpu = TASK_SECONDS + round(seconds * track.frame_rate) * pixels // DECODE_PIXELS
    return Budget(cpu_seconds=cpu, memory_bytes=BASE + 64 * MIB + 60 * pixels)


def text_budget(plan: Plan, tracks: Sequence[TextTrack], parts: int = 1) -> Budget:
    """Return the budget of a task that makes words; those of a source are read from end to end, in `parts`."""
    read = plan.source.ref.size // parts if any(track.recipe.file is None for track in tracks) else 0
    cpu = TASK_SECONDS * len(tracks) + read // SCANNED_BYTES + plan.segments // 10
    return Budget(cpu_seconds=cpu, memory_bytes=BASE + 256 * MIB)


def words_check_budget(segments: int, source_bytes: int) -> Budget:
    """Return the budget of the check of a track of words, against a source that is read from end to end."""
    cpu = TASK_SECONDS + segments // 10 + source_bytes // SCANNED_BYTES
    return Budget(cpu_seconds=cpu, memory_bytes=BASE + 256 * MIB)


def check_budget(samples: int, track: VideoTrack | AudioTrack, source: VideoFacts | None) -> Budget:
    """Return the budget of the check of a segment, or of a stream; with `source`, both are decoded side by side.

    Args:
        samples: Pictures, or access units, that are decoded of the stream.
        track: Whose they are.
        source: What they are compared with.
    """
    cpu = TASK_SECONDS + samples // 50  # an access unit
    memory = BASE + 64 * MIB
    if isinstance(track, VideoTrack):
        memory += track.width * track.height * 3 // 2 * 40  # decoder, and the pictures that are compared
        memory += decoder_memory(source) + tone_map_memory([track]) if source is not None else 0
        cpu = TASK_SECONDS + samples * track.width * track.height // DECODE_PIXELS
        if source is not None:  # decoded, scaled and compared
            cpu += 2 * min(source.frames, samples + REACH) * source.width * source.height // DECODE_PIXELS
            cpu += samples * TABLE_SECONDS if source.colour.dolby else 0
    return Budget(cpu_seconds=cpu, memory_bytes=memory)


def streams_check_budget() -> Budget:
    """Return the budget of the check of which streams a source has, which are read at a few places.

    Where text is drawn, it is `drawn_check_budget`.
    """
    return Budget(cpu_seconds=TASK_SECONDS, memory_bytes=BASE + 64 * MIB)


def drawn_check_budget(segments: int, source_bytes: int) -> Budget:
    """Return the budget of that check where text is drawn: the source is read from end to end, and what is drawn of it
    some segments at a time."""
    words = words_check_budget(segments, source_bytes)
    return words.model_copy(update={"memory_bytes": words.memory_bytes + 4 * PART_BYTES})


def sound_check_budget(seconds: float, source_bytes: int, streams: int) -> Budget:
    """Return the budget of the check of an audio track against a source that is read from end to end.

    Args:
        seconds: Of sound.
        source_bytes: Size of the source.
        streams: Of the source that the track is made of.
    """
    cpu = TASK_SECONDS + streams * (round(SOUND_SECONDS * seconds) + source_bytes // SCANNED_BYTES)
    return Budget(cpu_seconds=cpu, memory_bytes=BASE + 128 * MIB)
