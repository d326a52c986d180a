"""What a plan is expected to take: bytes of output, memory of a worker, shares of CPU time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from streamify.model.plan import Estimate, Plan
from streamify.model.source import VideoFacts
from streamify.model.track import AudioTrack, VideoTrack

MIB = 1 << 20
BASE = 80 * MIB
"""A worker with PyAV loaded, before any media."""
X264_PICTURES = 133
"""Pictures' worth of memory that one x264 encoder takes (medium: look-ahead of 40, references, half-size copies; and
pictures that wait for its thread at the end of a job).

Fitted to a 1080p, 720p, 480p and 360p ladder from 1080p24, which peaks at 828 MiB.
"""
PRESET_PICTURES: Final = MappingProxyType[str, float]({"slow": 1.2, "slower": 1.4, "veryslow": 1.7})
"""By how much more a preset holds than medium: more references and a longer look-ahead.

One rung of 2160p24 peaked at 1,402 MiB with medium, 1,687 with slow and 2,409 with veryslow (2026-11).
"""


TONE_MAP_BYTES = 16
"""Bytes per pixel that a tone map takes: R'G'B' in 16 bit before and after it, and the result."""


def estimate(
    seconds: Fraction, source: VideoFacts | None, video: Sequence[VideoTrack], audio: Sequence[AudioTrack]
) -> Estimate:
    """Predict output size, a worker's peak memory and the renditions' shares of the CPU time."""
    rate = sum(track.recipe.maxrate for track in video) * 7 // 10 + sum(track.recipe.bitrate for track in audio)
    weights = [track.width * track.height * float(track.frame_rate) ** 0.9 for track in video]
    total = sum(weights) or 1.0
    return Estimate(
        media_bytes=int(seconds * rate / 8) + MIB,
        worker_bytes=video_memory(source, video),
        cost=tuple(weight / total for weight in weights),
    )


BITS_PER_PIXEL = 0.04
"""Of natural video at CRF 23 and preset medium, in the lower half of what is usual: 2 Mbit/s at 1080p24."""


def likely_bytes(plan: Plan) -> int:
    """Return what the stream is likely to take, where its caps say what it may take at most.

    A rung is not likely to need more bits for its pixels than the source has for its own.
    """
    seconds = plan.timeline.end / plan.timeline.timescale
    source = plan.source.video
    given = 8 * plan.source.ref.size / seconds
    rate = float(sum(track.recipe.bitrate for track in plan.audio))
    for track in plan.video:
        usual = track.width * track.height * track.frame_rate * BITS_PER_PIXEL * 2 ** ((23 - track.recipe.crf) / 6)
        share = track.width * track.height / (source.width * source.height) if source is not None else 1.0
        rate += min(float(usual), track.recipe.maxrate * 0.7, given * share**0.75)
    return int(seconds * rate / 8)


def video_memory(source: VideoFacts | None, video: Sequence[VideoTrack]) -> int:
    """Predict the peak memory, bytes, of a worker that makes renditions from one decode of the source."""
    memory = BASE
    if source is not None:
        memory += decoder_memory(source)
        memory += sum(
            round(track.width * track.height * 3 / 2 * X264_PICTURES * PRESET_PICTURES.get(track.recipe.preset, 1))
            for track in video
        )
        memory += tone_map_memory(video)
    return memory


def tone_map_memory(video: Sequence[VideoTrack]) -> int:
    """Predict the memory, bytes, that HDR and BT.2020 pictures take on their way to BT.709."""
    sizes = {track.recipe.tone_mapped_at for track in video}
    return sum(size[0] * size[1] * TONE_MAP_BYTES for size in sizes if size is not None)


def decoder_memory(source: VideoFacts) -> int:
    """Predict the memory, bytes, of a decoder: reference pictures and its queue."""
    sample = 2 if source.bit_depth > 8 else 1
    return source.width * source.height * 3 // 2 * sample * 20
