"""Our reading of MP4 tables against FFmpeg's, over files whose boxes are rewritten by hand."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import av
import pytest

from clips.corpus import decode, digest
from clips.indexed import index_of
from clips.long_mp4 import CHUNK, PICTURES, RATE, TICK, write_long_mp4
from clips.numbered import encode, remux
from streamify.errors import SourceError
from streamify.media.source.entering import open_splice, packets_from
from streamify.media.source.opening import open_media
from streamify.media.source.splice import SplicedFile
from streamify.media.source.video_index import VideoIndex
from streamify.mp4.boxes import box, first, full_box
from streamify.mp4.movie import children
from streamify.mp4.tables import read_chunks

FILM = RATE * TICK
"""Ticks per second of the film's pictures."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Eight seconds; moov at the end, so that its boxes may grow."""
    path: Path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_long_mp4(path, 8)
    return path.read_bytes()


def swapped(data: bytes, path: str, new: bytes) -> bytes:
    """Replace the first box at `path` and correct the sizes of the boxes around it."""
    old = first(data, path)
    names = path.split("/")
    out = bytearray(data[: old.start] + new + data[old.end :])
    for depth in range(1, len(names)):
        outer = first(data, "/".join(names[:depth]))
        struct.pack_into(">I", out, outer.start, outer.size + len(new) - old.size)
    return bytes(out)


def edits(*parts: tuple[int, int, int]) -> bytes:
    """Build an elst of (milliseconds, media ticks, rate)."""
    return full_box(b"elst", 0, 0, struct.pack(">I", len(parts)), *(struct.pack(">IiI", *part) for part in parts))


def shown(data: bytes) -> dict[int, str]:
    """Decode everything with FFmpeg's own handling of the file."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        frames = decode(stream, container.demux(stream))
        return {frame.pts: digest(frame) for frame in frames if frame.pts is not None}


def through_slices(data: bytes, index: VideoIndex, start: int, end: int | None) -> dict[int, str]:
    where = index.locate(start, end)
    entries, splice = where.entries, where.splice
    assert splice is not None
    container, stream = open_splice(SplicedFile(splice, io.BytesIO(data)), splice, 0)
    with container:
        packets = packets_from(container, stream, entries, entries[0], sliced=True)
        found = {frame.pts: digest(frame) for frame in decode(stream, packets) if frame.pts is not None}
    return {pts: known for pts, known in found.items() if start <= pts and (end is None or pts < end)}


ONE = 0x10000


@pytest.mark.parametrize(
    "parts",
    [
        [(8000, 1024, ONE)],
        [(8000, 0, ONE)],
        [(3000, 1024 + 5 * TICK, ONE)],
        [(5100, 1024 + PICTURES * TICK + 7 * TICK, ONE)],
        [(2000, 1024 + 30 * TICK + 100, ONE)],
        [(1500, -1, 0), (3300, 1024, ONE)],
        [(333, -1, ONE), (777, 1024 + 61 * TICK, ONE)],
    ],
)
def test_edit_lists_show_what_ffmpeg_shows(film: bytes, parts: list[tuple[int, int, int]]) -> None:
    data = swapped(film, "moov/trak/edts/elst", edits(*parts))
    index = index_of(io.BytesIO(data), len(data), 0)
    wanted = shown(data)
    assert list(index.pts) == sorted(wanted)
    assert index.access == "sliced"
    hidden = 8 * RATE - len(wanted)
    assert [note.what.split()[0] for note in index.notes] == ([str(hidden)] if hidden else [])
    middle = index.pts[len(index.pts) // 2]
    for start, end in [(index.pts[0], middle), (middle, None), (index.pts[-3], None)]:
        window = {pts: known for pts, known in wanted.items() if start <= pts and (end is None or pts < end)}
        assert through_slices(data, index, start, end) == window


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([(1000, 1024, ONE), (2000, 1024 + PICTURES * TICK, 2 * ONE)], "another rate"),
        ([(8000, 1024, ONE // 2)], "another rate"),
    ],
)
def test_other_edit_lists_are_read_by_ffmpeg_and_said_so(
    film: bytes, parts: list[tuple[int, int, int]], why: str
) -> None:
    data = swapped(film, "moov/trak/edts/elst", edits(*parts))
    index = index_of(io.BytesIO(data), len(data), 0)
    assert (index.access, index.scanned) == ("whole", True)
    assert any(why in note.why for note in index.notes)
    assert set(shown(data)) <= set(index.pts)


def test_an_edit_without_length_runs_to_the_end(film: bytes) -> None:
    data = swapped(film, "moov/trak/edts/elst", edits((0, 1024, ONE)))
    assert shown(data) == {}
    index = index_of(io.BytesIO(data), len(data), 0)
    assert list(index.pts) == list(index_of(io.BytesIO(film), len(film), 0).pts)
    with open_media(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        frames = [frame.pts for frame in decode(stream, container.demux(stream)) if frame.pts is not None]
    assert sorted(frames) == list(index.pts)


@pytest.mark.parametrize("parts", [[(1000, 10**6, ONE)], [(1000, 10**6, ONE), (1000, 2 * 10**6, ONE)]])
def test_an_edit_list_that_shows_nothing_is_refused(film: bytes, parts: list[tuple[int, int, int]]) -> None:
    data = swapped(film, "moov/trak/edts/elst", edits(*parts))
    assert shown(data) == {}
    with pytest.raises(SourceError) as caught:
        index_of(io.BytesIO(data), len(data), 0)
    assert caught.value.code == "no-pictures"


@pytest.mark.parametrize(
    ("parts", "late"),
    [
        ([(8000, 1024, ONE)], 0),
        ([(8000, 0, ONE)], 1024),
        ([(500, -1, ONE), (8000, 0, ONE)], 1024),
        ([(2000, 1024 + 30 * TICK + 100, ONE)], TICK - 100),
    ],
)
def test_how_much_later_than_for_ffmpeg_pictures_are_shown(
    film: bytes, parts: list[tuple[int, int, int]], late: int
) -> None:
    data = swapped(film, "moov/trak/edts/elst", edits(*parts))
    assert index_of(io.BytesIO(data), len(data), 0).late == late


def test_parts_that_repeat_the_film_too_often_are_refused(film: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamify.mp4.parts.PICTURES", 1000)
    data = swapped(film, "moov/trak/edts/elst", edits(*[(8000, 1024, ONE)] * 6))
    with pytest.raises(SourceError):
        index_of(io.BytesIO(data), len(data), 0)


def test_negative_composition_offsets(film: bytes) -> None:
    """QuickTime writes offsets below 0 and no delay in the edit list."""
    table = first(film, "moov/trak/mdia/minf/stbl/ctts")
    (count,) = struct.unpack_from(">I", film, table.body + 4)
    pairs = struct.unpack_from(f">{2 * count}i", film, table.body + 8)
    moved = [value - 1024 if place % 2 else value for place, value in enumerate(pairs)]
    data = swapped(
        film, "moov/trak/mdia/minf/stbl/ctts", full_box(b"ctts", 1, 0, struct.pack(f">I{2 * count}i", count, *moved))
    )
    for parts in [[(8000, 0, ONE)], [(3000, 40 * TICK, ONE)]]:
        edited = swapped(data, "moov/trak/edts/elst", edits(*parts))
        index = index_of(io.BytesIO(edited), len(edited), 0)
        wanted = shown(edited)
        assert list(index.pts) == sorted(wanted)
        assert index.access == "sliced"
        start = index.pts[35]
        assert through_slices(edited, index, start, None) == {p: known for p, known in wanted.items() if p >= start}


def test_no_sync_table_means_that_every_sample_is_a_keyframe(film: bytes) -> None:
    data = swapped(film, "moov/trak/mdia/minf/stbl/stss", box(b"free"))
    index = index_of(io.BytesIO(data), len(data), 0)
    entries = index.locate(index.pts[100], index.pts[130]).entries
    assert entries[0].pts == index.pts[100]
    assert len(entries) >= 2


def test_two_pictures_at_one_time_are_promised_once(film: bytes) -> None:
    """Samples without duration: the second of each pair shows at the time of the first."""
    count = 8 * RATE
    data = swapped(
        film,
        "moov/trak/mdia/minf/stbl/stts",
        full_box(b"stts", 0, 0, struct.pack(">IIIII", 2, 100, TICK, count - 100, 0)),
    )
    index = index_of(io.BytesIO(data), len(data), 0)
    assert len(index.pts) == len(set(index.pts)) < count
    named = [note for note in index.notes if "same presentation time" in note.why]
    assert [note.kind for note in named] == ["dropped", "damaged"]  # every 60th is the same picture
    assert sum(int(note.what.split()[0]) for note in named) == count - len(index.pts)


def test_a_picture_that_came_twice_is_none_that_is_lost(film: bytes) -> None:
    """As in an MP4 made of a recording with a segment that was downloaded twice: the same bytes at the same time."""
    out = io.BytesIO()
    with av.open(io.BytesIO(film), "r") as container, av.open(out, "w", format="mp4") as made:
        stream = made.add_stream_from_template(container.streams.video[0])
        for number, packet in enumerate(one for one in container.demux(video=0) if one.size):
            assert packet.pts is not None
            assert packet.dts is not None
            packet.stream, packet.pts = stream, packet.pts + 4 * TICK
            copies: list[av.Packet[Any]] = [packet]
            if number in (20, 21, 30):
                copies.append(av.Packet(bytes(packet)[: 9 if number == 30 else None]))
                copies[1].stream, copies[1].time_base = stream, packet.time_base
                copies[1].pts, copies[1].dts = packet.pts, packet.dts + 1
            made.mux(copies)
    index = index_of(out, len(out.getvalue()), 0)
    notes = [(note.kind, note.what) for note in index.notes if "same presentation time" in note.why]
    assert notes == [("dropped", "2 pictures"), ("damaged", "1 picture")]


def test_encrypted_pictures_are_refused(film: bytes) -> None:
    stsd = first(film, "moov/trak/mdia/minf/stbl/stsd")
    entry = film[stsd.body + 16 : stsd.end]
    sinf = box(b"sinf", box(b"frma", b"avc1"), full_box(b"schm", 0, 0, b"cenc", struct.pack(">I", 0x10000)))
    encrypted = full_box(b"stsd", 0, 0, struct.pack(">I", 1), box(b"encv", entry, sinf))
    data = swapped(film, "moov/trak/mdia/minf/stbl/stsd", encrypted)
    with pytest.raises(SourceError) as caught:
        index_of(io.BytesIO(bytes(data)), len(data), 0)
    assert caught.value.code == "source-encrypted"


def test_several_descriptions_are_left_to_ffmpeg(film: bytes) -> None:
    stsd = first(film, "moov/trak/mdia/minf/stbl/stsd")
    entry = film[stsd.body + 8 : stsd.end]
    data = swapped(film, "moov/trak/mdia/minf/stbl/stsd", full_box(b"stsd", 0, 0, struct.pack(">I", 2), entry, entry))
    index = index_of(io.BytesIO(data), len(data), 0)
    assert index.access == "whole"
    assert any("2 sample descriptions" in note.why for note in index.notes)
    assert list(index.pts) == sorted(shown(data))


def test_compact_sizes(film: bytes) -> None:
    """stz2 (14496-12, 8.7.3.3) with 16 bits; FFmpeg does not read the entries of other widths differently."""
    table = first(film, "moov/trak/mdia/minf/stbl/stsz")
    (count,) = struct.unpack_from(">I", film, table.body + 8)
    sizes = struct.unpack_from(f">{count}I", film, table.body + 12)
    assert max(sizes) < 1 << 16
    data = swapped(
        film, "moov/trak/mdia/minf/stbl/stsz", full_box(b"stz2", 0, 0, struct.pack(f">II{count}H", 16, count, *sizes))
    )
    index = index_of(io.BytesIO(data), len(data), 0)
    assert index.access == "sliced"
    assert list(index.pts) == sorted(shown(data))


def test_of_a_file_cut_in_its_samples_the_whole_ones_are_left(tmp_path: Path) -> None:
    """The moov first, as uploads for the web have it."""
    options = {"preset": "ultrafast", "bf": "2", "g": "25", "x264-params": "b-adapt=0"}
    mixed = encode(tmp_path / "mixed.mp4", range(100), "libx264", "mp4", options)
    whole = remux(mixed, tmp_path / "film.mp4", "-movflags", "+faststart").read_bytes()
    full = index_of(io.BytesIO(whole), len(whole), 0)
    assert (full.access, full.missing, full.gaps) == ("sliced", 0, ())
    cut = whole[: len(whole) // 2]
    index = index_of(io.BytesIO(cut), len(cut), 0)
    assert (index.access, index.missing) == ("sliced", len(whole) - len(cut)), index.notes
    with av.open(io.BytesIO(cut), "r") as container:
        read = [packet.pts or 0 for packet in container.demux(video=0) if packet.size and not packet.is_corrupt]
    assert list(index.pts) == sorted(read)
    (gap,) = index.gaps
    assert gap.damage
    assert gap.seconds == (full.end - index.end) * index.time_base
    assert gap.start + gap.seconds == 4


def test_hostile_counts_are_refused_before_they_cost_memory(film: bytes) -> None:
    for table, body in [
        ("stsz", struct.pack(">II", 1, 0xFFFFFFFF)),
        ("stts", struct.pack(">III", 1, 0xFFFFFFFF, 1)),
        ("ctts", struct.pack(">III", 1, 0xFFFFFFFF, 0)),
        ("stsc", struct.pack(">IIII", 1, 1, 0xFFFFFFFF, 1)),
    ]:
        data = swapped(film, f"moov/trak/mdia/minf/stbl/{table}", full_box(table.encode(), 0, 0, body))
        try:
            index = index_of(io.BytesIO(data), len(data), 0)
        except SourceError:
            continue
        assert len(index.pts) <= 8 * RATE


STBL = "moov/trak/mdia/minf/stbl"


def chunk_offsets(film: bytes) -> tuple[int, ...]:
    table = first(film, f"{STBL}/co64")
    (count,) = struct.unpack_from(">I", film, table.body + 4)
    return struct.unpack_from(f">{count}Q", film, table.body + 8)


def with_chunk_offsets(film: bytes, *offsets: int) -> bytes:
    packed = struct.pack(f">I{len(offsets)}Q", len(offsets), *offsets)
    return swapped(film, f"{STBL}/co64", full_box(b"co64", 0, 0, packed))


@pytest.mark.parametrize("offset", [1 << 40, (1 << 63) - 1, (1 << 64) - 16])
def test_samples_that_are_said_to_lie_beyond_all_files_are_missing(film: bytes, offset: int) -> None:
    data = with_chunk_offsets(film, *chunk_offsets(film)[:-1], offset)
    index = index_of(io.BytesIO(data), len(data), 0)
    assert len(shown(film)) - len(index.pts) == CHUNK
    # With the greatest of them FFmpeg does without the edit list, so that its reading is followed.
    assert index.torn or (index.missing > 0 and index.gaps[-1].damage)
    assert any(note.kind == "damaged" for note in index.notes)


def test_chunks_after_the_last_sample_cost_nothing(film: bytes) -> None:
    data = with_chunk_offsets(film, *chunk_offsets(film), *range(1 << 40, (1 << 40) + 1000))
    assert list(read_chunks(data, children(data, STBL), 8 * RATE).offsets) == list(chunk_offsets(film))
    index = index_of(io.BytesIO(data), len(data), 0)
    assert list(index.pts) == sorted(shown(data))  # FFmpeg does without the edit list then


@pytest.mark.parametrize("even", [True, False])
def test_an_edit_that_moves_the_film_beyond_all_time_is_left_to_ffmpeg(film: bytes, even: bool) -> None:
    parts = ((1 << 62, -1, ONE), (8000, 1024, ONE))
    elst = full_box(b"elst", 1, 0, struct.pack(">I", 2), *(struct.pack(">QqI", *part) for part in parts))
    data = swapped(film, "moov/trak/edts/elst", elst)
    if not even:
        runs = struct.pack(">IIIII", 2, 100, TICK, 140, TICK + 1)
        data = swapped(data, f"{STBL}/stts", full_box(b"stts", 0, 0, runs))
    index = index_of(io.BytesIO(data), len(data), 0)
    assert index.scanned
    assert any("beyond all time" in note.why for note in index.notes)
