"""Slices of a long MP4's audio: a task must not read the index of ten hours to encode five minutes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import BinaryIO

import av
from av.container import InputContainer

from streamify.media.source.proof import Cut, reproduces
from streamify.media.source.reading import read_packets, seek_to
from streamify.media.source.witness import Witness, disagreement, parse_source, sample_entries
from streamify.model.plan import AudioSlice, EntryPoint
from streamify.mp4.boxes import BoxError
from streamify.mp4.samples import Order, Samples
from streamify.mp4.slice import Slicer

PACKETS = 8
"""First packets that are compared with FFmpeg's."""


@dataclass(frozen=True)
class Sound:
    """What is learnt of an audio stream from an opened MP4/MOV."""

    time_base: Fraction
    """Seconds per tick."""
    witness: Witness


def hear(container: InputContainer, stream: int) -> Sound | None:
    """Take what `audio_slices` needs from an open container; ``None``: not MP4/MOV.

    Goes back to the stream's start, so other streams may have been read before.
    """
    chosen = container.streams[stream]
    if not container.format.name.startswith("mov") or chosen.time_base is None:
        return None
    assert isinstance(chosen, av.AudioStream)
    entries = chosen.index_entries
    if len(entries) and not seek_to(container, entries[0].timestamp, chosen):
        return None
    first = tuple((one.pts, one.pos, one.size) for one in islice(read_packets(container, chosen), PACKETS) if one.size)
    return Sound(chosen.time_base, Witness(chosen.id, len(entries), sample_entries(chosen), first))


@dataclass(frozen=True)
class SoundIndex:
    """The packets of an audio stream, and how slices of it are cut."""

    stream: int
    """Index of the audio stream."""
    time_base: Fraction
    """Seconds per tick."""
    samples: Samples
    cut: Cut


def read_sound(file: BinaryIO, size: int, stream: int, sound: Sound) -> SoundIndex | None:
    """Read the index of an audio stream; ``None``: no slices can be cut, and tasks open the whole file.

    Args:
        file: The source.
        size: Its size, bytes.
        stream: Index of the audio stream.
        sound: From `hear`.
    """
    time_base, witness = sound.time_base, sound.witness
    try:
        index = parse_source(file, size, witness)
    except BoxError:
        return None  # FFmpeg reads it its own way
    if index is None or index.edit.parts or disagreement(index, witness):
        return None
    cut = Slicer(index).cut
    if not reproduces(file, 0, Order(index.samples, index.shown, time_base), cut, sliced=True):
        return None
    return SoundIndex(stream, time_base, index.samples, cut)


def audio_slices(index: SoundIndex, windows: Sequence[tuple[Fraction, Fraction]]) -> tuple[AudioSlice | None, ...]:
    """Return one slice for each window, or ``None`` where the whole file has to be opened.

    Args:
        index: Of the stream.
        windows: What each slice must hold, seconds on the source's clock.
    """
    samples, time_base, slices = index.samples, index.time_base, []
    for start, end in windows:
        begin = max(0, bisect_right(samples.pts, int(start / time_base)) - 1)
        last = min(len(samples) - 1, bisect_left(samples.pts, int(end / time_base)))
        splice = index.cut(begin, max(begin, last))
        entry = EntryPoint(pts=samples.pts[begin], dts=samples.dts[begin])
        slices.append(AudioSlice(stream=index.stream, entry=entry, splice=splice) if splice is not None else None)
    return tuple(slices)
