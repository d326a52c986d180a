"""Hostile and broken inputs: nothing but the one file object is ever read, and every refusal says what to do."""

from __future__ import annotations

import errno
import io
import struct
from pathlib import Path
from typing import BinaryIO

import av
import av.error
import pytest

from clips.corpus import CUT_OFF, REFUSED
from clips.indexed import index_of
from streamify.errors import SourceError
from streamify.media.source.opening import open_media
from streamify.mp4.boxes import box, full_box


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A playable film that hostile inputs point at."""
    path = tmp_path / "secret.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for number in range(5):
            frame = av.VideoFrame(64, 64, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number * 20]) * plane.buffer_size)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("decoded", [True, False])
def test_pictures_are_decoded_on_opening_only_where_others_follow(film: Path, *, decoded: bool) -> None:
    with film.open("rb") as file, open_media(file, decoded=decoded) as container:
        video = container.streams.video[0]
        assert video.codec_context.pix_fmt == ("yuv420p" if decoded else None)  # its pictures tell it
        packets = [(packet.pts, packet.dts, bytes(packet)) for packet in container.demux(video) if packet.size]
    shown = [(packet.pts, packet.dts, bytes(packet)) for packet in av.open(str(film)).demux() if packet.size]
    assert packets == shown
    assert len(packets) == 5


def refused(file: BinaryIO) -> str:
    with pytest.raises(SourceError) as caught:
        open_media(file).close()
    assert caught.value.hint
    assert "/" not in caught.value.message.replace("MP4/MOV", "")  # no path of this machine
    return caught.value.code


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4"])
def test_playlist_that_names_another_file_is_not_media(film: Path, name: str) -> None:
    playlist = film.with_name(name)
    playlist.write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-VERSION:7\n#EXTINF:1,\nfile://{film}\n#EXTINF:1,\n{film.name}\n"
        "#EXT-X-ENDLIST\n"
    )
    with playlist.open("rb") as file:
        assert refused(file) == "source-not-media"


def test_concat_script_is_not_media(film: Path) -> None:
    script = film.with_name("script.ffconcat")
    script.write_text(f"ffconcat version 1.0\nfile {film.name}\n")
    with script.open("rb") as file:
        assert refused(file) == "source-not-media"


@pytest.mark.parametrize(
    "text",
    [
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period/></MPD>',
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        b"[playlist]\nFile1=http://127.0.0.1:1/a.mp4\n",
    ],
)
def test_other_scripts_are_not_media(text: bytes) -> None:
    assert refused(io.BytesIO(text)) == "source-not-media"


def test_a_picture_is_no_video_and_is_not_told_to_become_one(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as out:
        stream = out.add_stream("png", rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb24"
        frame = av.VideoFrame(64, 64, "rgb24")
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with path.open("rb") as file, pytest.raises(SourceError) as caught:
        open_media(file)
    assert (caught.value.code, caught.value.message) == ("source-not-media", "the source is a PNG picture")
    assert "ffmpeg" not in caught.value.hint


@pytest.mark.parametrize(
    "head", [b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"PK\3\4\x14\0", b"\x1f\x8b\x08\0", b"%PDF-1.7\n\xff"]
)
def test_what_is_no_media_at_all_is_not_told_to_be_remuxed(head: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        open_media(io.BytesIO(head + bytes(range(256)) * 8))
    assert caught.value.code == "source-not-media"
    assert "ffmpeg" not in caught.value.hint


def test_mov_that_refers_to_another_file_does_not_open_it(film: Path) -> None:
    """A QuickTime alias record (volume, folder and path of `film`) takes the place of the self-reference."""
    data = film.read_bytes()
    plain = box(b"dref", struct.pack(">II", 0, 1), full_box(b"url ", 0, 1))
    assert data.count(plain) == 1
    path = str(film).encode()
    alias = bytearray(150)
    struct.pack_into(">HH", alias, 4, 150 + 4 + len(path) + 4, 2)
    struct.pack_into(">hh", alias, 130, 1, 1)
    records = struct.pack(">HH", 2, len(path)) + path + b"\0" * (len(path) % 2)
    records += struct.pack(">HH", 18, len(path)) + path + b"\0" * (len(path) % 2) + struct.pack(">Hh", 0xFFFF, 0)
    hostile = box(b"dref", struct.pack(">II", 0, 1), full_box(b"alis", 0, 0, bytes(alias), records))
    grown = data.replace(plain, hostile)
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        at = grown.rindex(kind) - 4
        (size,) = struct.unpack_from(">I", grown, at)
        grown = grown[:at] + struct.pack(">I", size + len(hostile) - len(plain)) + grown[at + 4 :]
    mdat = data.index(b"mdat")
    emptied = bytearray(grown)  # without its own pictures: only the other file could show any
    emptied[mdat + 4 : grown.rindex(b"moov") - 4] = bytes(grown.rindex(b"moov") - 8 - mdat)
    beside = film.with_name("hostile.mov")
    beside.write_bytes(bytes(emptied))
    with beside.open("rb") as file, open_media(file) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert not any(any(packet) for packet in packets)


def test_protocols_are_refused() -> None:
    """Even a demuxer that would open a second file could not: no protocol is on the list."""
    with pytest.raises((av.FFmpegError, OSError, ValueError)):
        av.open("file:/dev/null", options={"protocol_whitelist": "none"})


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_broken_uploads_are_told_apart(name: str, corpus: Path) -> None:
    path = corpus / name
    with path.open("rb") as file, pytest.raises(SourceError) as caught:
        index_of(file, path.stat().st_size, 0)
    assert caught.value.code == REFUSED[name]


def test_of_an_upload_that_was_cut_off_what_is_there_is_known(corpus: Path) -> None:
    path = corpus / CUT_OFF
    with path.open("rb") as file:
        index = index_of(file, path.stat().st_size, 0)
    assert 0 < index.missing <= 4_139_933 - 1_500_000  # where its mdat box says it ends, with its sound
    assert len(index.pts) == 285  # of the 286 packets that ffprobe counts the last one is cut off
    assert index.gaps[-1].start + index.gaps[-1].seconds == 30


class Failing(io.BytesIO):
    """A file on a disk that fails at one read and at all that follow."""

    def __init__(self, data: bytes, good: int) -> None:
        super().__init__(data)
        self.left = good

    def read(self, size: int | None = -1) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


def test_a_disk_that_fails_while_a_torn_film_is_opened_again_is_named(film: Path) -> None:
    """Whichever of the reads fails; with none the film opens, its last fragment left out."""
    whole = io.BytesIO()
    with av.open(str(film)) as given, av.open(whole, "w", "mp4", options={"movflags": "frag_every_frame"}) as out:
        stream = out.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    data = whole.getvalue()
    torn = data[: data.rindex(b"tfhd") + 4]
    with pytest.raises(av.error.FFmpegError):
        av.open(io.BytesIO(torn), format="mp4").close()
    file = Failing(torn, 1_000_000)
    open_media(file).close()
    for good in range(1_000_000 - file.left):
        with pytest.raises(SourceError) as caught:
            open_media(Failing(torn, good)).close()
        assert (caught.value.code, caught.value.transient) == ("source-unreadable", True), good


def test_other_bytes_are_refused() -> None:
    assert refused(io.BytesIO(bytes(range(255, 0, -1)) * 200)) == "source-unreadable"
