"""Headers that hold more than any honest file's are refused before FFmpeg compares each entry with all others."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av
import pytest
from av.audio.stream import AudioStream

import streamify
from clips.claims import film
from fuzz.mutate import clip
from streamify.errors import SourceError
from streamify.media.source import opening
from streamify.media.source.metadata import refuse_metadata
from streamify.media.source.timed_file import PACKET, TimedFile
from streamify.model.limits import EDITS, METADATA
from streamify.mp4.boxes import box, first, full_box
from streamify.mp4.edits import TooManyEditsError, corrections

CODECS = {"matroska": "aac", "ogg": "libopus", "flac": "flac"}


def tagged(container: str, count: int) -> bytes:
    """Return some sound with as many tags; FFmpeg's muxer writes another one of its own."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        target.metadata.update({f"K{number}": "v" for number in range(count)})
        stream = target.add_stream(CODECS[container], rate=48000, layout="mono")
        assert isinstance(stream, AudioStream)
        stream.codec_context.open()
        frame = av.AudioFrame(format=stream.codec_context.format.name, layout="mono", samples=960)
        frame.sample_rate, frame.pts = 48000, 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize("container", CODECS)
def test_tags_are_counted(container: str) -> None:
    data = tagged(container, METADATA - 10)
    refuse_metadata(io.BytesIO(data), len(data))
    data = tagged(container, METADATA + 1)
    with pytest.raises(SourceError) as caught:
        refuse_metadata(io.BytesIO(data), len(data))
    assert caught.value.code == "source-too-complex"


def element(kind: str, data: bytes, length: int | None = None) -> bytes:
    """Return an element of Matroska (RFC 8794) that claims a length."""
    return bytes.fromhex(kind) + (1 << 56 | (len(data) if length is None else length)).to_bytes(8) + data


@pytest.mark.parametrize("width", [8, 4000])
def test_places_of_tags_may_be_behind_any_file(width: int, tmp_path: Path) -> None:
    """A file cannot be read from byte 2^64 - 1 on (RFC 9559, 5.1.1.1.2)."""
    seek = element("4dbb", element("53ab", bytes.fromhex("1254c367")) + element("53ac", b"\xff" * width))
    source = tmp_path / "film.mkv"
    source.write_bytes(element("1a45dfa3", b"") + element("18538067", element("114d9b74", seek)))
    with source.open("rb") as file:
        refuse_metadata(file, source.stat().st_size)


def test_tags_of_other_tracks_do_not_add_up() -> None:
    """A Tag with targets names a track; a segment of Matroska is written by hand (RFC 9559, 5.1.8)."""

    def tags(track: int, count: int) -> bytes:
        target = element("63c0", element("63c5", track.to_bytes(8)))
        return element("7373", target + element("67c8", b"") * count)

    def matroska(*lists: bytes) -> bytes:
        return element("1a45dfa3", b"") + element("18538067", element("1254c367", b"".join(lists)))

    several = matroska(*(tags(track, METADATA) for track in range(3)))
    refuse_metadata(io.BytesIO(several), len(several))
    one = matroska(tags(1, METADATA), tags(1, 1))
    with pytest.raises(SourceError):
        refuse_metadata(io.BytesIO(one), len(one))


class Counting(io.BytesIO):
    """A large file, of which a beginning is there; counts what is read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        self.taken += size
        return super().read(size)


def seeks(*places: int) -> bytes:
    """Return a SeekHead that says that lists of tags are at places of the segment (RFC 9559, 5.1.1)."""
    one = (element("53ab", bytes.fromhex("1254c367")) + element("53ac", place.to_bytes(8)) for place in places)
    return element("114d9b74", b"".join(element("4dbb", entry) for entry in one))


@pytest.mark.parametrize("kind", ["1254c367", "114d9b74"], ids=["tags", "places of tags"])
def test_lists_that_claim_the_whole_file_are_not_read(kind: str) -> None:
    file = Counting(element("1a45dfa3", b"") + element("18538067", element(kind, b"", 1 << 40)))
    with pytest.raises(SourceError) as caught:
        refuse_metadata(file, 1 << 40)
    assert caught.value.code == "source-too-complex"
    assert file.taken < 1 << 20


def test_lists_of_tags_that_overlap_are_read_a_few_times() -> None:
    """Each place is a list that holds all behind it: together they have hundreds of megabytes."""
    head, listed = len(seeks(*range(2_000))), element("1254c367", b"", 200_000)
    lists = listed * 2_000
    body = seeks(*(head + at for at in range(0, len(lists), len(listed)))) + element("1f43b675", b"") + lists
    data = element("1a45dfa3", b"") + element("18538067", body)
    file = Counting(data)
    refuse_metadata(file, 1 << 30)
    assert file.taken < 32 << 20


def test_blocks_of_flac_are_counted() -> None:
    data = b"fLaC" + bytes((1, 0, 0, 0)) * 20_000 + bytes((0x81, 0, 0, 0))
    with pytest.raises(SourceError) as caught:
        refuse_metadata(io.BytesIO(data), len(data))
    assert caught.value.code == "source-too-complex"


@pytest.mark.parametrize("name", ["mp4", "mkv", "ogg", "ts", "flv"])
def test_honest_files_have_few(name: str) -> None:
    data = clip(name)
    for size in (len(data), len(data) // 3, 30, 5, 0):  # and cut-off ones are damaged, no more
        refuse_metadata(io.BytesIO(data[:size]), size)


def edited(entries: int) -> bytes:
    data = film(3)
    trak = first(data, "moov/trak")
    elst = full_box(b"elst", 0, 0, struct.pack(">I", entries), struct.pack(">IiI", 40, 0, 1 << 16) * entries)
    moov = first(data, "moov")
    made = box(b"trak", data[trak.body : trak.end], box(b"edts", elst))
    return data[: moov.start] + box(b"moov", data[moov.body : trak.start], made, data[trak.end : moov.end])


def test_entries_of_edit_lists_are_counted(tmp_path: Path) -> None:
    assert corrections(io.BytesIO(edited(EDITS)), len(edited(EDITS))) == ()
    with pytest.raises(TooManyEditsError):
        corrections(io.BytesIO(edited(EDITS + 1)), len(edited(EDITS + 1)))
    source = tmp_path / "a.mp4"
    source.write_bytes(edited(EDITS + 1))
    with pytest.raises(SourceError) as caught:
        streamify.plan(source, engine="inline")
    assert caught.value.code == "source-too-complex"
    assert str(EDITS + 1) in caught.value.message


def test_opening_and_reading_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is made to take seconds: the time that it may take is none."""
    monkeypatch.setattr(opening, "OPEN_SECONDS", 0)
    with pytest.raises(SourceError) as caught:
        opening.open_media(io.BytesIO(clip("flv")))
    assert caught.value.code == "source-too-complex"
    late = TimedFile(io.BytesIO(b"abc"), 0)
    assert late.read() == b""
    with pytest.raises(SourceError, match="to read it"):
        late.check("read")


def test_time_is_given_for_each_packet_and_ends_with_the_work() -> None:
    timed = TimedFile(io.BytesIO(b"abc"), 0)
    for _ in range(int(60 / PACKET)):
        timed.gave()
    assert timed.read(1) == b"a"
    timed.check("read")
    timed.gave()
    assert timed.read(1) == b"b"
