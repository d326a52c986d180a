"""Films whose colour description changes midway: the same four colours, each part in a description of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

SIDE = 64
"""Pixels of each of the four fields."""
COLOURS = ((190, 60, 60), (60, 170, 70), (60, 70, 190), (128, 128, 128))
"""R'G'B' in SDR of the fields, left to right."""
Pixels = npt.NDArray[np.uint8]

WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""Of red and blue in luma, by matrix (ITU-T H.273, table 4)."""


@dataclass(frozen=True)
class Tags:
    """A colour description by ITU-T H.273."""

    matrix: int
    transfer: int
    primaries: int
    full: bool = False
    silent: bool = False
    """Whether the bitstream does not say it."""


BT709, BT601 = Tags(1, 1, 1), Tags(6, 6, 1)
FULL709, FULL601 = Tags(1, 1, 1, full=True), Tags(6, 6, 1, full=True)
PQ, HLG = Tags(9, 16, 9), Tags(9, 18, 9)


def pq(light: float) -> float:
    """Return the PQ signal of a light, cd/m2 (SMPTE ST 2084)."""
    power = (light / 10_000) ** (2610 / 16384)
    return float(((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32))


def signal(colour: tuple[int, int, int], tags: Tags) -> tuple[float, float, float]:
    """Return R'G'B' in 0 to 1 under a description. Of HDR, grey of the same light as on an SDR display of 203 cd/m2."""
    if tags.transfer != 16:
        red, green, blue = (value / 255 for value in colour)
        return red, green, blue
    grey = pq(203 * (colour[1] / 255) ** 2.4)
    return grey, grey, grey


def frame(tags: Tags, number: int) -> av.VideoFrame:
    """Return a picture of four fields in yuv420p."""
    height = SIDE
    planes = [np.zeros((height, 4 * SIDE), np.uint8), *(np.zeros((height // 2, 2 * SIDE), np.uint8) for _ in range(2))]
    red_weight, blue_weight = WEIGHTS[tags.matrix]
    for place, colour in enumerate(COLOURS):
        red, green, blue = signal(colour, tags)
        luma = red_weight * red + (1 - red_weight - blue_weight) * green + blue_weight * blue
        chroma = (blue - luma) / (2 - 2 * blue_weight), (red - luma) / (2 - 2 * red_weight)
        codes = [luma * 255 if tags.full else 16 + 219 * luma]
        codes += [128 + (255 if tags.full else 224) * value for value in chroma]
        for plane, code in zip(planes, codes, strict=True):
            wide = plane.shape[1] // 4
            plane[:, place * wide : (place + 1) * wide] = round(code)
    found = av.VideoFrame.from_ndarray(
        np.concatenate([plane.reshape(-1) for plane in planes]).reshape(-1, 4 * SIDE), format="yuv420p"
    )
    found.pts, found.time_base = number, Fraction(1, 25)
    return found


def mux(out: Path, parts: Sequence[Tags], muxer: str, count: int = 25) -> Path:
    """Write parts of `count` pictures into one stream of H.264, each from an encoder of its own."""
    with av.open(str(out), "w", format=muxer) as container:
        stream: VideoStream | None = None
        for place, tags in enumerate(parts):
            context = av.CodecContext.create("libx264", "w")
            assert isinstance(context, av.VideoCodecContext)
            context.width, context.height, context.pix_fmt = 4 * SIDE, SIDE, "yuv420p"
            context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
            if not tags.silent:
                context.color_range = 2 if tags.full else 1
                context.colorspace, context.color_trc, context.color_primaries = (
                    tags.matrix,
                    tags.transfer,
                    tags.primaries,
                )
            context.options = {"preset": "ultrafast", "crf": "4"}
            context.thread_count, context.gop_size = 1, 12
            context.open()
            if stream is None:
                added = container.add_stream("libx264", rate=25)
                assert isinstance(added, VideoStream)
                stream = added
                stream.width, stream.height, stream.pix_fmt = 4 * SIDE, SIDE, "yuv420p"
                stream.codec_context.options = {"preset": "ultrafast", "crf": "4"}
            for one in [*(frame(tags, place * count + number) for number in range(count)), None]:
                for packet in context.encode(one):
                    packet.stream, packet.time_base = stream, Fraction(1, 25)
                    container.mux(packet)
    return out


def shown(playlist: Path) -> list[list[tuple[int, int, int]]]:
    """Return R'G'B' of the four fields of every picture, as the system's FFmpeg shows a rendition by its tags."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(playlist), "-vf", "scale=flags=accurate_rnd", "-f",
               "rawvideo", "-pix_fmt", "rgb24", "-"]  # fmt: skip
    raw = np.frombuffer(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout, np.uint8)
    pictures = raw.reshape(-1, SIDE, 4 * SIDE, 3)
    middles = [SIDE // 2 + SIDE * place for place in range(4)]
    return [[tuple(one[SIDE // 4 : -SIDE // 4, at - 8 : at + 8].mean(axis=(0, 1)).round().astype(int).tolist())
             for at in middles] for one in pictures]  # fmt: skip
