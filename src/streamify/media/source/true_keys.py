"""Whether decoding may begin where a container says so, for codecs whose bitstream is not read. By trial."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import BinaryIO, cast

from av.codec.codec import Codec
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamify.bitstream.readers import is_read
from streamify.media.planes import packed
from streamify.media.source.beginning import VideoStart
from streamify.media.source.opening import open_media
from streamify.media.source.palette import INDEXED, read_palette, with_palette
from streamify.media.source.reading import UnreadableError, decode, decoder, read_packets
from streamify.model.source import Note
from streamify.mp4.samples import Samples

PICTURES = 120
"""Pictures decoded at most, from the first one on."""
PIXELS, FEWEST = 250_000_000, 8
"""Pixels of these, and as many of them however large they are."""
ALONE = frozenset({"png"})
"""Codecs whose pictures need no other, of which FFmpeg does not say so."""
TRIED = 3
"""Keyframes among them at which decoding is begun."""


def with_true_keys(file: BinaryIO, seen: VideoStart, samples: Samples, notes: list[Note]) -> Samples:
    """Return the packets of a stream, only the first of them a keyframe where others are none although marked so.

    Some writers mark every picture as one. Of H.264 and other codecs that are read the bitstream says it.

    Args:
        file: The source.
        seen: What its beginning told.
        samples: The packets, with the marks of the container.
        notes: Receives what is said of it.
    """
    name = seen.codec.name
    if is_read(name) or name in ALONE or Codec(name, "r").intra_only or len(samples.keys) < 2:
        return samples
    most = max((pictures_tried(one.width, one.height) for one in seen.start.pictures[:1]), default=0)
    near = [number for number in samples.keys[1:most] if number < most]
    chosen = sorted({near[step * (len(near) - 1) // (TRIED - 1)] for step in range(TRIED)}) if near else []
    if not chosen:
        return samples
    through = _decoded(file, seen, 0, chosen[-1] + 1)
    if all(_same(through, samples.pts[number], _decoded(file, seen, number, number + 1)) for number in chosen):
        return samples
    what = "every task decodes from the first picture on"
    why = "pictures that the container marks as keyframes cannot be decoded without those before them"
    notes.append(Note(kind="info", what=what, why=why))
    return replace(samples, keys=array("q", samples.keys[:1]))


def pictures_tried(width: int, height: int) -> int:
    """Return how many pictures of a size are decoded at most."""
    return max(FEWEST, min(PICTURES, PIXELS // (width * height)))


def _same(through: dict[int | None, bytes], time: int, alone: dict[int | None, bytes]) -> bool:
    """Whether a picture is the same by itself as behind all others; where either has no such time, it is not told."""
    return time not in through or time not in alone or through[time] == alone[time]


def _decoded(file: BinaryIO, seen: VideoStart, first: int, stop: int) -> dict[int | None, bytes]:
    """Return hashes of the pictures in packets `first` to `stop` (exclusive), decoded by themselves, by their time."""
    with open_media(file) as container:
        video = cast("VideoStream", container.streams[seen.stream])
        context = decoder(video)
        full = (packet for packet in read_packets(container, video) if packet.size)
        packets: Iterator[Packet[VideoStream]] = islice(full, first, stop)
        if first and context.pix_fmt == INDEXED:
            packets = with_palette(packets, read_palette(file, seen.stream))
        found: dict[int | None, bytes] = {}
        try:
            for packet in packets:
                found.update((frame.pts, _hash(frame)) for frame in decode(context, packet))
        except UnreadableError:
            return found
        found.update((frame.pts, _hash(frame)) for frame in decode(context, None))
        return found


def _hash(frame: VideoFrame) -> bytes:
    shown = frame.reformat(format="yuv420p", src_colorspace=1, dst_colorspace=1)  # whatever the tags: some are refused
    return hashlib.blake2b(b"".join(map(packed, shown.planes)), digest_size=16).digest()
