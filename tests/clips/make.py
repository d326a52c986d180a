"""Makes small sources of every shape: rates, GOP structures, containers, offsets, rotation, fields.

Clip time 0 is the first picture. Picture `n` carries number `n`; at every whole second of clip time the picture on the
screen flashes and a beep starts, whatever the offsets between the streams are.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from fractions import Fraction
from math import ceil, lcm
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from streamify.media import testcard

Samples = npt.NDArray[np.float32]

RATES = tuple(Fraction(r) for r in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"))

MUXERS = {"mp4": "mp4", "fmp4": "mp4", "mov": "mov", "mkv": "matroska", "ts": "mpegts"}


@dataclass(frozen=True)
class ClipSpec:
    """What to make. Equal specs give one file."""

    seconds: Fraction = Fraction(4)
    rate: Fraction = Fraction(25)
    pts: tuple[int, ...] | None = None
    """Variable rate: presentation times in ticks of `time_base`, from 0, and as the last entry the end of the clip."""
    time_base: Fraction = Fraction(1, 90000)
    """Only with `pts`."""
    size: tuple[int, int] = (256, 144)
    """As displayed, with the rotation applied and before the sample aspect ratio."""
    container: Literal["mp4", "fmp4", "mov", "mkv", "ts"] = "mp4"
    codec: str = "libx264"
    crf: int = 20
    gop: int = 50
    """Pictures from keyframe to keyframe."""
    bframes: int = 0
    pyramid: bool = False
    open_gop: bool = False
    rotation: Literal[0, 90, 180, 270] = 0
    """How far the player turns the stored picture counter-clockwise to show it upright."""
    sar: Fraction = Fraction(1)
    interlaced: bool = False
    """Top field first; the moving band differs between the fields."""
    start: Fraction = Fraction(0)
    """When the first picture is shown on the container's clock."""
    audio: Literal["beep", "sweep"] | None = "beep"
    audio_codec: str = "aac"
    audio_rate: int = 48000
    audio_offset: Fraction = Fraction(0)
    """Start of the audio in clip time, rounded to whole samples."""
    video: bool = True


@dataclass(frozen=True)
class Clip:
    """A finished clip and the truth about it."""

    path: Path
    spec: ClipSpec
    times: tuple[Fraction, ...]
    """When picture `n` is shown, clip time."""
    end: Fraction
    """End of the last picture, clip time."""
    flashes: tuple[Fraction, ...] = field(default=())
    """When the flashing pictures are shown, clip time: at or before their second, less than one picture."""

    @property
    def frames(self) -> int:
        """How many pictures there are."""
        return len(self.times)

    @property
    def beeps(self) -> tuple[Fraction, ...]:
        """When beeps start, clip time: those that lie within the audio."""
        first = max(0, ceil(self.spec.audio_offset))
        return tuple(Fraction(n) for n in range(first, ceil(self.end)))


def truth(spec: ClipSpec, path: Path) -> Clip:
    """Return what a clip of `spec` holds, without making it."""
    if spec.pts is None:
        count = max(1, round(spec.seconds * spec.rate))
        edges = [n / spec.rate for n in range(count + 1)]
    else:
        edges = [tick * spec.time_base for tick in spec.pts]
    spans = itertools.pairwise(edges)
    flashes = tuple(a for a, b in spans if testcard.holds_second(a, b))
    return Clip(path, spec, tuple(edges[:-1]), edges[-1], flashes)


def make_clip(spec: ClipSpec, folder: Path) -> Clip:
    """Make the clip in `folder`, or find it there; safe for several processes at once."""
    text = repr([(f.name, getattr(spec, f.name)) for f in fields(spec)])
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    suffix = "mp4" if spec.container == "fmp4" else spec.container
    clip = truth(spec, folder / f"{key}.{suffix}")
    if not clip.path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        scratch = clip.path.with_name(f"{key}.{os.getpid()}.part")
        _write(clip, scratch)
        with suppress(FileExistsError):  # another process was first, and its clip may be in use
            os.link(scratch, clip.path)
        scratch.unlink()
    return clip


def sweep(rate: int, samples: int, low: float = 100, high: float = 6000, level: float = 0.4) -> Samples:
    """Return a logarithmic sine sweep: at every moment one tone, so whatever else is heard is an error."""
    t = np.arange(samples) / max(1, samples)
    ratio = np.log(high / low)
    phase = 2 * np.pi * low * samples / rate / ratio * np.expm1(t * ratio)
    wave: Samples = (level * np.sin(phase)).astype(np.float32)
    return wave


def beeps(rate: int, samples: int, first: int) -> Samples:
    """Return `samples` samples whose first lies `first` samples after clip time 0; a beep at every second."""
    tone = np.asarray(testcard.beep(rate), dtype=np.float32)
    place = np.arange(first, first + samples) % rate
    second = np.zeros(rate, dtype=np.float32)
    second[: len(tone)] = tone
    out: Samples = second[place]
    out[: max(0, -first)] = 0  # nothing flashes before the first picture
    return out


def source_sound(clip: Clip) -> Samples:
    """Return the audio of a clip as it was before encoding, mono."""
    rate = clip.spec.audio_rate
    first = round(clip.spec.audio_offset * rate)
    samples = ceil(clip.end * rate) - first
    return sweep(rate, samples) if clip.spec.audio == "sweep" else beeps(rate, samples, first)


def _write(clip: Clip, out: Path) -> None:
    spec = clip.spec
    options = {"movflags": "+frag_keyframe+delay_moov+default_base_moof"} if spec.container == "fmp4" else {}
    if MUXERS[spec.container] in (
        "mp4",
        "mov",
    ):  # empty edits count in these ticks; the default of 1000 moves the sound
        options["movie_timescale"] = str(lcm(spec.audio_rate, 90000))
    with av.open(str(out), "w", format=MUXERS[spec.container], options=options) as container:
        sources: list[tuple[VideoStream | AudioStream, Iterator[av.VideoFrame] | Iterator[av.AudioFrame]]] = []
        durations: dict[int, int] = {}
        video: VideoStream | None = None
        if spec.video:
            video = _video_stream(container, spec)
            sources.append((video, _pictures(clip, durations)))
        if spec.audio:
            audio = container.add_stream(spec.audio_codec, rate=spec.audio_rate)
            assert isinstance(audio, AudioStream)
            audio.layout = "stereo"
            if spec.audio_codec == "aac":
                audio.codec_context.bit_rate = 160_000
            sources.append((audio, _sounds(clip)))
        heads = [next(frames, None) for _, frames in sources]
        while any(head is not None for head in heads):
            times = [None if head is None else (head.pts or 0) * (head.time_base or 1) for head in heads]
            turn = min((time, index) for index, time in enumerate(times) if time is not None)[1]
            stream, frames = sources[turn]
            container.mux(_timed(stream.encode(heads[turn]), stream is video, durations))  # type: ignore[arg-type]
            heads[turn] = next(frames, None)
        for stream, _ in sources:
            container.mux(_timed(stream.encode(None), stream is video, durations))


def _timed(packets: list[Any], video: bool, durations: dict[int, int]) -> list[Any]:
    if video:
        for packet in packets:
            packet.duration = durations[packet.pts or 0]
    return packets


def _video_stream(container: av.container.OutputContainer, spec: ClipSpec) -> VideoStream:
    rate = spec.rate if spec.pts is None else Fraction(30)
    stream = container.add_stream(spec.codec, rate=rate)
    assert isinstance(stream, VideoStream)
    width, height = spec.size if spec.rotation in (0, 180) else spec.size[::-1]
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    context = stream.codec_context
    context.sample_aspect_ratio = spec.sar
    context.time_base = spec.time_base if spec.pts is not None else 1 / spec.rate
    context.gop_size, context.max_b_frames = spec.gop, spec.bframes
    context.thread_count = 1
    if spec.codec == "libx264":
        params = {
            "keyint": spec.gop,
            "min-keyint": max(1, spec.gop // 2),
            "scenecut": 0,
            "open-gop": int(spec.open_gop),
            "bframes": spec.bframes,
            "b-adapt": 0,
            "b-pyramid": "normal" if spec.pyramid else "none",
        }
        context.options = {"preset": "ultrafast", "crf": str(spec.crf)}
        if spec.interlaced:
            params["tff"] = 1
            context.options |= {"flags": "+ildct+ilme", "field_order": "tt"}
        context.options |= {"x264-params": ":".join(f"{k}={v}" for k, v in params.items())}
    elif spec.codec == "libx265":
        params = {"keyint": spec.gop, "bframes": spec.bframes, "open-gop": int(spec.open_gop), "log-level": "none"}
        params |= {"pools": "none", "frame-threads": 1, "scenecut": 0}
        context.options = {"preset": "ultrafast"}
        context.options |= {"x265-params": ":".join(f"{k}={v}" for k, v in params.items())}
    elif spec.codec == "mpeg2video":
        context.options = {"q:v": "4", "qmax": "6"} | ({"flags": "+ildct+ilme"} if spec.interlaced else {})
    if spec.rotation:
        stream.set_display_rotation(spec.rotation)
    return stream


def _pictures(clip: Clip, durations: dict[int, int]) -> Iterator[av.VideoFrame]:
    spec = clip.spec
    card = testcard.Card(*spec.size)
    base = spec.time_base if spec.pts is not None else 1 / spec.rate
    shift = spec.start / base
    origin = round(shift)
    edges = [round(time / base) for time in (*clip.times, clip.end)]
    turns = spec.rotation // 90
    for number, tick in enumerate(edges[:-1]):
        flash = clip.times[number] in clip.flashes
        planes = [_plane(card.luma(number, flash), spec.size)]
        if spec.interlaced:
            planes[0] = _plane(card.luma(number, flash, 2 * number), spec.size).copy()
            planes[0][1::2] = _plane(card.luma(number, flash, 2 * number + 1), spec.size)[1::2]
        planes += [_plane(chroma, (spec.size[0] // 2, spec.size[1] // 2)) for chroma in card.chroma]
        stored = [np.rot90(plane, -turns) for plane in planes]
        height, width = stored[0].shape
        frame = testcard.picture(width, height, (stored[0].tobytes(), stored[1].tobytes(), stored[2].tobytes()))
        frame.pts, frame.time_base = origin + tick, base
        frame.duration = durations[origin + tick] = edges[number + 1] - tick
        yield frame


def _plane(data: bytes, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8).reshape(size[1], size[0])


def _sounds(clip: Clip) -> Iterator[av.AudioFrame]:
    spec = clip.spec
    samples = source_sound(clip)
    first = round((spec.start + spec.audio_offset) * spec.audio_rate)
    for start in range(0, len(samples), 1024):
        part = np.ascontiguousarray(np.stack([samples[start : start + 1024]] * 2))
        if spec.audio_codec in ("aac", "libopus", "ac3"):
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        else:
            whole = np.ascontiguousarray((part.T * 32767).round().astype(np.int16).reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = spec.audio_rate, first + start, Fraction(1, spec.audio_rate)
        yield frame
