"""Measuring loudness: momentary loudness each 100 ms, and the true peak, by FFmpeg's ``ebur128``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from av.audio.frame import AudioFrame
from av.error import BlockingIOError as Empty
from av.error import EOFError as Ended
from av.filter import Graph
from av.filter.context import FilterContext

from streamify.media.audio.join import sound
from streamify.media.audio.resample import FORMAT
from streamify.media.audio.samples import LAYOUTS, AudioLog, AudioSource
from streamify.model.loudness import BLOCKS
from streamify.model.progress import OnProgress
from streamify.model.track import AudioTrack

CONTEXT = 10
"""Blocks that are measured before the first one: three belong to its window, the filters settle in the others."""
FULL = 3
"""First block whose window of 400 ms is full."""
SILENT = -120.0
"""LUFS that stand for silence."""
_ROUNDING = 0.0005
"""What ``ebur128`` may round a peak down by."""


@dataclass(frozen=True)
class Measured:
    """What was measured of a stretch."""

    momentary: tuple[float, ...]
    """LUFS of the 400 ms that end with each block of 100 ms."""
    peak: float
    """Factor; not below the truth."""


def measure(
    source: AudioSource,
    track: AudioTrack,
    first: int,
    last: int,
    log: AudioLog,
    progress: OnProgress | None = None,
) -> Measured:
    """Measure blocks ``[first, last)`` of a track, as it is mixed and resampled but for its gain.

    A block's loudness does not depend on where measuring begins; the last block of a track counts if it is whole.
    """
    rate, layout = track.sample_rate, LAYOUTS[track.recipe.channels]
    step, begin = rate // BLOCKS, max(0, first - CONTEXT)
    graph = Graph()
    entry = graph.add_abuffer(sample_rate=rate, format=FORMAT, layout=layout, time_base=Fraction(1, rate))
    exit_ = graph.add("abuffersink")
    graph.link_nodes(entry, graph.add("ebur128", "metadata=1:peak=true:framelog=quiet"), exit_).configure()
    momentary, peak = [], 0.0
    for number, planes in enumerate(sound(source, track, step, begin * step, last * step, log), start=begin):
        frame = AudioFrame(format=FORMAT, layout=layout, samples=step)
        for plane, samples in zip(frame.planes, planes, strict=True):
            plane.update(samples.ljust(plane.buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = rate, number * step, Fraction(1, rate)
        entry.push(frame)
        for found in _pulled(exit_):
            data = found.metadata
            peak = float(data["lavfi.r128.true_peak"])
            at = (found.pts or 0) // step
            if at >= max(first, FULL) and (at + 1) * step <= track.samples:
                momentary.append(_finite(data["lavfi.r128.M"]))
        if progress is not None:
            progress(max(0, number + 1 - first), last - first, "blocks")
    return Measured(tuple(momentary), peak + _ROUNDING if peak else 0.0)


def _finite(text: str) -> float:
    value = float(text)
    return max(SILENT, value)  # in this order: SILENT also of what is no number, as of digital silence


def _pulled(sink: FilterContext) -> list[AudioFrame]:
    found = []
    while True:
        try:
            found.append(cast("AudioFrame", sink.pull()))
        except (Empty, Ended):
            return found
