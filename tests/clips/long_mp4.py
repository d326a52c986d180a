"""MP4 files of any length that are cheap to make: their index is of full size, their samples share a few bytes.

Closed groups of 60 pictures in all (B pictures included) and one second of AAC are encoded once; the sample tables say
that they come again and again, at the same place in the file. An FFmpeg demuxer sees an ordinary long film.
"""

from __future__ import annotations

import io
import os
import struct
from array import array
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from streamify.mp4.boxes import Box, box, find, first, full_box

RATE = 30
PICTURES = 60
"""That come again and again, 2 seconds."""
TICK = 512
"""Ticks per picture at a timescale of 15360."""
UNITS = 47
"""AAC access units in a chunk."""
CHUNK = 15
"""Pictures in a chunk."""


def _encode(every: int, noise: bool) -> tuple[bytes, list[tuple[int, int, bytes]], list[bytes]]:
    """Return an MP4 with the sample descriptions, (pts, dts, data) of the pictures in decode order, and AAC units."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt, video.time_base = 320, 180, "yuv420p", Fraction(1, RATE * TICK)
        video.options = {"preset": "ultrafast", "bf": "2", "g": str(every), "x264-params": "open-gop=0:scenecut=0"}
        audio = out.add_stream("aac", rate=48000, layout="stereo")
        most = 255 if noise else 1  # noise costs some 5 Mbit/s
        texture = np.random.default_rng(1).integers(0, most, (180, 320, 3), np.uint8)
        for number in range(PICTURES):
            image = np.roll(texture, number, axis=1)
            image[20:80, number * 4 : number * 4 + 60] = (200, number * 4, 90)
            frame = VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number * TICK, Fraction(1, RATE * TICK)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for number in range(UNITS):
            wave = np.sin(np.arange(1024) / 20 + number)[None].repeat(2, 0).astype(np.float32)
            sound = AudioFrame.from_ndarray(wave, format="fltp", layout="stereo")
            sound.sample_rate, sound.pts = 48000, number * 1024
            out.mux(audio.encode(sound))
        out.mux(audio.encode(None))
    data = buffer.getvalue()
    with av.open(io.BytesIO(data), "r") as container:
        packets = [(p.pts, p.dts, bytes(p)) for p in container.demux(container.streams.video[0]) if p.size]
    with av.open(io.BytesIO(data), "r") as container:
        units = [bytes(p) for p in container.demux(container.streams.audio[0]) if p.size]
    return data, packets, units[:UNITS]  # type: ignore[return-value]


def write_long_mp4(path: Path, seconds: int, size: int = 0, *, every: int = PICTURES, noise: bool = True) -> None:
    """Write a film that is `seconds` long; its moov lies at the end.

    Args:
        path: Where to.
        seconds: A multiple of two.
        size: The moov begins at this byte or later: what lies before it and is no sample is a hole that takes no disk.
        every: Pictures from one keyframe to the next; 60 is a multiple of it.
        noise: In the pictures; without it they cost little to decode.
    """
    data, packets, units = _encode(every, noise)
    groups = seconds * RATE // PICTURES
    least = min(dts for _, dts, _ in packets)
    delays = [pts - dts for pts, dts, _ in packets]
    delay = -least
    ftyp = data[: first(data, "ftyp").end]
    start = len(ftyp) + 16
    picture_sizes, unit_sizes = [len(p) for _, _, p in packets], [len(unit) for unit in units]
    picture_chunks = [start + sum(picture_sizes[:at]) for at in range(0, PICTURES, CHUNK)]
    payload = b"".join(p for _, _, p in packets)
    unit_chunk = start + len(payload)
    payload += b"".join(units)
    traks = list(find(data, "moov/trak"))
    unit_chunks = groups * PICTURES * 48000 // RATE // (UNITS * 1024)  # no sound beyond the pictures
    moov = box(
        b"moov",
        _mvhd(data, groups * 2000),
        _trak(data, traks[0], RATE * TICK, [(groups * PICTURES, TICK)], array("i", delays) * groups, delay,
              array("I", picture_sizes) * groups, array("Q", picture_chunks) * groups, CHUNK, every),
        _trak(data, traks[1], 48000, [(unit_chunks * UNITS, 1024)], None, 0,
              array("I", unit_sizes) * unit_chunks, array("Q", [unit_chunk]) * unit_chunks, UNITS, 1),
    )  # fmt: skip
    claimed = groups * sum(picture_sizes) + unit_chunks * sum(unit_sizes)  # no file may claim much more than it has
    hole = max(len(payload), claimed, size - start) - len(payload)
    mdat = struct.pack(">I4sQ", 1, b"mdat", len(payload) + hole + 16) + payload
    with path.open("wb") as file:
        file.write(ftyp + mdat)
        file.seek(hole, os.SEEK_CUR)
        file.write(moov)


def _mvhd(data: bytes, duration: int) -> bytes:
    found = first(data, "moov/mvhd")
    header = bytearray(data[found.start : found.end])
    struct.pack_into(">II", header, 20, 1000, duration)
    return bytes(header)


def _trak(
    data: bytes, trak: Box, timescale: int, runs: list[tuple[int, int]], delays: array[int] | None, delay: int,
    sizes: array[int], chunks: array[int], in_chunk: int, every: int,
) -> bytes:  # fmt: skip
    def copied(path: str) -> bytes:
        found = first(data, path, trak.body, trak.end)
        return data[found.start : found.end]

    count = sum(run for run, _ in runs)
    ticks = sum(run * value for run, value in runs)
    tables = [copied("mdia/minf/stbl/stsd")]
    tables.append(full_box(b"stts", 0, 0, struct.pack(">I", len(runs)), *(struct.pack(">II", *run) for run in runs)))
    if delays is not None:
        pairs = array("i", [1, 0]) * count
        pairs[1::2] = delays
        pairs.byteswap()
        tables.append(full_box(b"ctts", 0, 0, struct.pack(">I", count), pairs.tobytes()))
        keys = array("I", range(1, count + 1, every))
        keys.byteswap()
        tables.append(full_box(b"stss", 0, 0, struct.pack(">I", len(keys)), keys.tobytes()))
    tables.append(full_box(b"stsc", 0, 0, struct.pack(">IIII", 1, 1, in_chunk, 1)))
    sizes.byteswap()
    tables.append(full_box(b"stsz", 0, 0, struct.pack(">II", 0, count), sizes.tobytes()))
    chunks.byteswap()
    tables.append(full_box(b"co64", 0, 0, struct.pack(">I", len(chunks)), chunks.tobytes()))
    edit = struct.pack(">IQqI", 1, ticks * 1000 // timescale, delay, 0x10000)
    minf = [copied(f"mdia/minf/{kind}") for kind in ("vmhd" if delays is not None else "smhd", "dinf")]
    mdhd = full_box(b"mdhd", 1, 0, struct.pack(">QQIQI", 0, 0, timescale, ticks, 0x55C40000))
    mdia = box(b"mdia", mdhd, copied("mdia/hdlr"), box(b"minf", *minf, box(b"stbl", *tables)))
    return box(b"trak", copied("tkhd"), box(b"edts", full_box(b"elst", 1, 0, edit)), mdia)
