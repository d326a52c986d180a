"""Two channels of any sound, for comparing: mixed to stereo by FFmpeg, or two channels of 5.1."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import cast

from av.audio.frame import AudioFrame
from av.filter import Graph
from av.filter.context import FilterContext

from streamify.media.audio.mixing import Mixer

Pair = tuple[str, str]
"""FFmpeg's names of two channels."""

PAIRS: tuple[Pair, ...] = (("FL", "FR"), ("FC", "LFE"), ("SL", "SR"))
"""The channels of 5.1."""
SURROUND = {"FL": "FL", "FR": "FR", "FC": "FC", "LFE": "LFE", "BL": "SL", "BR": "SR", "SL": "SL", "SR": "SR"}
"""The channels of 5.1 under all of their names."""
MIXED = ("FL", "FR", "FC", "LFE", "BL", "BR", "BC", "SL", "SR")
"""Channels that FFmpeg's resampler mixes to stereo by ITU-R BS.775, where left and right are among them."""


class StereoMix:
    """Mixes frames of any layout to stereo, by FFmpeg's own resampler where it can."""

    def __init__(self) -> None:
        self._mixer = Mixer("stereo", 2)
        self.told = self._mixer.told
        self._graphs = _Graphs()

    def __call__(self, frame: AudioFrame) -> AudioFrame:
        """Return a frame of the same samples in stereo."""
        names = [channel.name for channel in frame.layout.channels]
        if len(names) == 1:
            return self._graphs.run(frame, "pan=stereo|c0=c0|c1=c0")
        if len(names) > 3 and {"FL", "FR"} <= set(names) <= set(MIXED):
            # No more than 1 in all, as in the renditions: nothing clips.
            return self._graphs.run(frame, "aresample=rematrix_maxval=1:out_chlayout=stereo")
        return self._mixer(frame)


class PairMix:
    """Takes two channels of 5.1; of other layouts, what the renditions take for them."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._mixer = Mixer("5.1(side)", 6)
        self.told = self._mixer.told
        self._graphs = _Graphs()

    def __call__(self, frame: AudioFrame) -> AudioFrame:
        """Return a frame of the same samples with two channels."""
        names = _surround(frame)
        if names is None:
            frame = self._mixer(frame)
            names = _surround(frame)
        assert names is not None
        first, second = (names.index(one) for one in self._pair)
        # Encoders cut the bass channel off at about 120 Hz.
        bass = ("lowpass=f=60:c=FR",) * 3 if "LFE" in self._pair else ()
        return self._graphs.run(frame, f"pan=stereo|c0=c{first}|c1=c{second}", *bass)


class ChannelMix:
    """Takes a mono stream that is one channel of a programme, for both sides.

    Args:
        name: FFmpeg's name of the channel.
    """

    def __init__(self, name: str) -> None:
        self._filters = ("pan=stereo|c0=c0|c1=c0", *(("lowpass=f=60",) * 3 if name == "LFE" else ()))
        self._graphs = _Graphs()

    def __call__(self, frame: AudioFrame) -> AudioFrame:
        """Return a frame of the same samples with two channels."""
        return self._graphs.run(frame, *self._filters)


def _surround(frame: AudioFrame) -> Sequence[str] | None:
    """Return the channels of a frame of 5.1 in its order; ``None``: it has others."""
    names = [SURROUND.get(channel.name, "") for channel in frame.layout.channels]
    return names if sorted(names) == sorted(set(SURROUND.values())) else None


class _Graphs:
    """Filters one after another, built anew where frames change."""

    def __init__(self) -> None:
        self._key: object = None
        self._graph: Graph | None = None
        self._ends: tuple[FilterContext, FilterContext] | None = None

    def run(self, frame: AudioFrame, *filters: str) -> AudioFrame:
        key = filters, frame.layout.name, frame.format.name, frame.sample_rate
        if key != self._key or self._ends is None:
            self._graph = graph = Graph()
            entry = graph.add_abuffer(
                sample_rate=frame.sample_rate, format=frame.format, layout=frame.layout,
                time_base=Fraction(1, frame.sample_rate),
            )  # fmt: skip
            exit_ = graph.add("abuffersink")
            nodes = [graph.add(name, options) for name, _, options in (one.partition("=") for one in filters)]
            graph.link_nodes(entry, graph.add("aformat", "sample_fmts=fltp"), *nodes, exit_).configure()
            self._key, self._ends = key, (entry, exit_)
        frame.pts, frame.time_base = None, Fraction(1, frame.sample_rate)
        self._ends[0].push(frame)
        return cast("AudioFrame", self._ends[1].pull())
