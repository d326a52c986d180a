"""What a plan is expected to take: bytes of output, memory of a worker, shares of CPU time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from streamify.model.plan import Estimate
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


def estimate(
    seconds: Fraction, source: VideoFacts | None, video: Sequence[VideoTrack], audio: Sequence[AudioTrack]
) -> Estimate:
    """Predict output size, a worker's peak memory and the renditions' shares of the CPU time."""
    rate = sum(track.recipe.maxrate for track in video) * 7 // 10 + sum(track.recipe.bitrate for track in audio)
    memory = BASE
    if source is not None:
        sample = 2 if source.bit_depth > 8 else 1
        memory += source.width * source.height * 3 // 2 * sample * 20  # reference pictures and the decoder's queue
        memory += sum(track.width * track.height * 3 // 2 * X264_PICTURES for track in video)
    weights = [track.width * track.height * float(track.frame_rate) ** 0.9 for track in video]
    total = sum(weights) or 1.0
    return Estimate(
        media_bytes=int(seconds * rate / 8) + MIB,
        worker_bytes=memory,
        cost=tuple(weight / total for weight in weights),
    )
