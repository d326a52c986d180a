"""Thumbnails and posters of real films: which picture they show, by numbers burnt in and read from the JPEG files."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clips.identity import Luma, read_id
from clips.joined_sound import ffmpeg
from clips.numbered import encode
from e2e.driving import verify
from selection import sample
from streamify.api import transcode
from streamify.errors import VerificationFailed
from streamify.model.images import StoryboardReport
from streamify.model.report import Report


def film(path: Path, seconds: int = 14) -> Path:
    return encode(path, range(seconds * 25), "mpeg4", "mp4", {"g": "50", "b": "2000000"})


def pixels(path: Path, *filters: str, size: tuple[int, int]) -> Luma:
    """Return the luma of a picture file as the system's FFmpeg decodes it."""
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(path),
        "-vf",
        ",".join([*filters, "format=gray"]),
        "-f",
        "rawvideo",
        "-",
    ]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(size[1], size[0])


def tile(dest: Path, board: StoryboardReport, number: int) -> Luma:
    sheet, place = divmod(number, board.columns * board.rows)
    row, column = divmod(place, board.columns)
    crop = f"crop={board.width}:{board.height}:{column * board.width}:{row * board.height}:exact=1"
    return pixels(dest / board.sheets[sheet].key, crop, size=(board.width, board.height))


def shown(dest: Path, report: Report) -> list[int | None]:
    assert report.thumbnails is not None
    return [read_id(tile(dest, report.thumbnails, number)) for number in range(report.thumbnails.count)]


def files(dest: Path) -> dict[str, bytes]:
    found = [*(dest / "thumbnails").rglob("*.*"), *(dest / "poster").iterdir()]
    return {str(path.relative_to(dest)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("images") / "a.mp4")


@pytest.mark.parametrize("interval", sample(["1", "3/5", "2.5"], "3/5"))
def test_each_thumbnail_shows_the_picture_of_its_time(tmp_path: Path, source: Path, interval: str) -> None:
    report = transcode(source, tmp_path / "s", preset="ultrafast", thumbnails=interval, engine="inline")
    times = [number * Fraction(interval) for number in range(-(-14 // Fraction(interval)))]
    assert shown(tmp_path / "s", report) == [int(at * 25) for at in times]


def test_by_default_each_thumbnail_is_a_keyframe_of_the_stream(tmp_path: Path) -> None:
    """So one picture is decoded for each, and it is the one of its time all the same."""
    path = encode(tmp_path / "a.mp4", range(200), "mpeg4", "mp4", {"g": "50"}, rate=Fraction(30000, 1001))
    report = transcode(path, tmp_path / "s", preset="ultrafast", poster="off", engine="inline")
    assert report.thumbnails is not None
    assert report.thumbnails.interval == Fraction(60 * 1001, 30000)
    assert shown(tmp_path / "s", report) == [0, 60, 120, 180]


@pytest.mark.long
def test_of_a_variable_rate(tmp_path: Path, source: Path) -> None:
    """Every third picture is missing from 4 s on: what is shown is the last one before each time."""
    path = tmp_path / "v.mkv"
    select = "select='lt(n,100)+mod(n,3)'"
    ffmpeg("-i", str(source), "-vf", select, "-fps_mode", "vfr", "-c:v", "mpeg4", "-q:v", "3", path)
    report = transcode(path, tmp_path / "s", preset="ultrafast", thumbnails="1", engine="inline")
    there = [n for n in range(350) if n < 100 or n % 3]
    expected = [max(n for n in there if n <= second * 25) for second in range(14)]
    assert shown(tmp_path / "s", report) == expected


@pytest.mark.long
def test_the_same_bytes_by_one_and_by_several_workers(tmp_path: Path, source: Path) -> None:
    transcode(source, tmp_path / "one", preset="ultrafast", engine="inline")
    transcode(source, tmp_path / "two", preset="ultrafast", workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")


@pytest.fixture
def stream(tmp_path: Path, source: Path) -> Path:
    transcode(source, tmp_path / "stream", preset="ultrafast", thumbnails="5", engine="inline")
    return tmp_path / "stream"


def test_what_is_missing_is_made_again_and_what_is_altered_is_told(stream: Path, source: Path) -> None:
    before = files(stream)
    verify(stream)
    for name in ("thumbnails/*/00000.jpg", "poster/*.webp"):
        (path,) = sorted(stream.glob(name))[:1]
        data = path.read_bytes()
        path.write_bytes(data[:-9] + bytes((data[-9] ^ 1,)) + data[-8:])
        with pytest.raises(VerificationFailed, match=path.name):
            verify(stream)
        path.write_bytes(data)
    (sheet,) = stream.glob("thumbnails/*/00000.jpg")
    sheet.unlink()
    min(stream.glob("poster/*.webp")).unlink()
    transcode(source, stream, preset="ultrafast", thumbnails="5", engine="inline")
    assert files(stream) == before


def test_another_choice_replaces_the_images_and_no_segment(stream: Path, source: Path) -> None:
    segments = {path: path.stat().st_mtime_ns for path in stream.rglob("*.m4s")}
    report = transcode(
        source, stream, preset="ultrafast", thumbnails="off", poster="3", replace=True, replace_grace=0, engine="inline"
    )
    assert report.tasks_run == 0
    assert {path: path.stat().st_mtime_ns for path in stream.rglob("*.m4s")} == segments
    assert not [*stream.glob("thumbnails/*")]
    assert "IMAGE" not in (stream / "master.m3u8").read_text()
    assert report.poster is not None
    largest = report.poster.stills[0]
    assert read_id(pixels(stream / largest.key, size=(largest.width, largest.height))) == 75
    verify(stream)


def test_posters_in_three_sizes_and_two_formats(stream: Path) -> None:
    sizes = {}
    for path in (stream / "poster").iterdir():
        command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0"]
        found = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True).stdout.strip()
        sizes[path.name] = found.rstrip(",")
    assert sizes == {
        f"{width}.{suffix}": f"{codec},{width},{height}"
        for width, height in ((320, 180), (160, 90), (80, 44))
        for suffix, codec in (("jpg", "mjpeg"), ("webp", "webp"))
    }


@pytest.mark.parametrize("colour", sample(["black", "white", "blue"], "white"))
def test_no_poster_is_empty_where_the_film_has_a_picture(tmp_path: Path, colour: str) -> None:
    """Nine tenths of the film are one colour, and what it shows fades in and out."""
    plain = f"color={colour}:size=320x180:rate=25:duration=9"
    shot = "testsrc2=size=320x180:rate=25:duration=2,fade=in:0:15,fade=out:35:15"
    join = f"{plain}[a];{shot}[b];{plain}[c];[a][b][c]concat=n=3"
    ffmpeg("-filter_complex", join, "-c:v", "mpeg4", "-q:v", "3", tmp_path / "a.mp4")
    report = transcode(tmp_path / "a.mp4", tmp_path / "s", preset="ultrafast", thumbnails="off", engine="inline")
    assert report.poster is not None
    assert 9.5 <= report.poster.at <= 10.5
    largest = report.poster.stills[0]
    assert pixels(tmp_path / "s" / largest.key, size=(largest.width, largest.height)).std() > 40


@pytest.mark.long
def test_a_poster_is_found_between_candidates(tmp_path: Path) -> None:
    """All of the film is black but for a second at which no candidate is: then more of it is looked at."""
    black = "color=black:size=320x180:rate=25:duration={}"
    join = f"{black.format(12)}[a];testsrc2=size=320x180:rate=25:duration=1[b];{black.format(7)}[c];[a][b][c]concat=n=3"
    ffmpeg("-filter_complex", join, "-c:v", "mpeg4", "-q:v", "3", tmp_path / "a.mp4")
    report = transcode(tmp_path / "a.mp4", tmp_path / "s", preset="ultrafast", thumbnails="off", engine="inline")
    assert report.poster is not None
    assert 12 <= report.poster.at < 13


def test_a_film_of_one_colour_has_a_poster_all_the_same(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "color=black:size=64x48:rate=25:duration=1", "-c:v", "mpeg4", tmp_path / "a.mp4")
    report = transcode(tmp_path / "a.mp4", tmp_path / "s", preset="ultrafast", engine="inline")
    assert report.poster is not None
    assert len(report.poster.stills) == 6


def test_sound_alone_has_no_images(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=duration=2", tmp_path / "a.wav")
    report = transcode(tmp_path / "a.wav", tmp_path / "s", engine="inline")
    assert (report.poster, report.thumbnails) == (None, None)


def animation(data: bytes) -> tuple[tuple[int, int], list[int], bytes]:
    """Return size, milliseconds of each picture, and the first picture as a file of its own (RFC 9649)."""
    assert (data[:4], data[8:16], int.from_bytes(data[4:8], "little")) == (b"RIFF", b"WEBPVP8X", len(data) - 8)
    size = int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    lasts, first, at = [], b"", 12
    while at < len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + length]
        if kind == b"ANIM":
            assert body[4:6] == b"\0\0"  # repeats for ever
        if kind == b"ANMF":
            lasts.append(int.from_bytes(body[12:15], "little"))
            first = first or b"RIFF" + (len(body) - 12).to_bytes(4, "little") + b"WEBP" + body[16:]
        at += 8 + length + length % 2
    return size, lasts, first


def test_an_animated_preview(tmp_path: Path, source: Path) -> None:
    """3 s of 14: 1.5 s from 0.7 s on, and 1.5 s that end 0.7 s before the end."""
    given: dict[str, Any] = {"preset": "ultrafast", "thumbnails": "off", "engine": "inline"}
    report = transcode(source, tmp_path / "s", preview=3, **given)
    made = report.preview
    assert made is not None
    data = (tmp_path / "s" / made.key).read_bytes()
    size, lasts, first = animation(data)
    assert (size, sum(lasts), made.pictures, made.size) == ((made.width, made.height), 3000, 30, len(data))
    assert max(size) <= 320
    assert len(data) < 2_000_000
    still = tmp_path / "first.webp"
    still.write_bytes(first)
    assert read_id(pixels(still, size=size)) == int(0.7 * 25)
    verify(tmp_path / "s")
    transcode(source, tmp_path / "two", preview=3, **given | {"engine": "local", "workers": 2})
    assert (tmp_path / "two" / made.key).read_bytes() == data
    (tmp_path / "s" / made.key).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(VerificationFailed, match=r"preview\.webp: checksum differs"):
        verify(tmp_path / "s")
    (tmp_path / "s" / made.key).unlink()  # as the error says
    transcode(source, tmp_path / "s", preview=3, **given)
    assert (tmp_path / "s" / made.key).read_bytes() == data
    again = transcode(source, tmp_path / "s", **given)  # none is wanted any more
    assert again.preview is None
    assert not (tmp_path / "s" / made.key).exists()
