"""A header that announces more than there is names a gap at the end; one that does not raises no alarm."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stores import split
from streamify.errors import SourceError

CODECS: dict[str, list[str]] = {
    "mp4": [], "mov": [], "mkv": [], "flv": [], "avi": ["-bf", "0"], "ts": [],
    "webm": ["-bf", "0", "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"],
    "wmv": ["-bf", "0", "-c:v", "wmv2", "-c:a", "wmav2"],
    "mxf": ["-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000"],
    "frag.mp4": ["-movflags", "frag_keyframe+empty_moov"],
    "hybrid.mp4": ["-movflags", "frag_keyframe"],
}  # fmt: skip


def film(path: Path, video: float = 6, sound: float = 6) -> Path:
    """Write a film of so many seconds of pictures and of sound."""
    sources = ["-f", "lavfi", "-i", f"testsrc2=s=96x64:r=25:d={video}", "-f", "lavfi", "-i", f"sine=d={sound}"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "2"]
    suffix = path.name.split(".", 1)[1]
    command = ["ffmpeg", "-nostdin", "-v", "error", *sources, *codecs, *CODECS[suffix], str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


def cut(data: bytes) -> bytes:
    return data[: len(data) * 6 // 10]


def doubled(kind: bytes, offset: int) -> Callable[[bytes], bytes]:
    """Double the 32-bit duration of a box, so many bytes behind its name."""

    def change(data: bytes) -> bytes:
        at = data.index(kind) + 4 + offset
        (ticks,) = struct.unpack_from(">I", data, at)
        return data[:at] + struct.pack(">I", ticks * 2) + data[at + 4 :]

    return change


def whole_movie(data: bytes) -> bytes:
    """Say 12 s in the mvhd of a fragmented MP4."""
    at = data.index(b"mvhd") + 16
    (timescale,) = struct.unpack_from(">I", data, at)
    return data[: at + 4] + struct.pack(">I", 12 * timescale) + data[at + 8 :]


def open_ended(data: bytes) -> bytes:
    """Leave the size of a Matroska Segment open and cut the file off."""
    at = data.index(b"\x18\x53\x80\x67") + 4
    return cut(data[:at] + b"\x01" + b"\xff" * 7 + data[at + 8 :])


def longer_matroska(data: bytes) -> bytes:
    at = data.index(b"\x44\x89\x88") + 3
    return data[:at] + struct.pack(">d", 12_000.0) + data[at + 8 :]


def longer_avi(data: bytes) -> bytes:
    at = data.index(b"strh") + 8 + 32
    return data[:at] + struct.pack("<I", 300) + data[at + 4 :]


LIES: dict[str, tuple[str, Callable[[bytes], bytes], float, float]] = {
    "Duration of Matroska": ("mkv", longer_matroska, 5.9, 6.1),
    "frames of AVI": ("avi", longer_avi, 5.9, 6.1),
    "mdhd": ("mp4", doubled(b"mdhd", 16), 5.9, 6.1),
    "mvhd over fragments": ("frag.mp4", whole_movie, 5.8, 6.1),
}


@pytest.mark.parametrize("name", LIES)
def test_what_is_announced_and_not_there_is_a_gap_at_the_end(name: str, tmp_path: Path) -> None:
    suffix, change, least, most = LIES[name]
    source = film(tmp_path / f"film.{suffix}")
    source.write_bytes(change(source.read_bytes()))
    facts = split(source).source
    gap = facts.gaps[-1]
    assert least < gap.seconds < most
    assert float(gap.start) == pytest.approx(float(facts.duration), abs=0.2)
    assert any(note.kind == "damaged" and "no pictures for" in note.what for note in facts.notes), facts.notes
    with pytest.raises(SourceError, match="is not complete"):
        split(source, strict=True)


@pytest.mark.parametrize(("suffix", "change"), [("flv", cut), ("wmv", cut), ("mkv", open_ended)])
def test_what_a_file_that_was_cut_off_lacks_counts_as_loss(
    suffix: str, change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    source = film(tmp_path / f"film.{suffix}")
    source.write_bytes(change(source.read_bytes()))
    with pytest.raises(SourceError) as caught:
        split(source)
    assert caught.value.code == "source-truncated"
    gap = split(source, loss_limit=100).source.gaps[-1]
    assert gap.damage
    assert 2 < gap.seconds < 3


ORDINARY = [
    pytest.param(suffix, *lengths, marks=[pytest.mark.long] if lengths == (6, 3) else [])
    for suffix in CODECS
    for lengths in [(2, 4), (6, 3)]
]


@pytest.mark.parametrize(("suffix", "video", "sound"), ORDINARY)
def test_ordinary_files_raise_no_alarm(suffix: str, video: float, sound: float, tmp_path: Path) -> None:
    facts = split(film(tmp_path / f"film.{suffix}", video, sound)).source
    assert facts.gaps == ()
    assert not [note for note in facts.notes if note.kind == "damaged"]
