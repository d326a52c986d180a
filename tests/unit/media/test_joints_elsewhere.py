"""Where another Matroska file, program stream or FLV recording begins in a file, by what the container itself says."""

from __future__ import annotations

import io
import struct
from itertools import pairwise
from pathlib import Path

import av
import pytest

from clips.numbered import encode, remux
from streamify.media.source import joint_mkv, joint_mp4
from streamify.media.source.ebml import EBML
from streamify.media.source.joint_flv import FlvJoints
from streamify.media.source.joint_mkv import MatroskaJoints
from streamify.media.source.joint_mp4 import FragmentJoints
from streamify.media.source.joint_ps import ProgramJoints
from streamify.media.source.joints import Joints
from streamify.media.source.reading import offset_of, read_packets

MARK = EBML.to_bytes(4)


def films(folder: Path, suffix: str, *options: str) -> list[bytes]:
    """Return two recordings, of 5 and of 30 pictures; the options are those with which the second is muxed."""
    made = []
    encoder = "libx264" if suffix == "flv" else "mpeg2video"
    for place, count in enumerate((5, 30)):
        numbers = range(100 * place, 100 * place + count)
        film = encode(folder / "film.mkv", numbers, encoder, "matroska", {"g": "10", "bf": "0"})
        out = folder / f"{place}.{suffix}"
        fragments = ("-movflags", "frag_keyframe+empty_moov+default_base_moof") if suffix == "mp4" else ()
        made.append(remux(film, out, *fragments, *(options if place else ())).read_bytes())
    return made


def found(data: bytes, folder: Path, suffix: str) -> list[int]:
    """Return where recordings begin, by all packets of pictures."""
    source = folder / f"film.{suffix}"
    source.write_bytes(data)
    with source.open("rb") as file, av.open(str(source), "r") as container:
        joints = Joints(file, container.format.name)
        packets = read_packets(container, container.streams.video[0])
        positions = [at for one in packets if one.size and (at := offset_of(one)) is not None]
        pairs = zip([-1, *positions], positions, strict=False)
        return [border for before, at in pairs if (border := joints.begins_at(before, at)) is not None]


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mpg", "vob"])
def test_the_second_recording_begins_with_its_header(suffix: str, tmp_path: Path) -> None:
    first, second = films(tmp_path, suffix)
    assert found(first, tmp_path, suffix) == []
    assert found(second, tmp_path, suffix) == []
    assert found(first + second, tmp_path, suffix) == [len(first)]


def test_each_box_is_looked_at_once(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"\0\0\0\x08free" * 10_000 + b"\0\0\0\x04moov" * 10_000)
    with film.open("rb") as file:
        joints = FragmentJoints(file)
        for at in range(8, 160_000, 8):
            joints.begins_at(at - 8, at)
        assert joints.looked == joint_mp4.BOXES  # of the broken one on no more are looked at
        joints = FragmentJoints(file)
        for at in range(8, 80_000, 8):
            assert joints.begins_at(at - 8, at) is None
        assert joints.looked == 9_999


def test_flv_recordings_one_behind_the_other_in_a_file(tmp_path: Path) -> None:
    """As where a recorder connects again: the header of the file itself is there once."""
    first, second = films(tmp_path, "flv")
    assert found(second, tmp_path, "flv") == []
    assert found(first + second[13:], tmp_path, "flv") == [len(first)]


def test_a_program_stream_whose_clock_goes_on_is_none(tmp_path: Path) -> None:
    """System headers come again within a recording."""
    first, second = films(tmp_path, "vob", "-output_ts_offset", "2")
    assert found(first + second, tmp_path, "vob") == []


def test_a_program_stream_whose_clock_stands_still_is_one(tmp_path: Path) -> None:
    """All packs have the same reference, and each a system header: nothing tells one recording from two."""
    _, film = films(tmp_path, "vob")
    packs = film.split(film[:4])[1:]
    assert len(packs) > 10
    head, system = packs[0][:10], packs[0][10:25]
    assert system[:4] == b"\0\0\1\xbb"
    data = b"".join(film[:4] + head + system + pack[10 + 15 * (not place) :] for place, pack in enumerate(packs))
    assert found(data, tmp_path, "vob") == []


def test_each_unit_of_a_program_stream_is_looked_at_once(tmp_path: Path) -> None:
    data = b"".join(films(tmp_path, "vob")) * 20
    (tmp_path / "film.vob").write_bytes(data)
    with (tmp_path / "film.vob").open("rb") as file:
        joints = ProgramJoints(file)
        places = [at for at in range(0, len(data), 2048) if data[at : at + 3] == b"\0\0\1"]
        for before, at in pairwise(places):
            joints.begins_at(before, at)
        assert len(places) <= joints.looked <= 4 * len(places)


def later(data: bytes, by: int) -> bytes:
    """Return an FLV without its header, all tags later by some milliseconds."""
    out, at = b"", 13
    while at < len(data):
        size = int.from_bytes(data[at + 1 : at + 4])
        time = (data[at + 7] << 24 | int.from_bytes(data[at + 4 : at + 7])) + by
        stamp = struct.pack(">I", time)
        out += data[at : at + 4] + stamp[1:] + stamp[:1] + data[at + 8 : at + 11 + size + 4]
        at += 11 + size + 4
    return out


def test_metadata_and_a_configuration_that_come_again_are_none(tmp_path: Path) -> None:
    first, second = films(tmp_path, "flv")
    assert found(first + later(second, 200), tmp_path, "flv") == []


def tag(kind: int, time: int, data: bytes) -> bytes:
    """Return a tag of FLV with the size of it behind (Adobe FLV 10.1, annex E.4.1)."""
    head = struct.pack(">I", kind << 24 | len(data)) + struct.pack(">I", time)[1:] + bytes(4)
    return head + data + struct.pack(">I", 11 + len(data))


@pytest.mark.parametrize(
    ("start", "picture", "begins"),
    [
        (b"\x90hvc1", b"\x91hvc1", True),
        (b"\x90av01", b"\x93av01", True),
        (b"\x17\0\0\0\0", b"\x17\1\0\0\0", True),
        (b"\x91hvc1", b"\x91hvc1", False),
        (b"\x17\1\0\0\0", b"\x17\1\0\0\0", False),
    ],
)
def test_a_configuration_in_enhanced_flv_is_one(start: bytes, picture: bytes, begins: bool) -> None:
    """Packet types 0 SequenceStart, 1 CodedFrames, 3 CodedFramesX (Enhanced RTMP, ExVideoTagHeader)."""
    before = tag(9, 900, picture + bytes(20))
    second = tag(18, 0, b"\x02\0\x0aonMetaData\x08" + bytes(7)) + tag(9, 0, start + bytes(9))
    data = before + second + tag(9, 0, picture + bytes(20))
    border = FlvJoints(io.BytesIO(data)).begins_at(0, len(before) + len(second))
    assert border == (len(before) if begins else None)


HEAD = MARK + b"\x8b\x42\x82\x88matroska"


@pytest.mark.parametrize(
    "head",
    [
        MARK,
        MARK + b"\x84\x42\x82\x81x" + b"\x18\x53\x80\x67\x80\x1f\x43\xb6\x75",
        HEAD,
        HEAD + b"\x18\x53\x80\x67\x88",
        HEAD + b"\x1f\x43\xb6\x75\x80",
    ],
    ids=range(5),
)
def test_bytes_that_look_like_a_header_are_none(head: bytes, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    film.write_bytes(bytes(100) + head + bytes(1000))
    with film.open("rb") as file:
        assert MatroskaJoints(file).begins_at(10, 1000) is None


def test_so_many_places_are_looked_at_in_a_file(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    film.write_bytes(MARK * 20_000)
    with film.open("rb") as file:
        joints = MatroskaJoints(file)
        for at in range(0, 80_000, 4000):
            assert joints.begins_at(at, at + 4000) is None
        assert joints.looked == joint_mkv.LOOKS
