"""Small clips of all containers, and what may happen to their bytes: seeded, so that every mutant can be made again."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from functools import cache

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

CLIPS: dict[str, tuple[str, str, str | None, dict[str, str]]] = {
    "mp4": ("mp4", "libx264", "aac", {}),
    "mp4-mpeg4": ("mp4", "mpeg4", "aac", {}),
    "fmp4": ("mp4", "libx264", "aac", {"movflags": "+frag_keyframe+empty_moov+default_base_moof"}),
    "mov": ("mov", "mjpeg", "pcm_s16le", {}),
    "mkv": ("matroska", "libx264", "aac", {}),
    "webm": ("webm", "libvpx", "libopus", {}),
    "ts": ("mpegts", "libx264", "mp2", {}),
    "ts-mpeg2": ("mpegts", "mpeg2video", "ac3", {}),
    "ps": ("vob", "mpeg2video", "mp2", {}),
    "avi": ("avi", "mpeg4", "mp2", {}),
    "flv": ("flv", "libx264", "aac", {}),
    "asf": ("asf", "msmpeg4", "wmav2", {}),
    "mxf": ("mxf", "mpeg2video", "pcm_s16le", {}),
    "ogg": ("ogg", "libvpx", "libopus", {}),
    "3gp": ("3gp", "h263", None, {}),
    "wav": ("wav", "", "pcm_s16le", {}),
    "m4a": ("ipod", "", "aac", {}),
    "mp3": ("mp3", "", "libmp3lame", {}),
}
"""Name: container, video codec, audio codec, options of the muxer."""

PICTURES, RATE, SIZE = 30, 25, (176, 144)


@cache
def clip(name: str) -> bytes:
    """Return a clip of 1.2 s."""
    container, video, audio, options = CLIPS[name]
    out = io.BytesIO()
    with av.open(out, "w", format=container, options=options) as target:
        shown = target.add_stream(video, rate=RATE) if video else None
        heard = target.add_stream(audio, rate=48000, layout="stereo") if audio else None
        if isinstance(shown, VideoStream):
            shown.width, shown.height = SIZE
            shown.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
            shown.codec_context.gop_size = 10
            shown.codec_context.max_b_frames = 2 if video in ("libx264", "mpeg2video") else 0
            shown.codec_context.thread_count = 1
        if isinstance(heard, AudioStream):
            heard.bit_rate = 128_000
            heard.codec_context.open()
        for number in range(PICTURES):
            if isinstance(shown, VideoStream):
                target.mux(shown.encode(_picture(number, shown.pix_fmt or "yuv420p")))
            if isinstance(heard, AudioStream) and heard.codec_context.frame_size:
                _sound(target, heard, number)
        if isinstance(heard, AudioStream) and not heard.codec_context.frame_size:
            _sound(target, heard, 0, 48000)
        for stream in (shown, heard):
            if isinstance(stream, VideoStream | AudioStream):
                target.mux(stream.encode(None))
    return out.getvalue()


def _picture(number: int, pixels: str) -> av.VideoFrame:
    frame = av.VideoFrame(*SIZE, pixels)
    for plane in frame.planes:
        row = bytes((column * 3 + number * 9) % 256 for column in range(plane.line_size))
        plane.update(b"".join(row[line % 16 :] + row[: line % 16] for line in range(plane.height)))
    frame.pts = number
    return frame


def _sound(target: av.container.OutputContainer, stream: AudioStream, number: int, count: int = 0) -> None:
    count = count or stream.codec_context.frame_size
    frame = av.AudioFrame(format=stream.codec_context.format.name, layout="stereo", samples=count)
    frame.sample_rate, frame.pts = 48000, number * count
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    target.mux(stream.encode(frame))


Mutation = Callable[[bytearray, random.Random], None]


def _flip(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 3, 10, 60))):
        data[_place(data, dice)] ^= 1 << dice.randrange(8)


def _overwrite(data: bytearray, dice: random.Random) -> None:
    at = _place(data, dice)
    fill = dice.choice((b"\0", b"\xff", None))
    count = dice.choice((1, 2, 4, 8, 64, 1000))
    data[at : at + count] = dice.randbytes(count) if fill is None else fill * count


def _cut(data: bytearray, dice: random.Random) -> None:
    del data[_place(data, dice) :]


def _remove(data: bytearray, dice: random.Random) -> None:
    at = _place(data, dice)
    del data[at : at + dice.choice((1, 4, 188, 1000, 5000))]


def _repeat(data: bytearray, dice: random.Random) -> None:
    at, count = _place(data, dice), dice.choice((1, 8, 188, 1000, 5000))
    data[at:at] = data[at : at + count] * dice.choice((1, 1, 5))


def _swap(data: bytearray, dice: random.Random) -> None:
    one, two, count = _place(data, dice), _place(data, dice), dice.choice((4, 188, 1000))
    data[one : one + count], data[two : two + count] = data[two : two + count], data[one : one + count]


def _lie(data: bytearray, dice: random.Random) -> None:
    """Put a telling number where a size, a count or a time may be."""
    at = _place(data, dice)
    code = dice.choice((">I", "<I", ">Q", "<Q", ">H", "<H"))
    top = (1 << 8 * struct.calcsize(code)) - 1
    number = dice.choice((0, 1, 7, top, top >> 1, top - 1, 1 << 16 & top, dice.randrange(1 << 12)))
    data[at : at + struct.calcsize(code)] = struct.pack(code, number)


def _lie_in_box(data: bytearray, dice: random.Random) -> None:
    """Change a size or count near the name of a box, a chunk or an element."""
    names = [name for name in NAMES if name in data]
    if not names:
        _lie(data, dice)
        return
    at = data.index(dice.choice(names)) + dice.choice((-4, 4, 8, 12, 16, 20))
    if 0 <= at < len(data) - 4:
        number = dice.choice((0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 60_000_000, dice.randrange(1 << 16)))
        data[at : at + 4] = struct.pack(dice.choice(("<I", ">I")), number)


NAMES = tuple(
    b"ftyp moov mvhd trak tkhd edts elst mdia mdhd hdlr stbl stsd stts ctts stss stsz stco stsc co64 avc1 avcC mp4a "
    b"esds moof mfhd traf tfhd tfdt trun mvex trex mdat RIFF LIST hdrl avih strh strf movi idx1 fmt data FLV OggS "
    b"onMetaData \x1a\x45\xdf\xa3 \x16\x54\xae\x6b \x1f\x43\xb6\x75 \x00\x00\x01\xba \x00\x00\x01\xb3".split(b" ")
)

MUTATIONS: tuple[Mutation, ...] = (
    _flip, _overwrite, _cut, _remove, _repeat, _swap, _lie, _lie, _lie_in_box, _lie_in_box, _lie_in_box,
)  # fmt: skip


def _place(data: bytearray, dice: random.Random) -> int:
    """Return a place; headers and indexes, which are at both ends, come up as often as all the rest."""
    if not data:
        data.append(0)
    edge = min(len(data), 2500)
    return dice.choice((dice.randrange(len(data)), dice.randrange(edge), len(data) - 1 - dice.randrange(edge)))


def mutant(seed: int, clips: tuple[str, ...] = tuple(CLIPS), given: bytes | None = None) -> tuple[str, bytes]:
    """Return the name of the clip that a seed chooses, and its mutant.

    Args:
        seed: What decides all.
        clips: Of which one is chosen.
        given: Taken instead of a clip.
    """
    dice = random.Random(seed)
    name = dice.choice(clips)
    data = bytearray(clip(name) if given is None else given)
    for _ in range(dice.choice((1, 1, 2, 4))):
        dice.choice(MUTATIONS)(data, dice)
    return name, bytes(data)
