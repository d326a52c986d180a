"""Films whose pictures and sound begin and end at different times, and whose pictures pause: in any container."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from streamify.media import testcard

SIZE = (214, 120)
RATE = 48_000

CODECS = {
    "mp4": ("libx264", {"bf": "2", "g": "24", "preset": "ultrafast", "b-pyramid": "none"}, "aac"),
    "mov": ("libx264", {"bf": "0", "g": "12", "preset": "ultrafast"}, "pcm_s16le"),
    "mkv": ("libx264", {"bf": "2", "g": "24", "preset": "ultrafast"}, "aac"),
    "webm": ("libvpx", {"g": "24", "deadline": "realtime", "cpu-used": "8"}, "libopus"),
    "ts": ("libx264", {"bf": "2", "g": "24", "preset": "ultrafast"}, "mp2"),
    "flv": ("libx264", {"bf": "0", "g": "24", "preset": "ultrafast"}, "aac"),
    "avi": ("mpeg4", {"g": "24"}, "mp3"),
}
"""By suffix: encoder of the pictures, its options, encoder of the sound."""


def film(
    out: Path,
    times: Sequence[Fraction],
    sound: tuple[Fraction, Fraction],
    *,
    last: Fraction = Fraction(1, 25),
    codec: tuple[str, Mapping[str, str], str] | None = None,
    options: Sequence[str] = (),
) -> Path:
    """Write a film; the n-th picture carries the number n.

    Args:
        out: Where; its suffix is the container.
        times: When each picture is shown, seconds.
        sound: When the sound, a sweep, begins and ends.
        last: How long the last picture is shown, seconds.
        codec: As in `CODECS`, where another one is wanted.
        options: More options of FFmpeg's muxer.
    """
    encoder, settings, sounds = codec or CODECS[out.suffix[1:]]
    pictures, wave = out.with_suffix(".pictures.mkv"), out.with_suffix(".wav")
    _pictures(pictures, times, last, encoder, settings)
    begin, end = sound
    sweep = f"aevalsrc='0.4*sin(2*PI*(300*t+40*t*t))':s={RATE}:d={float(end - begin)}"
    _ffmpeg("-f", "lavfi", "-i", sweep, str(wave))
    offset = min(times[0], begin)
    _ffmpeg(
        "-itsoffset", f"{float(times[0] - offset):.6f}", "-i", str(pictures),
        "-itsoffset", f"{float(begin - offset):.6f}", "-i", str(wave),
        "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", sounds, "-strict", "-2", *options, str(out),
    )  # fmt: skip
    return out


def _pictures(out: Path, times: Sequence[Fraction], last: Fraction, encoder: str, options: Mapping[str, str]) -> None:
    card = testcard.Card(*SIZE)
    scale = 1000  # Matroska's own
    with av.open(str(out), "w", format="matroska") as container:
        stream = container.add_stream(encoder, rate=25, options=dict(options))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, 25) if encoder == "mpeg4" else Fraction(1, scale)
        base = stream.codec_context.time_base
        for number, time in enumerate(times):
            frame = testcard.picture(*SIZE, (card.luma(number, flash=False), *card.chroma))
            frame.pts, frame.time_base = round((time - times[0]) / base), base
            following = times[number + 1] if number + 1 < len(times) else time + last
            frame.duration = round((following - time) / base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decoded(path: Path, begin: float = 0) -> np.ndarray:
    """Return the sound of a file or playlist as the system's FFmpeg decodes it: mono, 48 kHz, from time 0 on."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-copyts", "-i", str(path), "-map", "0:a:0", "-af",
               f"aresample={RATE}:async=1:first_pts={round(begin * RATE)},atrim=start={begin}", "-ac", "1",
               "-f", "f32le", "-"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    return np.frombuffer(done.stdout, np.float32)


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], check=True, timeout=60, capture_output=True)
