"""Films whose pictures carry any numbers in any order, in any container that FFmpeg writes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from streamify.media import testcard

SIZE = (320, 180)


def encode(
    out: Path,
    numbers: Sequence[int],
    encoder: str,
    muxer: str,
    options: Mapping[str, str],
    pixels: str = "yuv420p",
    rate: Fraction = Fraction(25),
) -> Path:
    """Write a film of `rate` pictures a second; the n-th carries ``numbers[n]``."""
    card = testcard.Card(*SIZE)
    with av.open(str(out), "w", format=muxer) as container:
        stream = container.add_stream(encoder, rate=rate, options=dict(options))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = pixels
        stream.codec_context.thread_count = 1
        for place, number in enumerate(numbers):
            planes = (card.luma(number, flash=False), *card.chroma)
            frame = testcard.picture(*SIZE, planes)
            if pixels != "yuv420p":
                frame = frame.reformat(format=pixels)
            frame.pts, frame.time_base = place, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out


def remux(source: Path, out: Path, *options: str) -> Path:
    """Copy the streams of a film into another container with the system's FFmpeg."""
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-y",
        "-i",
        str(source),
        "-map",
        "0",
        "-c",
        "copy",
        *options,
        str(out),
    ]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    return out


def without_composition_times(source: Path, out: Path) -> Path:
    """Hide the ctts box of an MP4, so that only the times of decoding are left, and the edit list that counts on it."""
    data = source.read_bytes()
    assert (data.count(b"ctts"), data.count(b"edts")) == (1, 1)
    out.write_bytes(data.replace(b"ctts", b"free").replace(b"edts", b"free"))
    return out
