"""Side data of kinds that PyAV's enum lacks: they are passed over, and what stands beside them is still read."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, cast

import av
import pytest
from av.sidedata.sidedata import Type
from av.video.stream import VideoStream

from clips.probing import probe
from clips.views import EYES, add_box, projection
from streamify.media.source.sidedata import side_data
from streamify.media.source.turn import Turns

PICTURES = 5
LCEVC = bytes([0xB4, 0x00, 0x50, 0x00]) + bytes(range(16, 48))
"""ITU-T T.35 user data that names the United Kingdom and V-Nova (AV_FRAME_DATA_LCEVC, 28)."""


def exif(orientation: int) -> bytes:
    """Return an APP1 segment: TIFF header, one directory of one entry, 0x0112 (Exif 2.3, 4.6.4)."""
    tiff = b"II*\x00" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def sei(payload: bytes) -> bytes:
    """Return an H.264 NAL unit with user data (payload type 4) without bytes to be escaped."""
    return b"\x00\x00\x00\x01\x06\x04" + bytes([len(payload)]) + payload + b"\x80"


def write(path: Path, codec: str, muxer: str, extra: bytes, at: int = 0, more: str = "") -> Path:
    """Write a film of a few pictures, with `extra` put into each packet at an offset."""
    with av.open(str(path), "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = 96, 64
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "x264-params": f"repeat-headers=1:aud=0{more}"}
        packets = []
        for number in range(PICTURES):
            frame = av.VideoFrame(96, 64, stream.pix_fmt)
            for plane in frame.planes:
                plane.update(bytes([16 + 40 * number]) * plane.buffer_size)
            frame.pts = number
            packets += stream.encode(frame)
        for packet in [*packets, *stream.encode(None)]:
            data = bytes(packet)
            changed = av.Packet(data[:at] + extra + data[at:])
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.is_keyframe, changed.stream = packet.is_keyframe, stream
            container.mux(changed)
    return path


def kinds(path: Path) -> set[int]:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return {cast("int", side.type.value) for side in side_data(frame)}


TURNS = {1: (0, False), 2: (0, True), 3: (180, False), 4: (180, True), 5: (270, True), 6: (90, False), 7: (90, True),
         8: (270, False)}  # fmt: skip
"""Degrees clockwise behind a flip from left to right, by orientation (Exif 2.3, 4.6.4)."""


@pytest.mark.parametrize(("orientation", "rotation", "mirrored"), [(number, *turn) for number, turn in TURNS.items()])
@pytest.mark.parametrize("muxer", ["avi", "matroska", "mov"])
def test_exif_in_mjpeg(tmp_path: Path, muxer: str, orientation: int, rotation: int, mirrored: bool) -> None:
    path = write(tmp_path / f"a.{muxer}", "mjpeg", muxer, exif(orientation), at=2)
    assert 31 in kinds(path)  # AV_FRAME_DATA_EXIF
    video = probe(path).video
    assert video is not None
    assert (video.frames, video.rotation, video.mirrored) == (PICTURES, rotation, mirrored)


def test_each_picture_is_turned_by_its_own_orientation(tmp_path: Path) -> None:
    order = (4, 1, 4, 3, 4, 2, 3, 2, 6, 7, 8, 5, 1)  # FFmpeg reports the same angle for some of these neighbours
    found, turns = [], Turns()
    for orientation in order:
        path = write(tmp_path / f"{orientation}.mov", "mjpeg", "mov", exif(orientation), at=2)
        with av.open(str(path)) as container:
            found.append(turns.of(next(container.decode(video=0))))
    assert found == [TURNS[orientation] for orientation in order]


@pytest.mark.parametrize("muxer", ["mpegts", "matroska"])
def test_lcevc_in_h264(tmp_path: Path, muxer: str) -> None:
    path = write(tmp_path / "a.bin", "libx264", muxer, sei(LCEVC))
    assert 28 in kinds(path)
    video = probe(path).video
    assert video is not None
    assert video.frames == PICTURES


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (b"rect", []),
        (b"equi", ["the mapping of spherical (360 degree) video"]),
        (b"hequ", ["the mapping of spherical (180 degree) video"]),
        (b"fish", ["the mapping of fisheye video"]),
    ],
)
def test_the_mapping_of_pictures_is_named_where_they_are_not_flat(
    tmp_path: Path, kind: bytes, named: list[str]
) -> None:
    path = write(tmp_path / "a.mov", "libx264", "mov", b"")
    add_box(path, b"vexu", EYES + projection(kind))
    notes = probe(path).notes
    assert [note.what for note in notes if "mapping" in note.what] == named


@pytest.mark.parametrize(("packing", "named"), [(3, "side by side"), (4, "one above the other"),
                                                (5, "one picture each in turn")])  # fmt: skip
def test_two_views_in_one_stream_are_named(tmp_path: Path, packing: int, named: str) -> None:
    """By the numbers of ITU-T H.264, table D-8."""
    path = write(tmp_path / "a.mkv", "libx264", "matroska", b"", more=f":frame-packing={packing}")
    assert [note.what for note in probe(path).notes if "views" in note.what] == [f"two views for 3D, {named}"]


@pytest.mark.parametrize("value", [28, 31, 32, 99])
def test_a_kind_that_is_not_known_equals_none_that_is(value: int) -> None:
    kind: Any = Type(value)
    assert kind.value == value
    assert kind not in set(Type)
