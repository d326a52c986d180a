"""The corpus that these tests read, and decoding by hand: what the code under test is compared with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

CORPUS = Path(os.environ.get("STREAMIFY_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))

REFUSED = {
    "bad_4byte.mp4": "source-not-media",
    "bad_malformed_free_box.mp4": "source-no-moov",
    "der_bad_html_named.mp4": "source-not-media",
    "der_bad_no_moov.mp4": "source-no-moov",
    "der_bad_truncated_bbb480.mp4": "source-truncated",
    "der_bad_zero_byte.mp4": "source-empty",
}

DAMAGED = {"bad_invalid_nalu.mp4", "der_bad_bitrot_flower.mp4"}
"""Decoded from another keyframe, a damaged stream shows other pictures; it must only not crash."""

UNDECODABLE = {"bad_invalid_nalu.mp4": 1}
"""How many pictures the index promises that no decoder gives: a damaged packet."""


def clips() -> list[Path]:
    """Return every file with a video stream that is not refused."""
    if not CORPUS.is_dir():
        return []
    ignored = {"README.md", "MANIFEST.tsv", "audio_coverart.m4a", "audio_only_aac_30s.mp4"}
    return [path for path in sorted(CORPUS.iterdir()) if path.name not in ignored | set(REFUSED)]


def decode(stream: VideoStream, packets: Iterator[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    """Decode packet by packet, on one thread, and go on after a damaged one."""
    stream.codec_context.thread_count = 1
    for packet in packets:
        try:
            yield from stream.codec_context.decode(packet if packet.size else None)
        except av.InvalidDataError:
            continue


def digest(frame: VideoFrame) -> str:
    """Return a hash of format, size and all visible samples, without what pads rows to the line size."""
    known = hashlib.md5(f"{frame.format.name} {frame.width}x{frame.height}".encode())
    width = (frame.format.components[0].bits + 7) // 8
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        known.update(rows[: plane.height, : plane.width * width].tobytes())
    return known.hexdigest()
