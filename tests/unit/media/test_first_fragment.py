"""Fragments that are missing at the start or the end of an MP4 file are said to be, where the file tells of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clips.numbered import encode, remux
from stores import split
from streamify.model.source import Note
from streamify.mp4.boxes import boxes

X264 = {"preset": "ultrafast", "g": "25", "bf": "0"}


def fragments(tmp_path: Path, flags: str) -> Path:
    first = encode(tmp_path / "first.mp4", range(100), "libx264", "mp4", X264)
    return remux(first, tmp_path / "film.mp4", "-movflags", f"frag_keyframe+empty_moov+default_base_moof{flags}")


def without(film: Path, number: int) -> None:
    """Take a fragment out of a file: its moof and mdat, and its sidx in front."""
    data = film.read_bytes()
    parts = [*boxes(data)]
    moof = [at for at, part in enumerate(parts) if part.kind == b"moof"][number]
    gone = {moof, moof + 1} | ({moof - 1} if parts[moof - 1].kind == b"sidx" and number else set())
    film.write_bytes(b"".join(data[part.start : part.end] for at, part in enumerate(parts) if at not in gone))


def notes(film: Path, named: Callable[[Note], bool]) -> list[Note]:
    return [note for note in split(film).source.notes if named(note)]


@pytest.mark.parametrize(("number", "count"), [(None, 0), (0, 1)])
def test_a_film_that_begins_with_a_later_fragment_says_so(number: int | None, count: int, tmp_path: Path) -> None:
    film = fragments(tmp_path, "")
    if number is not None:
        without(film, number)
    found = notes(film, lambda note: note.what.startswith("the film begins with fragment"))
    assert [note.what for note in found] == ["the film begins with fragment 2, at 1.000 s of its own clock"][:count]


@pytest.mark.parametrize(("number", "count"), [(None, 0), (-1, 1)])
def test_the_last_fragment_is_missed_by_the_index_of_segments(number: int | None, count: int, tmp_path: Path) -> None:
    film = fragments(tmp_path, "+global_sidx")
    assert [part.kind for part in boxes(film.read_bytes())].count(b"sidx") == 1
    if number is not None:
        without(film, number)
    found = notes(film, lambda note: note.kind == "damaged")
    assert [(note.what, note.why) for note in found] == [
        ("no pictures for 1.000 s at 3.000 s", "sidx announces 4.000 s")
    ][:count]
