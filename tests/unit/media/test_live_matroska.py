"""Matroska and WebM as live recordings have them: no size of the segment, none of its clusters, no index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clips.containers import opened
from clips.tones import tones, write_film, write_plain_wav
from stores import split
from streamify.media.source.cutters import walk_matroska
from streamify.media.source.ebml import CLUSTER
from streamify.media.source.unreadable import unreadable
from streamify.mp4.boxes import BoxError

WHOLE = "every task opens the whole file and seeks in it"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of pictures and three of sound, with blocks between pictures; clusters of half a second."""
    folder = tmp_path_factory.mktemp("live")
    sound = write_plain_wav(folder / "sound.wav", tones(2, 3))
    return write_film(folder / "film.mkv", [sound], 2, "-g", "12", "-bf", "0", "-cluster_time_limit", "500")


@pytest.fixture(scope="module")
def live(film: Path) -> Path:
    data = opened(film.read_bytes(), clusters=True)
    out = film.with_name("live.mkv")
    out.write_bytes(data[: data.rindex(b"\x1c\x53\xbb\x6b")])  # without its cues
    return out


def test_borders_of_clusters_of_unknown_size_are_no_damage(film: Path, live: Path) -> None:
    plain, found = split(film), split(live)
    named = [(note.kind, note.what) for note in found.notes]
    assert named == [(note.kind, note.what) for note in plain.notes]
    assert not [what for kind, what in named if kind == "damaged" or what == WHOLE]


def test_clusters_of_unknown_size_end_where_others_begin(film: Path, live: Path) -> None:
    """Expected by the film's own sizes, which FFmpeg wrote."""
    size, mark = film.stat().st_size, CLUSTER.to_bytes(4, "big")
    with film.open("rb") as file:
        _, starts, ends = walk_matroska(file, size)
    with live.open("rb") as file:
        assert walk_matroska(file, live.stat().st_size)[1:] == (starts, ends)
    assert len(starts) > 4
    assert starts[0] == film.read_bytes().index(mark)


@pytest.mark.parametrize("damage", ["inside", "behind", "behind one of unknown size"])
def test_a_damaged_last_cluster_leaves_the_borders_of_the_others(
    damage: str, film: Path, live: Path, tmp_path: Path
) -> None:
    """The segment ends with its clusters, of which the last one has zeros inside, or behind it."""
    broken = tmp_path / "broken.mkv"
    with film.open("rb") as file:
        _, starts, ends = walk_matroska(file, film.stat().st_size)
    if damage == "behind one of unknown size":
        data = bytearray(live.read_bytes() + bytes(3000))
        ends[-1] = len(data)
    else:
        data = bytearray(film.read_bytes()[: ends[-1]])
        if damage == "inside":
            middle = (starts[-1] + ends[-1]) // 2
            data[middle : middle + 300] = bytes(300)
        else:
            data += bytes(3000)
            ends[-1] = len(data)
        mark = data.index(b"\x18\x53\x80\x67\x01") + 4
        data[mark : mark + 8] = (1 << 56 | len(data) - mark - 8).to_bytes(8, "big")
    broken.write_bytes(data)
    with broken.open("rb") as file:
        assert walk_matroska(file, len(data))[1:] == (starts, ends)
    assert WHOLE not in [note.what for note in split(broken).notes]


def test_no_borders_are_told_where_damage_has_clusters_behind_it(live: Path, tmp_path: Path) -> None:
    """All that follows would be one part, which every task behind the damage would read from its start."""
    data = bytearray(live.read_bytes())
    middle = data.index(CLUSTER.to_bytes(4, "big"), len(data) // 2)
    body = middle + 12  # behind id and size, of four and eight bytes
    broken = tmp_path / "broken.mkv"
    for zeros in (range(body, body + 400), range(middle - 9000, middle + 3000)):
        changed = data.copy()
        changed[zeros.start : zeros.stop] = bytes(len(zeros))
        broken.write_bytes(changed)
        with broken.open("rb") as file, pytest.raises(BoxError, match="no EBML element"):
            walk_matroska(file, len(changed))


def test_a_zeroed_stretch_between_two_pictures_is_damage(live: Path, tmp_path: Path) -> None:
    data = bytearray(live.read_bytes())
    middle = data.index(CLUSTER.to_bytes(4, "big"), len(data) // 2)
    data[middle - 9000 : middle + 3000] = bytes(12000)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(data)
    assert [note.what for note in split(broken).notes if note.kind == "damaged"]


def test_what_looks_like_a_small_element_before_a_picture_is_none(tmp_path: Path) -> None:
    """Bytes behind a picture that say that they are as long as many pictures, as those of another one can."""
    header, picture = b"\x81\0\0\x80", bytes(np.random.default_rng(1).integers(1, 255, 700, dtype=np.uint8))
    block = b"\xa3" + (0x4000 | 704).to_bytes(2, "big") + header + picture
    data = block + b"\xec\x10\xff\xff\xff" + b"\x55" * 1000 + block
    path = tmp_path / "a"
    path.write_bytes(data)
    places = [3, len(data) - 704]
    with path.open("rb") as file:
        (found,) = unreadable(file, "matroska,webm", places, [700, 700], [0])
    assert (found.position, found.length) == (len(block), places[1] - len(block))


def test_more_elements_than_there_can_be_are_not_looked_at(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamify.media.source.cutters.ELEMENTS", 20)
    with live.open("rb") as file, pytest.raises(BoxError, match="too many"):
        walk_matroska(file, live.stat().st_size)
