"""UPLOADS as it is seen: in a real folder, and in a real object store of memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from e2e.driving import wait_for
from streamify.errors import DestinationError, SourceError, UsageError
from streamify.model.location import Location
from streamify.model.settings import MediaSettings
from streamify.storage.objects import ObjectStorage
from streamify.watch.asked import accepted, check_names
from streamify.watch.changes import Notices, Polling
from streamify.watch.uploads_folder import FolderUploads
from streamify.watch.uploads_objects import ObjectUploads


def keys(uploads: FolderUploads | ObjectUploads, key: str = "") -> set[str]:
    return {seen.key for seen in uploads.below(key)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("film.mp4", "a/b/c.mov", "a/.hidden/x.mp4", ".film.mp4.Ab3", "x.part", "new.part/film.mp4"):
        (tmp_path / "up" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "up" / name).write_bytes(b"one")
    return tmp_path / "up"


def test_links_pipes_and_what_is_hidden_are_left_out(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.mp4")
    uploads = FolderUploads(Location.parse(str(folder)), shared=False)
    assert keys(uploads) == {"film.mp4", "a/b/c.mov"}
    assert keys(uploads, "a") == {"a/b/c.mov"}
    for name in ("link.mp4", "folder", "folder/secret.mp4", "pipe.mp4", "a/.hidden", "a/.hidden/x.mp4", "gone.mp4"):
        assert keys(uploads, name) <= set(), name


def test_a_version_follows_the_upload_and_its_sidecar(folder: Path) -> None:
    uploads = FolderUploads(Location.parse(str(folder)), shared=False)
    versions = []
    for change in (
        lambda: None,
        lambda: (folder / "film.mp4").write_bytes(b"other"),
        lambda: os.utime(folder / "film.mp4", (5, 5)),
        lambda: (folder / "film.mp4.streamify.yaml").write_text("crf: 20"),
        lambda: (folder / "film.mp4.streamify.yaml").write_text("crf: 201"),
        lambda: (folder / "film.mp4.streamify.yaml").unlink(),
    ):
        change()
        (seen,) = uploads.below("film.mp4")
        assert seen in set(uploads.below())
        versions.append(seen.id)
    assert len(set(versions)) == 5
    assert versions[-1] == versions[2]
    (folder / "film.mp4.streamify.yaml").write_text("")
    assert keys(uploads, "film.mp4.streamify.yaml") == {"film.mp4"}
    (folder / "lost.streamify.yaml").write_text("")
    list(uploads.below())
    assert uploads.orphans() == {"lost.streamify.yaml"}


def test_what_cannot_be_read_is_told(folder: Path) -> None:
    uploads = FolderUploads(Location.parse(str(folder)), shared=False)
    with pytest.raises(SourceError):
        uploads.read("gone.yaml", 9)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(DestinationError) as raised:
        list(uploads.below())
    assert raised.value.code == "uploads-unreadable"


def test_names_that_cannot_be_written_down(folder: Path) -> None:
    (folder / os.fsdecode(b"bad\xff.mp4")).touch()
    uploads = FolderUploads(Location.parse(str(folder)), shared=False)
    bad = next(seen for seen in uploads.below() if seen.key.startswith("bad"))
    media = Location.parse("/media")
    upload = accepted(bad, uploads.location, media, MediaSettings())
    assert upload.key == "bad\\xff.mp4"
    assert upload.to_json()
    with pytest.raises(UsageError, match="not valid UTF-8"):
        check_names(bad, upload)


def test_a_dest_that_no_store_could_hold(folder: Path) -> None:
    name = "/".join(["x" * 200] * 5)
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(b"x")
    uploads = FolderUploads(Location.parse(str(folder)), shared=False)
    long = next(seen for seen in uploads.below() if seen.key == name)
    check_names(long, accepted(long, uploads.location, Location.parse("/media"), MediaSettings()))
    with pytest.raises(UsageError, match="1015 bytes"):
        check_names(long, accepted(long, uploads.location, Location.parse("s3://media"), MediaSettings()))


def test_objects_are_seen_with_their_sidecars_and_folder_marks_are_none() -> None:
    storage = ObjectStorage(MemoryStore(), "memory")
    uploads = ObjectUploads(Location.parse("s3://up"), storage)
    storage.put("a/film.mp4", b"one")
    storage.put("a", b"")  # as consoles show a folder
    storage.put("lost.streamify.yaml", b"")
    storage.put(".streamify-uploads/x", b"one")
    (first,) = uploads.below()
    assert (first.key, first.size, first.sidecar) == ("a/film.mp4", 3, False)
    storage.put("a/film.mp4.streamify.yaml", b"crf: 20")
    (second,) = uploads.below()
    assert second.sidecar
    assert first.id != second.id
    assert list(uploads.below("a/film.mp4")) == [second]
    assert uploads.orphans() == {"lost.streamify.yaml"}
    assert uploads.read("a/film.mp4.streamify.yaml", 3) == b"crf"
    time.sleep(0.01)
    storage.put("a/film.mp4", b"one")  # the same bytes once more: a new try
    assert next(uploads.below()).id != second.id


def test_the_kernel_tells_where_something_changed(folder: Path) -> None:
    told: list[str] = []
    notices = Notices(folder, lambda: None, told.append)
    try:
        assert notices.take(0.0) is None
        found: set[str] = set()

        def all_told() -> bool:
            (folder / "film.mp4").write_bytes(b"two")  # until it is seen: the kernel is asked by a thread
            (folder / "n").mkdir()
            (folder / "n").rmdir()
            found.update(notices.take(1.0) or ())
            return {"film.mp4", "n"} <= found

        wait_for(all_told)
        wait_for(lambda: notices.take(1.0) == set())
        assert notices.take(61.0) is None  # a look at everything, whatever was told
    finally:
        notices.close()
    assert told == []


def test_a_name_that_notices_cannot_tell_makes_it_look_by_itself(folder: Path) -> None:
    told: list[str] = []
    notices = Notices(folder, lambda: None, told.append)
    try:

        def is_told() -> bool:
            (folder / os.fsdecode(b"bad\xff.mp4")).touch()
            return bool(told)

        wait_for(is_told)
        assert "looking every 5 s" in told[0]
        assert notices.take(1000.0) is None
        assert notices.take(1001.0) == set()
        assert notices.take(1005.0) is None
    finally:
        notices.close()


def test_looking_by_the_clock() -> None:
    polling = Polling(5)
    assert [polling.take(now) for now in (100, 101, 104.9, 105)] == [None, set(), set(), None]
