"""Comparing our reading of an MP4's index with FFmpeg's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from streamify.errors import SourceError
from streamify.mp4.boxes import BoxError
from streamify.mp4.index import HiddenError, Mp4Index, parse
from streamify.mp4.movie import read_layout, read_track
from streamify.mp4.parts import arrange

COMPARED = 1000
"""Index entries compared: the first and last hundred, the rest spread over the file."""


@dataclass(frozen=True)
class Witness:
    """What FFmpeg says about a track."""

    track_id: int
    entries: int
    """Number of index entries."""
    sample: tuple[tuple[int, int, int, int, bool], ...]
    """Entry number, position, size, decode time and whether it is a keyframe."""
    packets: tuple[tuple[int | None, int | None, int], ...]
    """Presentation time, position and size of the first packets."""


def sample_entries(stream: VideoStream | AudioStream) -> tuple[tuple[int, int, int, int, bool], ...]:
    """Take a bounded sample of FFmpeg's index: number, position, size, decode time, keyframe."""
    entries = stream.index_entries
    count = len(entries)
    edge = COMPARED // 10
    step = max(1, count // (COMPARED - 2 * edge))
    numbers = sorted({*range(min(edge, count)), *range(0, count, step), *range(max(0, count - edge), count)})
    chosen = ((number, entries[number]) for number in numbers)
    return tuple((number, one.pos, one.size, one.timestamp, bool(one.is_keyframe)) for number, one in chosen)


def parse_source(file: BinaryIO, size: int, witness: Witness) -> Mp4Index | None:
    """Parse the track's index; ``None`` where the movie is fragmented.

    Raises:
        OddTableError: The index needs FFmpeg's own reading.
        BoxError: It is damaged.
    """
    layout = read_layout(file, size)
    if layout.first(b"moof") is not None:
        return None
    track = read_track(file, layout, witness.track_id)
    if track is None:
        return None
    return parse(track, size)


def hidden(error: HiddenError) -> SourceError:
    """Return the error of a source whose edit list shows no picture."""
    return SourceError(
        "no-pictures",
        f"none of its pictures is shown: {error}",
        "leave out the edit list: ffmpeg -ignore_editlist 1 -i SOURCE -map 0 -c copy OUT.mp4",
    )


def refuse_hidden(file: BinaryIO, size: int, witness: Witness) -> None:
    """Refuse an MP4 whose edit list shows none of its pictures, with that reason.

    Raises:
        SourceError: ``no-pictures``; ``source-truncated``.
    """
    try:
        index = parse_source(file, size, witness)
        if index is not None and index.edit.parts:
            arrange(index)
    except HiddenError as error:
        raise hidden(error) from error
    except BoxError:
        return  # something else is wrong


def disagreement(index: Mp4Index, witness: Witness) -> str | None:
    """Return where FFmpeg reads the index differently, or ``None``."""
    if not witness.sample:
        return "FFmpeg made no index of it"
    samples = index.samples
    # FFmpeg's index begins at the keyframe before the edit: its first packet tells which sample that is.
    begin = witness.packets[0][0] if witness.packets else None
    if begin is None or begin not in samples.pts:
        return "FFmpeg gives the first packet another time"
    first = samples.pts.index(begin)
    if first + witness.entries > len(samples) + index.lost:
        return f"FFmpeg finds {witness.entries} samples"
    delta = witness.sample[0][3] - samples.dts[first]
    # Only in front of the edit, where nothing is shown, FFmpeg may space decode times differently.
    for number, position, size, dts, key in witness.sample:
        ours = first + number
        if ours >= len(samples):
            break  # beyond the end of the file
        if index.offset(ours) != position or samples.sizes[ours] != size:
            return f"FFmpeg finds sample {ours} at byte {position} with {size} bytes"
        if dts - samples.dts[ours] != delta:
            return f"FFmpeg gives sample {ours} another decode time"
        if samples.is_key(ours) and not key:
            return f"sample {ours} is no keyframe for FFmpeg"
    for number, packet in enumerate(witness.packets):
        ours = first + number
        if ours >= len(samples):
            break
        if packet != (samples.pts[ours], index.offset(ours), samples.sizes[ours]):
            return f"FFmpeg gives packet {number} another time or place"
    shown = index.edit.first
    outside = [n for n in (first - 1, first + witness.entries) if 0 <= n < len(samples)]
    for number in outside:
        composed = samples.pts[number] - index.edit.shift
        if composed >= shown and (index.edit.end is None or composed < index.edit.end):
            return f"FFmpeg leaves out sample {number}"
    return None
