"""Decoded sound into the output's channels, frame by frame: what is mixed of a sample depends on that sample alone."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple, cast

from av.audio.frame import AudioFrame
from av.filter import Graph
from av.filter.context import FilterContext

from streamify.media.audio.matrix import Levels, Row, matrix
from streamify.media.source.loudspeakers import named
from streamify.media.source.sidedata import SideDataType, side_data

_INFO = struct.Struct("=i4x5d")
"""AVDownmixInfo: preferred type, then the levels: centre, centre Lt/Rt, surround, surround Lt/Rt, LFE."""


class Mixer:
    """Mixes frames of any layout, also of layouts that change midway.

    Frames that are in the output's layout already are passed through untouched.

    Args:
        layout: FFmpeg's name of the output's layout.
        channels: How many it has.
        gain: Factor for all of them.
    """

    def __init__(self, layout: str, channels: int, gain: float = 1.0) -> None:
        self._layout, self._channels, self._gain = layout, channels, gain
        self._levels = Levels()
        self._told: tuple[str, ...] = ()
        self._key: object = None
        self._graph: _Graph | None = None

    def told(self, names: tuple[str, ...]) -> None:
        """Take what the channels of the stream are called, whose frames are without names."""
        self._told, self._key = names, None

    def __call__(self, frame: AudioFrame) -> AudioFrame:
        """Return a frame of the same samples in the output's channels, at the same time."""
        if frame.layout.name == self._layout and self._gain == 1:
            return frame
        self._levels = _levels(frame) or self._levels
        key = (frame.layout.name, frame.format.name, frame.sample_rate, self._levels)
        if key != self._key:
            self._graph, self._key = self._open(frame), key
        assert self._graph is not None
        pts, time_base = frame.pts, frame.time_base
        frame.pts, frame.time_base = None, Fraction(1, frame.sample_rate)
        self._graph.source.push(frame)
        mixed = cast("AudioFrame", self._graph.sink.pull())
        mixed.pts = pts
        if time_base is not None:
            mixed.time_base = time_base
        return mixed

    def _open(self, frame: AudioFrame) -> _Graph:
        names = named([channel.name for channel in frame.layout.channels], self._told)
        same = frame.layout.name == self._layout
        rows = _identity(self._channels) if same else matrix(names, self._channels, self._levels)
        graph = Graph()
        source = graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format,
            layout=frame.layout,
            time_base=Fraction(1, frame.sample_rate),
        )
        sink = graph.add("abuffersink")
        pan = graph.add("pan", "|".join([self._layout, *self._terms(rows)]))
        graph.link_nodes(source, graph.add("aformat", "sample_fmts=fltp"), pan, sink).configure()
        return _Graph(graph, source, sink)

    def _terms(self, rows: Iterable[Row]) -> Iterable[str]:
        for number, row in enumerate(rows):
            taken = [f"{self._gain * value:.9f}*c{at}" for at, value in enumerate(row) if value]
            yield f"c{number}={'+'.join(taken) or '0*c0'}"


class _Graph(NamedTuple):
    graph: Graph
    """Its contexts do not keep it alive."""
    source: FilterContext
    sink: FilterContext


def _identity(channels: int) -> tuple[Row, ...]:
    return tuple(tuple(float(row == column) for column in range(channels)) for row in range(channels))


def _levels(frame: AudioFrame) -> Levels | None:
    """Return the levels that a stream carries (AC-3 and E-AC-3 do); ``None``: the frame says none."""
    for side in side_data(frame):
        data = bytes(side)
        if side.type == SideDataType.DOWNMIX_INFO and len(data) >= _INFO.size:
            _, centre, _, surround, _, lfe = _INFO.unpack_from(data)
            return Levels.given(centre, surround, lfe)
    return None
