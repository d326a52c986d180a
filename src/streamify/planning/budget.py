"""What each kind of task may use. Pure; the numbers stop runaways, so they lie well above what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from streamify.model.source import VideoFacts
from streamify.model.task import Budget
from streamify.model.track import AudioTrack, VideoTrack
from streamify.planning.estimate import BASE, MIB, decoder_memory, tone_map_memory, video_memory

GRACE = 900
"""CPU seconds that every task has: storage, start and end."""
VIDEO = 400
"""CPU seconds for a second of video: 4K at the slowest preset takes 200."""
AUDIO = 20
"""CPU seconds for a second of sound."""
SCANNED = 2_000_000
"""Bytes that split reads in a CPU second at the least, where it must read the source from end to end."""
SPLIT_MEMORY = 1 << 30
"""Ten pictures of any size, and the index of ten hours."""
AUDIO_PRIORITY = 1
"""Above video: the sound of a film can be one task, which takes longest."""


def split_budget(source_bytes: int) -> Budget:
    """Return the budget of the split of a source."""
    return Budget(cpu_seconds=GRACE + source_bytes // SCANNED, memory_bytes=SPLIT_MEMORY)


def video_budget(seconds: float, source: VideoFacts, tracks: Sequence[VideoTrack], threads: int = 1) -> Budget:
    """Return the budget of one segment.

    Args:
        seconds: Length of the segment.
        source: What is decoded.
        tracks: Renditions that are made.
        threads: That encode.
    """
    cpu = GRACE + round(VIDEO * seconds)
    return Budget(cpu_seconds=cpu, memory_bytes=video_memory(source, tracks), cores=threads)


def init_budget(source: VideoFacts | None, tracks: Sequence[VideoTrack]) -> Budget:
    """Return the budget of the task that writes init segments, one after another and the greatest first."""
    return Budget(cpu_seconds=GRACE, memory_bytes=video_memory(source, tracks[:1]))


def audio_budget(seconds: float, track: AudioTrack) -> Budget:
    """Return the budget of a piece of an audio track; all of it stays in memory, as packets and as segments."""
    held = round(seconds * (3 * track.recipe.bitrate / 8 + track.sample_rate))  # an access unit is 1024 samples
    return Budget(cpu_seconds=GRACE + round(AUDIO * seconds), memory_bytes=BASE + 64 * MIB + held)


def check_budget(seconds: float, track: VideoTrack | AudioTrack, source: VideoFacts | None) -> Budget:
    """Return the budget of the check of a segment; with `source`, both are decoded side by side."""
    memory = BASE + 64 * MIB
    if isinstance(track, VideoTrack):
        memory += track.width * track.height * 3 // 2 * 40  # decoder, and the pictures that are compared
        memory += decoder_memory(source) + tone_map_memory([track]) if source is not None else 0
    return Budget(cpu_seconds=GRACE + round(VIDEO * seconds), memory_bytes=memory)
