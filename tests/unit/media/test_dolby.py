"""Dolby Vision is read where ISO base media files say it: in the sample entry, and nowhere else."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest

from clips.make import ClipSpec, make_clip
from clips.probing import probe
from streamify.errors import SourceError
from streamify.media.source.transport import TS_PACKET
from unit.media.test_left_out import crc

MIB = 1 << 20
PROFILE_5 = bytes((1, 0, 5 << 1, 0x35, 0x00)) + bytes(19)
"""DOVIDecoderConfigurationRecord: version 1.0, profile 5, level 6, RPU and base layer, compatibility 0."""
PROFILE_8_4 = bytes((1, 0, 8 << 1, 0x35, 0x40)) + bytes(19)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


@pytest.fixture(scope="module")
def film(shared: Path) -> bytes:
    """An MP4 with its moov at the end."""
    path = make_clip(ClipSpec(seconds=Fraction(1), rate=Fraction(24), size=(128, 72)), shared / "clips").path
    data = path.read_bytes()
    assert data.index(b"moov") > data.index(b"mdat")
    return data


def with_record(film: bytes, record: bytes, kind: bytes = b"dvcC", entry: bytes = b"avc1") -> bytes:
    """Put a box into the video's sample entry; the moov is the last box, so no sample moves."""
    extra = box(kind, record)
    moov = film.rindex(b"moov") - 4
    inner = bytearray(film[moov:])
    place = inner.rindex(entry) - 4
    (size,) = struct.unpack_from(">I", inner, place)
    inner[place + size : place + size] = extra
    for name in (entry, b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        at = inner.rindex(name, 0, place + 8) - 4
        (size,) = struct.unpack_from(">I", inner, at)
        struct.pack_into(">I", inner, at, size + len(extra))
    return film[:moov] + bytes(inner)


def code(path: Path) -> str | None:
    try:
        probe(path)
    except SourceError as error:
        return error.code
    return None


def test_profile_5_is_refused(film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(with_record(film, PROFILE_5))
    assert code(path) == "dolby-vision-unsupported"


@pytest.mark.parametrize("kind", [b"dvcC", b"dvvC"])
def test_in_a_long_moov_at_the_end(film: bytes, kind: bytes, tmp_path: Path) -> None:
    """More than a MiB lies between the sample entry and both ends of the file."""
    data = with_record(film, PROFILE_5, kind)
    moov = data.rindex(b"moov") - 4
    (size,) = struct.unpack_from(">I", data, moov)
    assert moov + size == len(data)
    padding = box(b"free", bytes(MIB))
    path = tmp_path / "a.mp4"
    path.write_bytes(
        data[:moov] + padding * 2 + box(b"moov", data[moov + 8 :] + box(b"udta", box(b"free", bytes(MIB)) * 2))
    )
    assert code(path) == "dolby-vision-unsupported"


def test_with_a_compatible_layer(film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(with_record(film, PROFILE_8_4, b"dvvC"))
    assert code(path) is None


def test_media_that_holds_those_bytes(film: bytes, tmp_path: Path) -> None:
    """What lies in mdat is media, whatever it spells."""
    path = tmp_path / "a.mp4"
    path.write_bytes(film + box(b"mdat", bytes(100) + box(b"dvcC", PROFILE_5) + bytes(100)))
    assert code(path) is None


def test_another_track_that_is_not_used(film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    moov = film.rindex(b"moov") - 4
    stray = box(b"udta", box(b"dvcC", PROFILE_5))
    path.write_bytes(film[:moov] + box(b"moov", film[moov + 8 :] + stray))
    assert code(path) is None


@pytest.fixture(scope="module")
def hevc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hevc") / "film.mp4"
    source = ("-f", "lavfi", "-i", "testsrc=size=128x64:rate=25:duration=0.4", "-pix_fmt", "yuv420p")
    coded = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none")
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *source, *coded, path], check=True, timeout=60)
    return path


def left(path: Path) -> list[tuple[str, str]]:
    facts = probe(path)
    assert facts.video is not None
    assert (facts.video.stream, facts.video.frames) == (0, 10)
    return [(note.what, note.why) for note in facts.notes if note.kind == "dropped"]


SHOWN = "its compatible base layer is what is shown"


@pytest.mark.parametrize("muxer", ["mp4", "matroska"])
def test_an_enhancement_layer_in_the_pictures_is_named(muxer: str, hevc: Path, tmp_path: Path) -> None:
    """Profile 7 in one track: NAL units of type 63 hold those of the second layer."""
    path = tmp_path / "a.bin"
    layer = b"\x7e\1\2\1" + bytes(range(1, 60))
    with av.open(str(hevc)) as source, av.open(str(path), "w", format=muxer) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                more = av.Packet(bytes(packet) + struct.pack(">I", len(layer)) + layer)
                more.pts, more.dts, more.duration = packet.pts, packet.dts, packet.duration
                more.time_base, more.is_keyframe, more.stream = packet.time_base, packet.is_keyframe, stream
                target.mux(more)
    assert left(hevc) == []
    assert left(path) == [("Dolby Vision enhancement layer", SHOWN)]


def test_a_track_that_is_an_enhancement_layer_is_named(hevc: Path, tmp_path: Path) -> None:
    """A track of its own says in its record that the base layer is elsewhere (profile 7, level 6, RPU and layer)."""
    path = tmp_path / "a.mp4"
    maps = ("-map", "0", "-map", "1", "-c", "copy", "-map_metadata", "-1")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", hevc, "-i", hevc, *maps, path]
    subprocess.run(list(map(str, command)), check=True, timeout=60)
    record = bytes((1, 0, 7 << 1, 6 << 3 | 6, 0)) + bytes(19)
    path.write_bytes(with_record(path.read_bytes(), record, entry=b"hev1"))
    assert left(path) == [("stream 1 (video, hevc, 128x64, Dolby Vision enhancement layer)", SHOWN)]


@pytest.mark.parametrize("descriptor", [b"\xb0\x07\1\0\x0e\x36\x22\x3f\xff", b""], ids=["DVB", "Blu-ray"])
def test_a_stream_that_is_an_enhancement_layer_is_named(descriptor: bytes, hevc: Path, tmp_path: Path) -> None:
    """By a descriptor in the programme's table, or by the PIDs of Ultra HD Blu-ray."""
    path = tmp_path / "a.ts"
    maps = ("-map", "0", "-map", "1", "-c", "copy", "-streamid", "0:0x1011", "-streamid", "1:0x1015")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", hevc, "-i", hevc, *maps, path]
    subprocess.run(list(map(str, command)), check=True, timeout=60)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), TS_PACKET):
        if int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF == 0x1000:
            section = bytearray(data[at + 5 : at + 5 + 3 + data[at + 7] - 4])
            place = section.index(b"\xf0\x15") + 2  # PID 0x1015: its descriptors' length
            length = (int.from_bytes(section[place : place + 2]) & 0xFFF) + len(descriptor)
            section[place : place + 2] = (0xF000 | length).to_bytes(2)
            section[place + 2 : place + 2] = descriptor
            section[2] += len(descriptor)
            data[at : at + TS_PACKET] = (data[at : at + 5] + section + crc(bytes(section))).ljust(TS_PACKET, b"\xff")
    path.write_bytes(data)
    assert left(path) == [("stream 1 (video, hevc, 128x64, Dolby Vision enhancement layer)", SHOWN)]
