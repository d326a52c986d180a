"""Which streams are transcoded: of several programmes, of several video streams."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from clips.probing import probe
from streamify import UsageError, plan
from streamify.media.source.transport import TS_PACKET, read_programmes
from streamify.model.source import SourceFacts


def make(path: Path, sizes: Sequence[str], *options: str, sound: bool = True) -> Path:
    """Write one video stream of each size, each followed by a tone of its own (300 Hz, 600 Hz, ...)."""
    inputs: list[str] = []
    maps: list[str] = []
    for number, size in enumerate(sizes):
        inputs += ["-f", "lavfi", "-i", f"testsrc=size={size}:rate=10:duration=1"]
        if sound:
            inputs += ["-f", "lavfi", "-i", f"sine=frequency={300 * (number + 1)}:duration=1"]
    for number in range(len(sizes) * (2 if sound else 1)):
        maps += ["-map", str(number)]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *inputs, *maps, "-c:v", "mpeg2video", "-c:a", "mp2"]
    subprocess.run([*command, *options, str(path)], check=True, timeout=60, capture_output=True)
    return path


def programmes(path: Path, sizes: Sequence[str]) -> Path:
    """Write programmes 11, 12, ... with one video stream and one tone each."""
    options: list[str] = []
    for number in range(len(sizes)):
        options += ["-program", f"program_num={11 + number}:title=s{number}:st={2 * number}:st={2 * number + 1}"]
    return make(path, sizes, *options)


def described(path: Path, descriptor: bytes) -> Path:
    """Write a film of one video stream, and put a descriptor of that stream into its only PMT packets."""
    data = bytearray(make(path, ["160x120"], "-mpegts_pmt_start_pid", "4096", sound=False).read_bytes())
    for at in range(0, len(data), TS_PACKET):
        if (data[at + 1] & 0x1F) << 8 | data[at + 2] == 4096:
            start = at + 5 + data[at + 4]
            length = (data[start + 1] & 15) << 8 | data[start + 2]
            body = bytearray(data[start : start + 3 + length - 4])
            info = 12 + ((body[10] & 15) << 8 | body[11])
            own = info + 5 + ((body[info + 3] & 15) << 8 | body[info + 4])
            body[own:own] = descriptor
            body[info + 4] += len(descriptor)
            body[2] += len(descriptor)
            whole = bytes(body) + crc(bytes(body))
            data[start : at + TS_PACKET] = whole.ljust(at + TS_PACKET - start, b"\xff")
    path.write_bytes(data)
    return path


def crc(data: bytes) -> bytes:
    """Return the checksum of a section (ISO/IEC 13818-1, annex A)."""
    found = 0xFFFFFFFF
    for byte in data:
        found ^= byte << 24
        for _ in range(8):
            found = (found << 1 ^ (0x04C11DB7 if found & 0x80000000 else 0)) & 0xFFFFFFFF
    return found.to_bytes(4, "big")


def test_languages_of_captions(tmp_path: Path) -> None:
    """A caption service descriptor by hand (ATSC A/65, 6.9.2): services 1 and 9, both fields, a blank."""
    entries = (b"eng\xc1\x3f\xff", b"spa\xc9\x3f\xff", b"fra\x7e\x3f\xff", b"por\x7f\x3f\xff", b"\0\0\0\xc2\x3f\xff")
    body = bytes((0xE0 | len(entries),)) + b"".join(entries)
    path = described(tmp_path / "a.ts", bytes((0x86, len(body))) + body)
    assert probe(path).caption_languages == (("CC1", "fra"), ("CC3", "por"), ("SERVICE1", "eng"), ("SERVICE9", "spa"))


def chosen(facts: SourceFacts) -> tuple[int | None, list[int], int | None]:
    return facts.video.stream if facts.video else None, [one.stream for one in facts.audio], facts.program


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (["160x120", "320x240"], (2, [3], 12)),
        (["320x240", "160x120"], (0, [1], 11)),
        (["160x120", "320x240", "240x176"], (2, [3], 12)),
        (["160x120", "160x120"], (0, [1], 11)),
    ],
)
def test_the_programme_with_the_largest_picture(
    tmp_path: Path, sizes: list[str], expected: tuple[int, list[int], int]
) -> None:
    facts = probe(programmes(tmp_path / "a.ts", sizes))
    assert chosen(facts) == expected
    named = [note.what for note in facts.notes if note.kind == "dropped"]
    others = [n for n in range(len(sizes)) if 11 + n != expected[2]]
    assert named == [f"programme {11 + n} (s{n}): video mpeg2video {sizes[n]}, audio mp2" for n in others]


def test_the_programme_that_is_asked_for(tmp_path: Path) -> None:
    source = programmes(tmp_path / "a.ts", ["160x120", "320x240"])
    assert chosen(plan(source, program=11).source) == (0, [1], 11)
    with pytest.raises(UsageError, match=r"program 7: the source has programmes 11 \(s0\), 12 \(s1\)") as caught:
        plan(source, program=7)
    assert caught.value.code == "program-unknown"


def test_a_programme_that_is_encrypted(tmp_path: Path) -> None:
    """It is the larger one, and not left out for its size."""
    path = programmes(tmp_path / "a.ts", ["320x240", "160x120"])
    pids = set(read_programmes(io.BytesIO(path.read_bytes()))[0].pids)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), TS_PACKET):
        if int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF in pids:
            begin = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
            data[begin : at + TS_PACKET] = b"\x55" * (at + TS_PACKET - begin)
            data[at + 3] |= 0x80
    path.write_bytes(data)
    facts = probe(path)
    assert facts.video is not None
    assert facts.video.width == 160
    whys = [note.why for note in facts.notes if note.what.startswith("programme 11")]
    assert whys == ["it is encrypted: decrypt it first, and --program takes it"]


def test_a_source_without_programmes_has_none_to_ask_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the source has no programmes"):
        plan(make(tmp_path / "a.mkv", ["160x120"]), program=1)


def test_one_programme_is_no_choice(tmp_path: Path) -> None:
    source = make(tmp_path / "a.ts", ["160x120"])
    assert plan(source, program=1).source.program is None
    assert not probe(source).notes or all(note.kind != "dropped" for note in probe(source).notes)


def test_programmes_of_sound_alone(tmp_path: Path) -> None:
    source = tmp_path / "a.ts"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1", "-f", "lavfi"]
    command += ["-i", "sine=frequency=900:duration=1", "-map", "0", "-map", "1", "-c:a", "mp2"]
    command += ["-program", "program_num=5:title=a:st=0", "-program", "program_num=6:title=b:st=1", str(source)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    assert chosen(probe(source)) == (None, [0], 5)
    assert chosen(plan(source, program=6).source) == (None, [1], 6)


@pytest.mark.parametrize("stride", [192, 204])
def test_other_lengths_of_packets(tmp_path: Path, stride: int) -> None:
    data = programmes(tmp_path / "a.ts", ["160x120", "320x240"]).read_bytes()
    extra = bytes(stride - TS_PACKET)
    packets = [data[at : at + TS_PACKET] for at in range(0, len(data), TS_PACKET)]
    path = tmp_path / "b.m2ts"
    path.write_bytes(b"".join(extra + one if stride == 192 else one + extra for one in packets))
    with path.open("rb") as file:
        assert [(one.number, one.name, len(one.pids)) for one in read_programmes(file)] == [
            (11, "s0", 2),
            (12, "s1", 2),
        ]
    assert chosen(probe(path)) == (2, [3], 12)


@pytest.mark.parametrize("data", [b"", b"\x47", bytes(500), b"\x47" * 5000, b"\x47\x40\x00\x10" + bytes(184)])
def test_bytes_that_are_no_tables(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.ts"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert read_programmes(file) == ()


@pytest.mark.parametrize(
    ("name", "options", "stream"),
    [
        ("both.mkv", ("-disposition:v:0", "default", "-disposition:v:1", "default"), 1),
        ("first.mkv", ("-disposition:v:0", "default", "-disposition:v:1", "0"), 0),
        ("second.mkv", ("-disposition:v:0", "0", "-disposition:v:1", "default"), 1),
        ("none.mkv", ("-disposition:v:0", "0", "-disposition:v:1", "0"), 1),
        ("first.mp4", ("-disposition:v:0", "default", "-disposition:v:1", "0"), 0),
        ("second.mp4", ("-disposition:v:0", "0", "-disposition:v:1", "default"), 1),
        ("both.mov", ("-disposition:v:0", "default", "-disposition:v:1", "default"), 1),
    ],
)
def test_the_default_video_and_else_the_largest(
    tmp_path: Path, name: str, options: tuple[str, ...], stream: int
) -> None:
    facts = probe(make(tmp_path / name, ["160x120", "320x240"], *options, sound=False))
    assert facts.video is not None
    assert facts.video.stream == stream
    assert f"stream {1 - stream} " in next(note.what for note in facts.notes if note.kind == "dropped")


def test_an_attached_picture_is_no_video(tmp_path: Path) -> None:
    options = ("-disposition:v:1", "attached_pic")
    facts = probe(make(tmp_path / "a.mp4", ["160x120", "320x240"], *options, "-c:v:1", "mjpeg", sound=False))
    assert facts.video is not None
    assert (facts.video.stream, facts.video.width) == (0, 160)
    assert [note.why for note in facts.notes if note.kind == "dropped"] == ["a cover picture, no video"]
