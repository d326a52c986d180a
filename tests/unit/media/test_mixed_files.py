"""Files joined byte by byte in containers of which FFmpeg reads one file: they are refused, and say where."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from clips.numbered import remux
from clips.tones import tones, write_film, write_plain_wav, write_sound
from stores import split
from streamify.errors import SourceError
from streamify.media.source.mixed_file import refuse_second_file
from streamify.media.source.mixed_flac import second_flac

SECONDS = 1
MPEG2 = ("-c:v", "mpeg2video", "-c:a", "pcm_s16le")
ID3 = b"ID3\4\0\0\0\0\1\0" + bytes(128)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    wave = write_plain_wav(folder / "wave.wav", tones(1, SECONDS))
    return write_film(folder / "film.mkv", [wave], SECONDS, "-c:a", "aac", "-g", "25")


def refused(source: Path, *parts: bytes, why: str) -> None:
    source.write_bytes(b"".join(parts))
    with pytest.raises(SourceError) as caught:
        split(source)
    assert (caught.value.code, caught.value.exit_code) == ("source-joined", 3)
    assert why in caught.value.message


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("ivf", ("-an", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")),
        ("rm", ("-c:v", "rv20", "-s", "176x144", "-c:a", "ac3")),
        ("wtv", ("-c:v", "mpeg2video", "-c:a", "mp2")),
        ("mxf", MPEG2),
        ("gxf", (*MPEG2, "-s", "720x576")),
        ("flac", ("-vn", "-c:a", "flac")),
    ],
)
def test_a_second_file_is_refused(suffix: str, options: Sequence[str], film: Path, tmp_path: Path) -> None:
    data = remux(film, tmp_path / f"first.{suffix}", *options).read_bytes()
    assert split(tmp_path / f"first.{suffix}").source.duration > SECONDS - 0.1
    source = tmp_path / f"joined.{suffix}"
    refused(source, data, data, why=f"what begins at byte {len(data)} is not read")
    if suffix == "flac":
        refused(source, ID3, data, ID3, data, why=f"what begins at byte {len(data) + 2 * len(ID3)} is not read")


def test_flv_that_ffmpeg_finds_again_is_refused(film: Path, tmp_path: Path) -> None:
    """It takes the second header for a tag of 5,002,753 bytes, and finds the tags of longer files behind it: without
    the configuration of their decoder.
    """
    data = remux(film, tmp_path / "film.flv").read_bytes()
    sound = remux(film, tmp_path / "sound.flv", "-vn", "-c:a", "pcm_s16le", "-ar", "44100").read_bytes()
    begin = 13
    more = sound + sound[begin:] * (6_000_000 // len(sound))
    source = tmp_path / "joined.flv"
    for parts in ([data, more], [data, more, data], [more, data], [more, more]):
        refused(source, *parts, why=f"what begins at byte {len(parts[0])} is not read")


@pytest.mark.parametrize(
    "other", [("-r", "50"), ("-c:v", "mjpeg"), ("-c:a", "pcm_s16le"), ("-an",)], ids=["rate", "codec", "sound", "none"]
)
def test_avi_described_otherwise_is_refused(other: Sequence[str], film: Path, tmp_path: Path) -> None:
    """FFmpeg decodes it as the first: of pictures in another codec none was shown, with exit code 0."""
    coded = ("-c:v", "mpeg4", "-c:a", "mp2")
    first = remux(film, tmp_path / "first.avi", *coded).read_bytes()
    second = remux(film, tmp_path / "second.avi", *coded, *other).read_bytes()
    why = f"streams are described otherwise from byte {len(first)} on"
    refused(tmp_path / "joined.avi", first, second, why=why)


@pytest.mark.parametrize("other", [(), ("-s", "320x180")])
def test_avi_with_the_same_streams_may_be_joined(other: Sequence[str], film: Path, tmp_path: Path) -> None:
    """Pictures of MPEG-4 say how large they are."""
    coded = ("-c:v", "mpeg4", "-c:a", "mp2")
    source = tmp_path / "joined.avi"
    parts = [remux(film, tmp_path / "part.avi", *coded, *options).read_bytes() for options in ((), other)]
    source.write_bytes(b"".join(parts))
    assert split(source).source.coded == 50


@pytest.mark.parametrize("magic", [b"#!AMR\n", b"#!AMR-WB\n"])
def test_amr_is_refused(magic: bytes, tmp_path: Path) -> None:
    """Frames of 12.2 kbit/s, or 23.85, of 20 ms (RFC 4867, 5.3): the header is no frame."""
    frame = b"\x3c" + bytes(31) if magic.endswith(b"R\n") else b"\x44" + bytes(60)
    data = magic + frame * 50
    whole = tmp_path / "whole.amr"
    whole.write_bytes(data)
    assert split(whole).source.duration > 0.9
    refused(tmp_path / "joined.amr", data, data, why=f"what begins at byte {len(data)} is not read")


class Counted(io.BytesIO):
    """Counts the bytes that are read."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


def test_flac_is_read_in_a_few_places(tmp_path: Path) -> None:
    """Noise, which does not become smaller: 10 MB."""
    noise = np.random.default_rng(1).uniform(-1, 1, (1, 5_000_000))
    data = write_sound(tmp_path / "noise.flac", noise, "mono", codec="flac").read_bytes()
    file = Counted(data)
    assert second_flac(file, len(data), 0) == 0
    assert file.count < len(data) / 2
    assert second_flac(io.BytesIO(data * 2), 2 * len(data), 0) == len(data)
    assert second_flac(io.BytesIO(data + data[: len(data) // 50]), len(data) * 51 // 50, 0) == len(data)


@pytest.mark.parametrize(
    "magic",
    [
        "3026b2758e66cf11a6d900aa0062ce6c",
        "726966662e91cf11a5d628db04c10000",
        "060e2b34020501010d0102010102",
        "524946460000000057415645",
        "b7d800203749da11a64e0007e95ead8d",
        "2e524d46",
        "63616666 0001",
        "664c6143",
    ],
    ids=["asf", "w64", "mxf", "wav", "wtv", "rm", "caf", "flac"],
)
def test_files_that_end_within_their_first_header(magic: str) -> None:
    """They have no second one."""
    whole = bytes.fromhex(magic) + bytes(24)
    for count in range(1, len(whole)):
        refuse_second_file(io.BytesIO(whole[:count]), count)


def test_chained_ogg_that_ffmpeg_does_not_read_is_refused(film: Path, tmp_path: Path) -> None:
    """Several streams with numbers of their own; where the numbers are the same it reads both files."""
    coded = ("-c:v", "libtheora", "-q:v", "5", "-c:a", "libvorbis", "-serial_offset")
    first, second = (remux(film, tmp_path / "part.ogv", *coded, number).read_bytes() for number in ("1", "7"))
    source = tmp_path / "joined.ogv"
    refused(source, first, second, why=f"what begins at byte {len(first)} is not read")
    source.write_bytes(first * 2)
    assert split(source).source.coded == 50
