"""``--replace``: the new stream beside the old one, whose media stay for a while and then go without a trace."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore

import streamify
from clips.make import ClipSpec, make_clip
from e2e.driving import media, rungs, verify
from streamify.dest.layout import RETIRED
from streamify.jobs.retire import overdue, remove_tracks, retire
from streamify.model.event import Event
from streamify.model.job import Retired
from streamify.model.plan import Plan
from streamify.storage.objects import ObjectStorage

SETTINGS: dict[str, Any] = {"ladder": rungs(120), "preset": "ultrafast", "engine": "inline"}


@pytest.fixture(scope="module")
def clips(shared: Path) -> tuple[Path, Path]:
    sizes = ((256, 144), (214, 120))
    first, second = (make_clip(ClipSpec(seconds=Fraction(4), size=size), shared / "clips").path for size in sizes)
    return first, second


@pytest.fixture
def dest(clips: tuple[Path, Path], tmp_path: Path) -> Iterator[Path]:
    streamify.transcode(clips[0], tmp_path / "dest", **SETTINGS)
    yield tmp_path / "dest"
    assert verify(tmp_path / "dest").faults == ()


def run(source: Path, dest: Path, **more: Any) -> list[str]:
    """Run a job; return its notes."""
    said: list[Event] = []
    streamify.transcode(source, dest, on_event=said.append, **SETTINGS, **more)
    return [one.message for one in said if one.kind == "note"]


def thumbnails(dest: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in dest.glob("thumbnails/*/*")}


def age(dest: Path, seconds: float) -> None:
    path = dest / RETIRED
    found = json.loads(path.read_text())
    found["tracks"] = {track: since - seconds for track, since in found["tracks"].items()}
    path.write_text(json.dumps(found))


def old_folders(dest: Path, old: dict[str, str]) -> set[Path]:
    return {dest / key.rpartition("/")[0] for key in old}


def test_viewers_of_the_old_stream_keep_their_media_for_the_grace_period(clips: tuple[Path, Path], dest: Path) -> None:
    old, playlists = media(dest), {path: path.read_text() for path in dest.glob("*o/*/*.m3u8")}
    images = thumbnails(dest)
    assert len(images) == 3  # a sheet, the playlist, the storyboard
    notes = run(clips[1], dest, replace=True)
    tracks = sorted({path.name for path in old_folders(dest, old)} | {path.parent.name for path in images})
    assert any(note.startswith("replaced tracks stay") and all(track in note for track in tracks) for note in notes)
    assert {key: sha for key, sha in media(dest).items() if key in old} == old
    assert all(path.read_text() == text for path, text in playlists.items())
    assert images.items() <= thumbnails(dest).items()
    assert not any(track in (dest / "master.m3u8").read_text() for track in tracks)
    assert set(json.loads((dest / RETIRED).read_text())["tracks"]) == set(tracks)
    age(dest, 3500)
    run(clips[1], dest)
    assert set(old) <= set(media(dest))
    age(dest, 101)
    notes = run(clips[1], dest)
    files = len(playlists) + len(old) + len(images)
    assert any(note.startswith(f"removed 3 replaced tracks, {files} files, ") for note in notes), notes
    assert not images.keys() & thumbnails(dest).keys()
    assert not set(old) & set(media(dest))


def test_nothing_is_left_of_what_was_removed(clips: tuple[Path, Path], dest: Path) -> None:
    old = media(dest)
    run(clips[1], dest, replace=True, replace_grace=0)
    assert not set(old) & set(media(dest))
    assert [path for path in dest.rglob("*") if path.is_dir() and not any(path.iterdir())] == []
    assert not (dest / RETIRED).exists()


def test_a_folder_that_holds_a_file_of_the_user_stays(clips: tuple[Path, Path], dest: Path) -> None:
    folder = next(dest.glob("video/*"))
    (folder / "notes.txt").write_text("mine")
    run(clips[1], dest, replace=True, replace_grace=0)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    shutil.rmtree(folder)


def test_a_track_that_comes_back_is_not_removed(clips: tuple[Path, Path], dest: Path) -> None:
    old = media(dest)
    run(clips[1], dest, replace=True)
    between = set(media(dest)) - set(old)
    age(dest, 10_000)
    notes = run(clips[0], dest, replace=True)  # its tracks are due, and the stream's again
    assert {key: sha for key, sha in media(dest).items() if key in old} == old
    assert between <= set(media(dest))
    assert not any(note.startswith("removed") for note in notes)


def test_the_same_in_an_object_store(clips: tuple[Path, Path], dest: Path) -> None:
    storage = ObjectStorage(MemoryStore(), "memory")
    for path in dest.rglob("*"):
        if path.is_file():
            storage.put(str(path.relative_to(dest)), path.read_bytes())
    storage.put("video/mine/notes.txt", b"mine")
    plan = Plan.from_json(storage.get(".streamify/plan.json") or b"")
    gone = [plan.video[0].id]
    rest = plan.model_copy(update={"video": ()})
    now = time.time()
    noted = retire(rest, storage, frozenset(gone), now)
    assert noted == Retired(tracks={gone[0]: now})
    assert overdue(noted, now + 59, 60) == ()
    removed = remove_tracks(storage, noted, overdue(noted, now + 60, 60))
    assert (list(removed.tracks), removed.files) == (gone, 1 + 2 + plan.segments)  # init, playlists, segments
    assert not [one.key for one in storage.list() if gone[0] in one.key]
    assert storage.get("video/mine/notes.txt") == b"mine"
    assert storage.get(RETIRED) is None
