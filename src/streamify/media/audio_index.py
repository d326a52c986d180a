"""Slices of a long MP4's audio: a task must not read the index of ten hours to encode five minutes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from typing import BinaryIO

import av

from streamify.isobmff import BoxError
from streamify.media.mp4_check import Witness, disagreement, parse_source, sample_entries
from streamify.media.mp4_slice import Slicer
from streamify.media.opening import open_media
from streamify.media.proof import reproduces
from streamify.media.samples import Order
from streamify.model.plan import AudioSlice, EntryPoint

PACKETS = 8
"""First packets that are compared with FFmpeg's."""


def audio_slices(
    file: BinaryIO, size: int, stream: int, windows: Sequence[tuple[Fraction, Fraction]]
) -> tuple[AudioSlice | None, ...]:
    """Return one slice for each window, or ``None`` where the whole file has to be opened.

    Args:
        file: The source.
        size: Its size, bytes.
        stream: Index of the audio stream.
        windows: What each slice must hold, seconds on the source's clock.

    Raises:
        SourceError: The file is cut off.
    """
    with open_media(file) as container:
        chosen = container.streams[stream]
        if not container.format.name.startswith("mov") or chosen.time_base is None:
            return (None,) * len(windows)
        time_base = chosen.time_base
        first = tuple((one.pts, one.pos, one.size) for one in islice(container.demux(chosen), PACKETS) if one.size)
        assert isinstance(chosen, av.AudioStream)
        witness = Witness(chosen.id, len(chosen.index_entries), sample_entries(chosen), first)
    try:
        index = parse_source(file, size, witness)
    except BoxError:
        return (None,) * len(windows)  # FFmpeg reads it its own way: tasks open the whole file
    if index is None or disagreement(index, witness):
        return (None,) * len(windows)
    cut = Slicer(index).cut
    if not reproduces(file, 0, Order(index.samples, index.shown, time_base), cut, sliced=True):
        return (None,) * len(windows)
    samples, slices = index.samples, []
    for start, end in windows:
        begin = max(0, bisect_right(samples.pts, int(start / time_base)) - 1)
        last = min(len(samples) - 1, bisect_left(samples.pts, int(end / time_base)))
        splice = cut(begin, max(begin, last))
        entry = EntryPoint(pts=samples.pts[begin], dts=samples.dts[begin])
        slices.append(AudioSlice(stream=stream, entry=entry, splice=splice) if splice is not None else None)
    return tuple(slices)
