"""Files that are no film are named, and told what to do: never to remux a picture."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fuzz.mutate import CLIPS, clip
from streamify.media.source.no_media import no_media

FILES = {
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR": "PNG",
    b"\xff\xd8\xff\xe0\0\x10JFIF": "JPEG",
    b"II*\0\x08\0\0\0": "TIFF",
    b"BM\x36\x03\0\0\0\0\0\0\x36\0\0\0": "BMP",
    b"RIFF\x64\0\0\0WEBPVP8 ": "WebP",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic": "HEIC",
    b"\0\0\0\x1cftypavif\0\0\0\0avifmif1": "AVIF",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
    b"\0\0\1\0\1\0\x20\x20\0\0\1\0": "icon",
    b"PK\3\4\x14\0\0\0": "ZIP",
    b"a.txt" + bytes(252) + b"ustar\x0000": "tar",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(8): "Office",
    b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n": "HLS playlist",
    b"ffconcat version 1.0\nfile http://a/b\n": "concat",
    b'<svg xmlns="http://www.w3.org/2000/svg">': "SVG",
    "\ufeffText in UTF-16, with a mark\n".encode("utf-16-le"): "text",
    "Grüße aus Köln\n".encode("latin-1") * 5: "text",
    "Grüße aus Köln\n".encode(): "text",
}


@pytest.mark.parametrize("head", FILES, ids=FILES.values())
def test_what_it_is_is_said(head: bytes) -> None:
    found = no_media(head)
    assert found is not None
    assert FILES[head] in found.what
    assert "ffmpeg" not in found.remedy


def test_moving_pictures_are_told_from_stills(tmp_path: Path) -> None:
    """As FFmpeg writes them; it reads those of PNG, and those of WebP not."""
    for name, said in {"a.png": "an animated PNG", "a.webp": "an animated WebP", "b.png": "a PNG picture"}.items():
        film = (
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=64x48:rate=10:duration=0.3",
            "-frames:v",
            "3" if name[0] == "a" else "1",
        )
        kind = {"a.png": ("-f", "apng"), "a.webp": ("-loop", "0")}.get(name, ())
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *film, *kind, tmp_path / name], check=True, timeout=60)
        found = no_media((tmp_path / name).read_bytes()[:1024])
        assert found is not None
        assert found.what == said


@pytest.mark.parametrize("name", CLIPS)
def test_films_are_none_of_these(name: str) -> None:
    assert no_media(clip(name)[:1024]) is None


@pytest.mark.parametrize("name", [b"ftyp", b"moov", b"mdat", b"free", b"moof"])
def test_a_first_box_of_256_bytes_is_no_icon(name: bytes) -> None:
    assert no_media(b"\0\0\1\0" + name + bytes(248)) is None


def test_noise_is_nothing() -> None:
    assert no_media(b"\x80\x90\xa0\xff\0\1\2\3" * 100) is None
    assert no_media(b"") is not None  # an empty text


def test_raw_video_behind_a_line_of_text_is_no_text() -> None:
    """YUV4MPEG2: flat pictures of letters' values made it one, and the remedy was to give the video itself."""
    assert no_media(b"YUV4MPEG2 W320 H180 F25:1 Ip A1:1 C420jpeg\nFRAME\n" + b"P" * 900) is None
