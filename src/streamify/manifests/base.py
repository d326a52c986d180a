"""What a manifest is written from: measured facts of finished tracks. Pure values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from urllib.parse import quote

from streamify.dest.layout import segment_name
from streamify.model.result import IFrame
from streamify.model.track import AudioTrack, VideoTrack


@dataclass(frozen=True)
class SegmentLine:
    """One finished segment of one track."""

    duration: int
    """Ticks of the track's timescale: the sum of its sample durations."""
    size: int
    """Bytes."""
    frames: int
    """Samples."""
    iframes: tuple[IFrame, ...] = ()
    """IDR pictures in order; the first one starts the segment. Empty for audio."""


@dataclass(frozen=True)
class TrackManifest:
    """One finished track."""

    track: VideoTrack | AudioTrack
    codecs: str
    """RFC 6381, read from the init segment (`codecs.registry.codecs_string`)."""
    init_size: int
    """Bytes."""
    segments: Sequence[SegmentLine]
    """Those that are published: all of them, or the first ones of a stream that grows."""
    declared: int | None = None
    """Bits per second to declare in place of what was measured, for a stream that grows: the cap of its rung."""

    def __post_init__(self) -> None:
        if not self.segments or any(line.duration <= 0 for line in self.segments):
            raise ValueError(f"track {self.track.id}: a manifest needs segments, each longer than zero")

    @cached_property
    def duration(self) -> Fraction:
        """Length of the media, seconds: of audio with its priming."""
        return Fraction(sum(line.duration for line in self.segments), self.track.timescale)

    @cached_property
    def target(self) -> int:
        """Length of the longest segment, rounded half up to whole seconds: the least EXT-X-TARGETDURATION."""
        return max(1, _half_up(max(self.durations)))

    @cached_property
    def durations(self) -> tuple[Fraction, ...]:
        """Length of each segment, seconds."""
        return tuple(Fraction(line.duration, self.track.timescale) for line in self.segments)

    @property
    def bandwidth(self) -> int:
        """What is declared, else the measured peak, bits per second (`peak_rate`)."""
        if self.declared is not None:
            return self.declared
        return peak_rate(self.durations, [line.size for line in self.segments], self.target)

    @property
    def average_bandwidth(self) -> int:
        """What is declared, else the measured average, bits per second (the init segment is no segment)."""
        if self.declared is not None:
            return self.declared
        return _bits(sum(line.size for line in self.segments), self.duration)

    @property
    def size(self) -> int:
        """Bytes of all files of the track's media."""
        return self.init_size + sum(line.size for line in self.segments)

    @property
    def has_iframes(self) -> bool:
        """Whether it is known where the IDR pictures lie: not before they are made."""
        return bool(self.segments[0].iframes)

    @cached_property
    def iframes(self) -> tuple[tuple[Fraction, str, IFrame], ...]:
        """Each IDR picture: seconds until the next one or the end, file name, and where it lies.

        Raises:
            ValueError: The track's first segment does not start with an IDR picture, or their times do not ascend.
        """
        found = [(segment_name(n), iframe) for n, line in enumerate(self.segments) for iframe in line.iframes]
        starts = [iframe.start for _, iframe in found]
        ends = [*starts[1:], sum(line.duration for line in self.segments)]
        if not starts or starts[0] != 0 or any(a >= b for a, b in zip(starts, ends, strict=True)):
            raise ValueError(f"track {self.track.id}: IDR pictures must start at 0 and ascend")
        scale = self.track.timescale
        return tuple(
            (Fraction(end - iframe.start, scale), name, iframe) for end, (name, iframe) in zip(ends, found, strict=True)
        )

    def url(self, name: str) -> str:
        """Return the URL of one of the track's files, relative to DEST."""
        return quote(f"{self.track.folder}/{name}")


def peak_rate(durations: Sequence[Fraction], sizes: Sequence[int], target: int) -> int:
    """Return the peak segment bit rate as RFC 8216, section 4.1, defines it, rounded up.

    It is the largest rate of any contiguous set of segments that lasts 0.5 to 1.5 target durations. So a short last
    segment counts together with the one before it. A stream shorter than half a target has its average as peak.
    """
    low, high = Fraction(target, 2), Fraction(3 * target, 2)
    peak = _bits(sum(sizes), sum(durations, Fraction()))
    for start in range(len(sizes)):
        length, size = Fraction(), 0
        for number in range(start, len(sizes)):
            length, size = length + durations[number], size + sizes[number]
            if length > high:
                break
            if length >= low:
                peak = max(peak, _bits(size, length))
    return peak


def variant_order(videos: Sequence[TrackManifest]) -> tuple[TrackManifest, ...]:
    """Return video tracks with the one to start on first, the others in ladder order.

    Players without a bandwidth estimate (AVFoundation, hls.js, Chromium) start on the first one listed. Apple's
    authoring rules want that to be about 2,000 kbit/s; we take the best rung that averages no more, else the lowest.
    Of a stream that is made while it is watched it is the lowest, which is made soonest.
    """
    if not videos:
        return ()
    made = all(video.declared is None for video in videos)
    fitting = [video for video in videos if made and video.average_bandwidth <= START_BANDWIDTH]
    begin = max(fitting, key=_rate) if fitting else min(videos, key=_rate)
    return (begin, *(video for video in videos if video is not begin))


START_BANDWIDTH = 2_000_000
"""Bits per second: what the first variant listed may average."""


def frame_rate(rate: Fraction) -> str:
    """Return frames per second with the three decimals that HLS wants: 30000/1001 is 29.970."""
    thousandths = _half_up(rate * 1000)
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"


def _rate(manifest: TrackManifest) -> int:
    return manifest.average_bandwidth


def _half_up(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


def _bits(size: int, duration: Fraction) -> int:
    return -int(-(8 * size) / duration // 1) if duration else 0
