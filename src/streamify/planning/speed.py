"""How many CPU seconds the parts of a task take: from a table that was measured once, or from a sample of the film."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamify.model.base import Frozen
from streamify.model.plan import Plan
from streamify.model.result import SegmentRecord
from streamify.model.settings import Preset
from streamify.model.source import VideoFacts
from streamify.model.track import VideoTrack

ENCODE: dict[Preset, float] = {
    "ultrafast": 0.005,
    "superfast": 0.014,
    "veryfast": 0.021,
    "eco": 0.031,
    "faster": 0.034,
    "balanced": 0.037,
    "fast": 0.041,
    "medium": 0.045,
    "slow": 0.070,
    "quality": 0.072,
    "slower": 0.115,
    "veryslow": 0.155,
}
"""x264, seconds for a picture of a million pixels: from 360p to 1080p that hardly changes with the size.

Medium is the mean of the two films of ``docs/reference/benchmarks.md`` (0.041 and 0.049), the others follow from
windows of them (AMD EPYC, 2026-11); balanced, eco and quality are medium times what ``make tune`` found. A window of
one film took half, another one and a half times as long.
"""

WIDE = 1.4
"""Factor where motion is searched further; 1.4 was measured on screens, up to 1.9 on filmed pictures."""

SCALE = 0.0013
"""Seconds for a million pixels of the source, where a rendition has another size."""

DECODE = {
    "h264": 0.0034,
    "hevc": 0.0031,
    "av1": 0.0034,
    "vp8": 0.0020,
    "vp9": 0.0040,
    "mpeg2video": 0.0015,
    "prores": 0.0079,
    "dnxhd": 0.0035,
}
"""Seconds for a picture of a million pixels, by codec of the source; of one or two clips each."""
DECODE_OTHER = 0.0034

TONE_MAP = 0.021
"""Seconds for a million pixels at which a task makes HDR pictures SDR, once for all of its renditions."""

SOUND = 0.018
"""Seconds for a second of one audio track: decoding, mixing 5.1 down to stereo, AAC."""


OPENING_CPU = 0.012
"""Seconds of a task that count as decoding and are spent before the first picture."""
AFTER = 3
"""Pictures that are decoded after a window: the one that ends it, and those that the decoder holds back."""


class Speed(Frozen):
    """CPU seconds that the parts of a job's tasks take on one vCPU."""

    sampled: bool
    """Measured on this film and on the machine that planned it; else taken from the table of this module."""
    decode: float = 0
    """A picture of the source; its tone map is part of it."""
    renditions: tuple[float, ...] = ()
    """Scaling and encoding one picture, in ladder order."""
    sound: float = SOUND
    """A second of one audio track."""


def from_table(plan: Plan) -> Speed:
    """Return what the table says of a plan."""
    if plan.source.video is None:
        return Speed(sampled=False)
    video = plan.source.video
    source = _megapixels(video)
    return Speed(
        sampled=False,
        decode=source * DECODE.get(video.codec, DECODE_OTHER) + TONE_MAP * _tone_mapped(plan),
        renditions=tuple(
            SCALE * source * ((track.width, track.height) != (video.width, video.height))
            + ENCODE[plan.settings.preset] * _megapixels(track) * (WIDE if track.recipe.tuning.me == "umh" else 1)
            for track in plan.video
        ),
    )


def _tone_mapped(plan: Plan) -> float:
    sizes = [track.recipe.tone_mapped_at for track in plan.video]
    return max((size[0] * size[1] / 1e6 for size in sizes if size is not None), default=0.0)


def from_sample(plan: Plan, tasks: Iterable[Sequence[SegmentRecord]]) -> Speed:
    """Return what finished tasks took.

    Args:
        plan: Of the film.
        tasks: The records of each; all renditions of a plan with video are among them.
    """
    decode = pictures = 0.0
    spent = {track.id: 0.0 for track in plan.video}
    made = dict.fromkeys(spent, 0)
    for records in tasks:
        seam = records[0].seam
        assert seam is not None
        decode += max(0.0, sum(one.cost.decode for one in records) - OPENING_CPU)
        pictures += seam.decoded + records[0].cost.preroll_frames + AFTER
        for one in records:
            spent[one.track] += one.cost.scale + one.cost.encode
            made[one.track] += seam.encoded
    return Speed(
        sampled=True,
        decode=decode / max(1, pictures),
        renditions=tuple(spent[track.id] / max(1, made[track.id]) for track in plan.video),
    )


def _megapixels(picture: VideoFacts | VideoTrack) -> float:
    return picture.width * picture.height / 1e6
