"""Joined transport streams lose nothing at the join; those from which packets are missing do, and `strict` says so."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from clips.numbered import encode
from stores import split
from streamify.errors import SourceError

PACKET = 188
OPTIONS = {"preset": "ultrafast", "bf": "2", "g": "25", "x264-params": "b-adapt=0"}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transport stream of 4 s."""
    return encode(tmp_path_factory.mktemp("film") / "film.ts", range(100), "libx264", "mpegts", OPTIONS)


def video(data: bytes) -> list[int]:
    """Return where packets of the pictures are (256 is the first PID that FFmpeg's muxer gives)."""
    return [at for at in range(0, len(data), PACKET) if (data[at + 1] & 0x1F) << 8 | data[at + 2] == 256]


def pictures(data: bytes) -> list[int]:
    """Return where pictures begin."""
    return [at for at in video(data) if data[at + 1] & 0x40]


def copied(film: Path, *options: str | Path) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-copyts", "-i", film, "-c", "copy", *options]
    subprocess.run(command, check=True, timeout=60)


def segments(film: Path, *order: int) -> bytes:
    """Return seconds of a film that were each muxed anew: the clock goes on, counters do not."""
    copied(film, "-f", "segment", "-segment_time", "1", "-segment_format", "mpegts", film.parent / "part%d.ts")
    return b"".join((film.parent / f"part{number}.ts").read_bytes() for number in order)


def with_time_codes(film: Path) -> bytes:
    copied(film, "-mpegts_m2ts_mode", "1", "-f", "mpegts", film.parent / "film.m2ts")
    return (film.parent / "film.m2ts").read_bytes() * 2


def half_a_picture(film: Path) -> bytes:
    """Return a recording that ends inside a picture, and another."""
    data = film.read_bytes()
    other = encode(film.with_name("other.ts"), range(200, 250), "libx264", "mpegts", OPTIONS)
    return data[: video(data[: pictures(data)[-1]])[-2]] + other.read_bytes()


def without(data: bytes, first: int, end: int) -> bytes:
    """Return a stream without the packets of its pictures between two places."""
    return b"".join(data[at : at + PACKET] for at in range(0, len(data), PACKET)
                    if not (first <= at < end and at in set(video(data))))  # fmt: skip


def without_one_packet(film: Path) -> bytes:
    data = film.read_bytes()
    inside = next(at for at in video(data)[200:] if not data[at + 1] & 0x40)
    return without(data, inside, inside + PACKET)


def without_a_picture(film: Path) -> bytes:
    data = film.read_bytes()
    places = pictures(data)
    return without(data, places[60], places[61])


WHOLE: dict[str, tuple[Callable[[Path], bytes], int, str]] = {
    "two recordings": (lambda film: film.read_bytes() * 2, 200, "the clock starts anew at 4.000 s"),
    "with time codes": (with_time_codes, 200, "the clock starts anew at 4.000 s"),
    "segments": (lambda film: segments(film, 0, 1, 2, 3), 100, "2 joins, at 2.000 s, 3.000 s"),
    "a segment twice": (
        lambda film: segments(film, 0, 1, 1, 2, 3),
        100,
        "25 packets that came before, from 1.000 s on",
    ),
}
CUT: dict[str, Callable[[Path], bytes]] = {
    "half a picture at a join": half_a_picture,
    "a packet": without_one_packet,
    "a picture": without_a_picture,
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_join_that_loses_nothing_is_named_and_allowed(name: str, film: Path, tmp_path: Path) -> None:
    make, frames, said = WHOLE[name]
    (tmp_path / "film.ts").write_bytes(make(film))
    plan = split(tmp_path / "film.ts", strict=True)
    assert plan.source.video is not None
    assert plan.source.video.frames == frames
    assert any(said in note.what for note in plan.notes), plan.notes
    assert not [note for note in plan.notes if note.kind == "damaged"]


@pytest.mark.parametrize("name", CUT)
def test_what_is_missing_is_no_join(name: str, film: Path, tmp_path: Path) -> None:
    (tmp_path / "film.ts").write_bytes(CUT[name](film))
    assert any(note.kind == "damaged" for note in split(tmp_path / "film.ts").notes)
    with pytest.raises(SourceError, match="incomplete"):
        split(tmp_path / "film.ts", strict=True)
