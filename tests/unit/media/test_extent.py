"""Cut-off files by the sizes that their containers announce, written by FFmpeg's own muxers."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from clips.containers import opened
from streamify.media.source.cut_off import missing_pictures
from streamify.media.source.extent import missing_bytes

SOUND = ("wav", "rf64.wav", "aiff", "caf", "mka", "m4a", "frag.mp4")
VIDEO = ("mkv", "webm", "avi", "mp4", "frag.mp4", "flv", "wmv")
OPTIONS = {
    "rf64.wav": {"rf64": "always"},
    "frag.mp4": {"movflags": "frag_keyframe+empty_moov"},
    "m4a": {"movflags": "faststart"},
    "mp4": {"movflags": "faststart"},
}


def film(path: Path, kind: str) -> bytes:
    """Write two seconds of pictures."""
    with av.open(path, "w", options=OPTIONS.get(kind, {})) as out:
        stream = out.add_stream("libvpx" if kind == "webm" else "libx264", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        if kind == "webm":  # at its default libvpx takes minutes for noise where other processes want the machine, too
            stream.options = {"deadline": "realtime", "cpu-used": "8"}
            stream.codec_context.thread_count = 1
        dice = np.random.default_rng(1)
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(dice.integers(0, 255, (96, 64), dtype=np.uint8), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


def sound(path: Path, kind: str) -> bytes:
    """Write two seconds of noise."""
    codec = {"mka": "aac", "m4a": "aac", "frag.mp4": "aac", "aiff": "pcm_s16be"}.get(kind, "pcm_s16le")
    with av.open(path, "w", options=OPTIONS.get(kind, {})) as out:
        stream = cast("AudioStream", out.add_stream(codec, 48000, layout="mono"))
        dice = np.random.default_rng(1)
        for number in range(94):
            shape = (1, 1024)
            data = dice.integers(-9000, 9000, shape, dtype=np.int16)
            frame = av.AudioFrame.from_ndarray(
                data if codec != "aac" else (data / 32768).astype(np.float32),
                format="s16" if codec != "aac" else "fltp",
                layout="mono",
            )
            frame.sample_rate, frame.pts = 48000, number * 1024
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


def judge(data: bytes) -> int:
    with av.open(io.BytesIO(data)) as container:
        name, tracks = container.format.name, [stream.id for stream in container.streams]
    return missing_bytes(io.BytesIO(data), len(data), name, tracks)


@pytest.mark.parametrize("share", [0.6, 0.97])
@pytest.mark.parametrize(
    ("make", "kind"), [*((film, kind) for kind in VIDEO), *((sound, kind) for kind in SOUND)]
)  # fmt: skip
def test_a_cut_off_file_lacks_bytes_and_a_whole_one_does_not(
    make: Callable[[Path, str], bytes], kind: str, share: float, tmp_path: Path
) -> None:
    data = make(tmp_path / f"a.{kind}", kind)
    assert judge(data) == 0
    assert 0 < judge(data[: int(len(data) * share)]) <= len(data) * (1 - share) + 1


def both(path: Path) -> bytes:
    """Write an MP4 with its index first; its sound is a little longer, so the last bytes are of sound alone."""
    with (
        av.open(io.BytesIO(film(path.with_suffix(".mkv"), "mkv")), "r") as pictures,
        av.open(io.BytesIO(sound(path.with_suffix(".m4a"), "m4a")), "r") as beeps,
        av.open(path, "w", options=OPTIONS["mp4"]) as out,
    ):
        streams = [out.add_stream_from_template(one.streams[0]) for one in (pictures, beeps)]
        for source, stream in zip((pictures, beeps), streams, strict=True):
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)
    return path.read_bytes()


@pytest.mark.parametrize("open_end", [False, True])
def test_missing_sound_is_missed_where_it_is_used(open_end: bool, tmp_path: Path) -> None:
    data = bytearray(both(tmp_path / "a.mp4"))
    if open_end:
        struct.pack_into(">I", data, data.index(b"mdat") - 4, 0)
    whole, cut = bytes(data), bytes(data[:-100])
    assert judge(whole) == 0
    assert judge(cut) == 100
    assert missing_bytes(io.BytesIO(cut), len(cut), "mov,mp4", [1]) == 0
    assert missing_bytes(io.BytesIO(cut), len(cut), "mov,mp4", [2]) == 100


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_a_recording_whose_sizes_were_left_open_is_taken_as_it_is(length: int, tmp_path: Path) -> None:
    data = bytearray(sound(tmp_path / "a.wav", "wav"))
    struct.pack_into("<I", data, 4, length)
    struct.pack_into("<I", data, data.index(b"data") + 4, length)
    assert missing_bytes(io.BytesIO(data), len(data), "wav", []) == 0


@pytest.mark.parametrize("clusters", [False, True])
def test_a_matroska_segment_of_unknown_size(clusters: bool, tmp_path: Path) -> None:
    data = opened(film(tmp_path / "a.mkv", "mkv"), clusters=clusters)

    def judged(size: int) -> int:
        return missing_bytes(io.BytesIO(data[:size]), size, "matroska,webm", [])

    cues = data.index(bytes.fromhex("1c53bb6b"), len(data) // 2)
    assert [judged(size) for size in (len(data), len(data) - 10, cues)] == [0, 0, 0]  # no media is missing
    with av.open(io.BytesIO(data), "r") as container:
        blocks = [packet.pos for packet in container.demux(video=0) if packet.size]
    last = blocks[-1]
    assert last is not None
    for number in blocks[-3], blocks[len(blocks) // 2]:
        assert number is not None
        assert judged(number + 40) > 8  # in the middle of a block
    if clusters:
        assert judged(data.rindex(b"\xa3", 0, last)) == 0  # between two: nothing tells of what followed


@pytest.mark.parametrize("kind", ["mkv", "live.mkv", "frag.mp4"])
@pytest.mark.parametrize("bytes_", [1, 8])
def test_one_byte_of_the_last_picture_is_missed(kind: str, bytes_: int, tmp_path: Path) -> None:
    """FFmpeg gives no such picture of Matroska: 49 of 50 were published without a word."""
    data = film(tmp_path / f"a.{kind.removeprefix('live.')}", kind.removeprefix("live."))
    if kind == "live.mkv":
        data = opened(data, clusters=True)
        data = data[: data.index(bytes.fromhex("1c53bb6b"), len(data) // 2)]  # its index, which stands behind
    index = bytes.fromhex("1c53bb6b") if kind == "mkv" else b"mfra"  # what stands behind the media
    whole = len(data) if kind == "live.mkv" else data.rindex(index) - 4 * (kind == "frag.mp4")
    behind = len(data) - whole if kind == "mkv" else 0
    assert judge(data[:whole]) == behind
    assert judge(data[: whole - bytes_]) == behind + bytes_


@pytest.mark.parametrize("left", [1, 5, 20])
def test_an_index_behind_the_last_cluster_may_be_cut_off(left: int, tmp_path: Path) -> None:
    data = film(tmp_path / "a.mkv", "mkv")
    assert len(data) - left > data.rindex(bytes.fromhex("1c53bb6b"))
    assert judge(data[:-left]) == 0


def test_a_segment_may_say_a_little_too_much(tmp_path: Path) -> None:
    """Fewer bytes than a cluster has miss no picture."""
    data = bytearray(film(tmp_path / "a.mkv", "mkv"))
    data = data[: data.rindex(bytes.fromhex("1c53bb6b"))]
    at = data.index(bytes.fromhex("18538067")) + 4
    assert data[at] == 1  # a size of 8 bytes
    for more, missing in ((4, 0), (40, 40)):
        data[at + 1 : at + 8] = (len(data) - at - 8 + more).to_bytes(7)
        assert judge(bytes(data)) == missing


def test_less_than_half_a_picture_is_no_gap() -> None:
    """Of 100 pictures that have 1000 bytes each."""
    span = Fraction(0), Fraction(4)
    assert [len(missing_pictures([], span, lambda: span[1], missing, 100_000, 100)) for missing in (3, 499, 500)] == [
        0, 0, 1,
    ]  # fmt: skip


def test_what_follows_the_media_may_be_missing(tmp_path: Path) -> None:
    data = film(tmp_path / "a.avi", "avi")
    assert missing_bytes(io.BytesIO(data), data.index(b"idx1"), "avi", []) == 0


@pytest.mark.parametrize("name", ["matroska,webm", "avi", "wav", "aiff", "caf", "mov,mp4"])
def test_noise_is_nobodys_end(name: str) -> None:
    data = np.random.default_rng(2).bytes(4096)
    assert missing_bytes(io.BytesIO(data), len(data), name, []) == 0


@pytest.mark.parametrize(("left", "missing"), [(300, 0), (292, 8), (100, 200), (0, 300)])
def test_the_last_page_of_ogg_says_where_it_ends(left: int, missing: int) -> None:
    """Two pages of 300 bytes (RFC 3533, 6), of which the second one lacks some."""
    page = b"OggS\0\0" + bytes(20) + bytes((2, 255, 45)) + b"\1" * 300
    data = page + page[: len(page) - 300 + left]
    assert missing_bytes(io.BytesIO(data), len(data), "ogg", []) == missing


@pytest.mark.parametrize("left", [1, 4, 5, 20, 26])
def test_a_page_of_ogg_that_is_cut_off_in_its_header(left: int) -> None:
    """The header has 27 bytes at least (RFC 3533, 6)."""
    page = b"OggS\0\0" + bytes(20) + bytes((2, 255, 45)) + b"\1" * 300
    data = page + page[:left]
    assert missing_bytes(io.BytesIO(data), len(data), "ogg", []) == 27 - left
