"""Dolby Vision is read where ISO base media files say it: in the sample entry, and nowhere else."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import pytest

from clips.make import ClipSpec, make_clip
from clips.probing import probe
from streamify.errors import SourceError

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


def with_record(film: bytes, record: bytes, kind: bytes = b"dvcC") -> bytes:
    """Put a box into the video's sample entry; the moov is the last box, so no sample moves."""
    extra = box(kind, record)
    moov = film.rindex(b"moov") - 4
    inner = bytearray(film[moov:])
    entry = inner.index(b"avc1", inner.index(b"stsd")) - 4
    (size,) = struct.unpack_from(">I", inner, entry)
    inner[entry + size : entry + size] = extra
    for name in (b"avc1", b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        at = inner.rindex(name, 0, entry + 8) - 4
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
