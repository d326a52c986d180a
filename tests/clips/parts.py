"""Films whose pictures change midway: size, aspect, rotation, pixel format. Each part is grey with a bright corner.

A part is made by the system's FFmpeg or by PyAV; parts are joined as recorders and editors join them.
"""

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

GREY, BRIGHT = 120, 220
Gray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Stretch:
    """Pictures that are alike."""

    width: int
    height: int
    aspect: Fraction = Fraction(1)
    """Of a pixel."""
    pixels: str = "yuv420p"
    rotate: int = 0
    """Degrees clockwise that a message in the bitstream turns it by (H.264)."""
    count: int = 25


def frames(part: Stretch, first: int) -> list[av.VideoFrame]:
    """Return the pictures of a part, numbered from `first`."""
    luma = np.full((part.height * 3 // 2, part.width), 128, np.uint8)
    luma[: part.height] = GREY
    luma[: part.height // 4, : part.width // 4] = BRIGHT
    found = []
    for number in range(part.count):
        frame = av.VideoFrame.from_ndarray(luma, format="yuv420p").reformat(format=part.pixels)
        frame.pts, frame.time_base = first + number, Fraction(1, 25)
        found.append(frame)
    return found


def mux(out: Path, parts: Sequence[Stretch], encoder: str, muxer: str, options: dict[str, str], gop: int = 12) -> Path:
    """Write the parts into one stream of one file: each from an encoder of its own."""
    with av.open(str(out), "w", format=muxer) as container:
        stream: VideoStream | None = None
        first = 0
        for part in parts:
            context = av.CodecContext.create(encoder, "w")
            assert isinstance(context, av.VideoCodecContext)
            context.width, context.height, context.pix_fmt = part.width, part.height, part.pixels
            context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
            context.sample_aspect_ratio = part.aspect
            context.options, context.thread_count, context.gop_size = options, 1, gop
            context.open()
            if stream is None:
                added = container.add_stream(encoder, rate=25)
                assert isinstance(added, VideoStream)
                stream = added
                stream.width, stream.height, stream.pix_fmt = part.width, part.height, part.pixels
                stream.codec_context.sample_aspect_ratio = part.aspect
                stream.codec_context.options = options
            for frame in [*frames(part, first), None]:
                for packet in context.encode(frame):
                    packet.stream = stream
                    packet.time_base = Fraction(1, 25)
                    container.mux(packet)
            first += part.count
    return out


def join(out: Path, parts: Sequence[Stretch], encoder: str, suffix: str, *options: str) -> Path:
    """Write each part into a file of its own with the system's FFmpeg, and lay the files end to end."""
    joined, seconds = b"", 0.0
    for number, part in enumerate(parts):
        raw = out.with_suffix(f".{number}.mkv")
        mux(raw, [part], "ffv1", "matroska", {})
        piece = out.with_suffix(f".{number}.{suffix}")
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(raw), "-c:v", encoder, "-g", "12"]
        command += ["-pix_fmt", part.pixels, "-aspect", str(float(part.aspect * part.width / part.height))]
        command += ["-output_ts_offset", str(10 + seconds), *options]
        subprocess.run([*command, str(piece)], check=True, timeout=60)
        data = piece.read_bytes()
        joined += data[13:] if suffix == "flv" and number else data
        seconds += part.count / 25
    out.write_bytes(joined)
    return out


def turned(out: Path, parts: Sequence[Stretch]) -> Path:
    """Write H.264 into one MKV; a message in the keyframes of each part says how it is to be turned."""
    with av.open(str(out), "w", format="matroska") as container:
        stream: VideoStream | None = None
        first = 0
        for number, part in enumerate(parts):
            options = {"preset": "ultrafast", "crf": "12"}
            piece = mux(out.with_suffix(f".{number}.mp4"), [part], "libx264", "mp4", options, gop=part.count)
            if part.rotate:
                piece, plain = out.with_suffix(f".{number}.turned.mp4"), piece
                bsf = f"h264_metadata=display_orientation=insert:rotate={-part.rotate % 360}"
                command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(plain), "-c", "copy", "-bsf:v", bsf]
                subprocess.run([*command, str(piece)], check=True, timeout=60)
            with av.open(str(piece)) as source:
                given = source.streams.video[0]
                if stream is None:
                    stream = container.add_stream_from_template(given)
                for packet in source.demux(given):
                    if packet.size:
                        assert packet.pts is not None
                        assert packet.time_base is not None
                        packet.pts = packet.dts = packet.pts + round(first / 25 / packet.time_base)
                        packet.stream = stream
                        container.mux(packet)
            first += part.count
    return out


def grey_pictures(path: Path) -> list[Gray]:
    """Return the luma of every picture that the system's FFmpeg decodes of a stream; limited range."""
    probe = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height"]
    probe += ["-of", "csv=p=0"]
    text = subprocess.run([*probe, str(path)], check=True, capture_output=True, text=True, timeout=60).stdout
    width, height = map(int, text.split()[0].split(",")[:2])
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v:0", "-vsync", "passthrough"]
    command += ["-pix_fmt", "yuv420p", "-f", "rawvideo", "-"]
    data = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    planes = np.frombuffer(data, np.uint8).reshape(-1, height * 3 // 2, width)
    return [plane[:height] for plane in planes]


def box_of(picture: Gray) -> tuple[int, int, int, int]:
    """Return left, top, width and height of what is not black."""
    rows, columns = np.nonzero((picture > 60).any(axis=1))[0], np.nonzero((picture > 60).any(axis=0))[0]
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def corner_of(picture: Gray) -> str:
    """Return in which corner of what is not black it is bright."""
    left, top, width, height = box_of(picture)
    inner = picture[top : top + height, left : left + width]
    places = {
        "top left": inner[: height // 5, : width // 5],
        "top right": inner[: height // 5, -(width // 5) :],
        "bottom left": inner[-(height // 5) :, : width // 5],
        "bottom right": inner[-(height // 5) :, -(width // 5) :],
    }
    return max(places, key=lambda name: float(places[name].mean()))
