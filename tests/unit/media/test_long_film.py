"""What a task reads and carries does not grow with the length of the film."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from clips.corpus import decode, digest
from clips.indexed import index_of
from clips.long_mp4 import PICTURES, RATE, TICK, write_long_mp4
from streamify.media.source.entering import open_splice, packets_from
from streamify.media.source.splice import SplicedFile
from streamify.media.source.video_index import VideoIndex
from streamify.model.plan import Inline

HOURS = {"1 min": 60, "1 h": 3600, "10 h": 36000}


@dataclass(frozen=True)
class Film:
    path: Path
    index: VideoIndex


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Film]:
    made = {}
    for name, seconds in HOURS.items():
        path = tmp_path_factory.mktemp("long") / "film.mp4"
        write_long_mp4(path, seconds)
        with path.open("rb") as file:
            made[name] = Film(path, index_of(file, path.stat().st_size, 0))
    return made


def test_index_promises_every_picture(films: dict[str, Film]) -> None:
    for name, film in films.items():
        count = HOURS[name] * RATE
        assert film.index.access == "sliced"
        assert film.index.notes == ()
        assert list(film.index.pts) == list(range(0, count * TICK, TICK))
        assert film.index.end == count * TICK


def test_cost_of_a_window_is_the_same_at_any_length(films: dict[str, Film]) -> None:
    costs = {}
    for name, film in films.items():
        middle = len(film.index.pts) // 2
        start, end = film.index.pts[middle + 7], film.index.pts[middle + 7 + 6 * RATE]
        found = film.index.locate(start, end)
        entries, splice = found.entries, found.splice
        assert splice is not None
        carried = sum(len(piece.data) for piece in splice.pieces if isinstance(piece, Inline))
        with film.path.open("rb") as file:
            spliced = SplicedFile(splice, file)
            container, stream = open_splice(spliced, splice, 0)
            with container:
                packets = packets_from(container, stream, entries, entries[0], sliced=True)
                pictures = [frame for frame in decode(stream, packets) if frame.pts is not None and frame.pts >= start]
        window = [digest(frame) for frame in pictures if (frame.pts or 0) < end]
        assert len(window) == 6 * RATE
        assert len(set(window)) == PICTURES
        assert [frame.pts for frame in pictures if (frame.pts or 0) >= end][:2] == [end, end + TICK]
        costs[name] = (carried, spliced.bytes_read, window)
        figures = f"{carried} bytes in the plan (base64), {spliced.bytes_read} read of {film.path.stat().st_size}"
        sys.stdout.write(f"{name:>6}: {figures}\n")
    short, *others = costs.values()
    for carried, read, window in others:
        assert abs(carried - short[0]) <= 64
        assert abs(read - short[1]) <= 4096
        assert window == short[2]
