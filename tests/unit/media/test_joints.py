"""A transport stream says itself where another recording begins; times of pictures that fall or stand still do not."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from clips.numbered import encode, remux
from stores import split
from streamify.media.source.joint_ts import TransportJoints
from streamify.media.source.transport import TS_PACKET

STEP = 3600
"""Ticks of 90 kHz from picture to picture."""
VIDEO = 256
"""The PID that FFmpeg's muxer gives to pictures."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Two recordings, of 10 and of 50 pictures, without B-frames."""
    folder = tmp_path_factory.mktemp("films")
    made = []
    for place, count in enumerate((10, 50)):
        numbers = range(100 * place, 100 * place + count)
        film = encode(folder / "film.mp4", numbers, "mpeg2video", "mp4", {"g": "10", "bf": "0"})
        made.append(remux(film, folder / "film.ts").read_bytes())
    return made


def packets(data: bytes | bytearray, pid: int) -> list[int]:
    return [at for at in range(0, len(data), TS_PACKET) if (data[at + 1] & 0x1F) << 8 | data[at + 2] == pid]


def pictures(data: bytes | bytearray) -> list[int]:
    """Return where pictures begin."""
    return [at for at in packets(data, VIDEO) if data[at + 1] & 0x40]


def found(data: bytes | bytearray) -> list[int]:
    """Return where recordings begin, by all pictures."""
    asked = TransportJoints(io.BytesIO(data))
    borders = [asked.begins_at(at) for at in pictures(data)]
    alone = [TransportJoints(io.BytesIO(data)).begins_at(at) for at in pictures(data)]
    assert borders == alone  # what was read for the pictures before makes no difference
    return [border for border in borders if border is not None]


def wide(data: bytes, before: int, behind: int) -> bytes:
    """Return packets with other bytes around each: time codes before them, or error correction behind."""
    parts = (data[at : at + TS_PACKET] for at in range(0, len(data), TS_PACKET))
    return b"".join(bytes(before) + part + bytes(behind) for part in parts)


@pytest.mark.parametrize(("before", "behind"), [(0, 0), (4, 0), (0, 16)])
def test_the_second_recording_begins_with_its_tables(films: list[bytes], before: int, behind: int) -> None:
    first, second = films
    width = before + TS_PACKET + behind
    data = wide(first + second, before, behind)
    starts = [before + at // TS_PACKET * width for at in pictures(first + second)]
    asked = TransportJoints(io.BytesIO(data))
    borders = [asked.begins_at(at) for at in starts]
    tables = (len(first) + packets(second, 0)[0]) // TS_PACKET * width + before
    assert borders == [None] * 10 + [tables] + [None] * 49


def test_three_recordings(films: list[bytes]) -> None:
    first, second = films
    assert len(found(first * 2 + second)) == 2


def clocks(data: bytes | bytearray) -> Iterator[int]:
    """Yield where programme clock references are."""
    for at in packets(data, VIDEO):
        if data[at + 3] & 0x20 and data[at + 4] >= 7 and data[at + 5] & 0x10:
            yield at + 6


def stood_still(data: bytearray) -> None:
    """All clock references are the same."""
    places = list(clocks(data))
    for at in places:
        data[at : at + 6] = data[places[0] : places[0] + 6]


def without_counters(data: bytearray) -> None:
    """All tables have the same number."""
    for at in range(0, len(data), TS_PACKET):
        if (data[at + 1] & 0x1F) << 8 | data[at + 2] != VIDEO:
            data[at + 3] &= 0xF0


def counters_stepped(data: bytearray) -> None:
    """A packet is missing in front of each picture, and a table in front of each table."""
    for at in range(TS_PACKET, len(data), TS_PACKET):
        data[at + 3] = data[at + 3] & 0xF0 | random.Random(at).randrange(16)


def test_what_happens_within_a_recording_is_no_other_one(films: list[bytes]) -> None:
    _, film = films
    assert found(film) == []
    for changes in ([stood_still], [without_counters], [counters_stepped], [stood_still, without_counters]):
        data = bytearray(film)
        for change in changes:
            change(data)
        assert found(data) == [], changes


def test_a_recording_that_goes_on_in_another_file_is_none(films: list[bytes], tmp_path: Path) -> None:
    """Its tables and counters begin anew, and its clock goes on."""
    (tmp_path / "film.ts").write_bytes(films[1])
    later = remux(tmp_path / "film.ts", tmp_path / "later.ts", "-output_ts_offset", "2").read_bytes()
    assert found(films[1] + later) == []


def moved(data: bytearray, by: dict[int, int]) -> bytes:
    """Return a stream with other times of some pictures, by their numbers: ticks."""
    for number, at in enumerate(pictures(data)):
        head = data.index(b"\0\0\1\xe0", at)
        for place in range(head + 9, head + 9 + 5 * (1, 2)[data[head + 7] >> 6 & 1], 5):  # when shown, and when decoded
            old = data[place : place + 5]
            time = (old[0] >> 1 & 7) << 30 | (old[1] << 7 | old[2] >> 1) << 15 | old[3] << 7 | old[4] >> 1
            time += by.get(number, 0)
            new = old[0] >> 4 << 36 | (time >> 30 & 7) << 33 | 1 << 32 | (time >> 15 & 0x7FFF) << 17 | 1 << 16
            data[place : place + 5] = (new | (time & 0x7FFF) << 1 | 1).to_bytes(5, "big")
    return bytes(data)


JITTER = random.Random(7)
TIMES: dict[str, dict[int, int]] = {
    "a keyframe at the time of the picture before": {20: -STEP},
    "a keyframe long before": {20: -8 * STEP},
    "a clock that is set back at a keyframe": dict.fromkeys(range(20, 50), -6 * STEP),
    "a clock that stands still": {number: (20 - number) * STEP for number in range(20, 30)},
    "times that come twice": {number: -(number % 2) * STEP for number in range(50)},
    "jitter": {number: JITTER.randint(-2700, 2700) for number in range(1, 50)},
}


@pytest.mark.parametrize("name", TIMES)
def test_times_of_pictures_alone_are_no_restart(name: str, films: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "film.ts").write_bytes(moved(bytearray(films[1]), TIMES[name]))
    plan = split(tmp_path / "film.ts")
    assert plan.source.breaks == ()


def test_a_short_recording_in_front_loses_nothing(films: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "film.ts").write_bytes(b"".join(films))
    source = split(tmp_path / "film.ts", strict=True).source
    assert source.video is not None
    assert source.video.frames == 60
    assert [(round(one.at * 25), one.exact) for one in source.breaks] == [(10, True)]


def test_each_packet_is_looked_at_once_or_twice(films: list[bytes]) -> None:
    """Every picture is asked for: of keyframes alone, on a clock that stands still, each may begin a recording."""
    first, second = films
    for hostile in (first + second, (first + second) * 20, second.replace(b"G\1\0\x30", b"G\1\0\x10") * 20):
        asked = TransportJoints(io.BytesIO(hostile))
        for at in pictures(hostile):
            asked.begins_at(at)
        assert len(pictures(hostile)) < asked.looked <= 2 * len(hostile) // TS_PACKET
