"""A storage that another process serves: what a task reaches, and nothing beside it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamify.errors import DestinationError, StreamifyError
from streamify.model.source import SourceRef
from streamify.storage.base import ConflictError, Stores
from streamify.storage.exchange import LONGEST_HEAD
from streamify.storage.local import LocalStorage
from streamify.storage.served import served_stores
from streamify.storage.serving import Reach, StoreServer

DATA = bytes(range(256)) * 5000


@pytest.fixture
def here(tmp_path: Path) -> Stores:
    return Stores(LocalStorage(tmp_path / "uploads"), LocalStorage(tmp_path / "media"))


@pytest.fixture
def ref(here: Stores) -> SourceRef:
    here.uploads.put("a.mp4", DATA)
    here.uploads.put("b.mp4", b"of somebody else")
    found = here.uploads.stat("a.mp4")
    assert found is not None
    return SourceRef(key="a.mp4", size=len(DATA), version=found.version, identity="x")


@pytest.fixture
def there(here: Stores, ref: SourceRef) -> Iterator[Stores]:
    """The stores as a worker sees them."""
    ours, theirs = socket.socketpair()
    server = StoreServer(ours)
    server.begin(here, Reach(ref, frozenset({"read.json"}), frozenset({"made.m4s"}), segment_list=True,
                             words=frozenset({"subtitles/en-1"})))  # fmt: skip

    def serve() -> None:
        while server.serve():
            pass

    thread = threading.Thread(target=serve)
    thread.start()
    with theirs:
        yield served_stores(theirs.fileno())
    thread.join()
    server.close()


def test_a_source_is_read_as_it_is(there: Stores, ref: SourceRef) -> None:
    with there.open_source(ref) as one, there.open_source(ref) as other:
        assert (one.read(10), one.seek(1_000_000), one.read(100_000)) == (
            DATA[:10],
            1_000_000,
            DATA[1_000_000:1_100_000],
        )
        assert other.read() == DATA
        assert (one.seek(-1, 2), one.read(), one.read()) == (len(DATA) - 1, DATA[-1:], b"")


def test_objects_are_written_once_and_read_back(there: Stores, here: Stores) -> None:
    assert there.media.put_new("made.m4s", DATA).new
    assert not there.media.put_new("made.m4s", DATA).new
    assert here.media.get("made.m4s") == there.media.get("made.m4s") == DATA
    with pytest.raises(DestinationError) as conflict:
        there.media.put_new("made.m4s", b"other")
    assert conflict.value.code == "dest-conflict"
    assert not isinstance(conflict.value, ConflictError)  # only its code crosses
    there.media.put("made.m4s", b"")
    assert here.media.get("made.m4s") == b""
    assert there.media.get("read.json") is None
    there.media.put(".streamify/segments-0123456789abcdef.ndjson", b"{}\n")


def test_what_is_not_in_reach_is_refused(there: Stores, here: Stores, ref: SourceRef) -> None:
    here.media.put("secret.json", b"{}")
    media, elsewhere = there.media, ref.model_copy(update={"key": "b.mp4"})
    for attempt in (
        lambda: there.open_source(elsewhere),
        lambda: there.uploads.open("a.mp4", "another version"),
        lambda: there.uploads.open("a.mp4"),
        lambda: media.get("secret.json"),
        lambda: media.get("../uploads/b.mp4"),
        lambda: media.put("read.json", b"{}"),
        lambda: media.put_new("made.m4s/x", b"{}"),
        lambda: media.put(".streamify/segments-x.ndjson", b"{}"),
        lambda: media.delete("made.m4s"),
        lambda: list(media.list()),
        media.names,
    ):
        with pytest.raises(StreamifyError) as refused:
            attempt()
        assert refused.value.code == "task-reach"
    assert {one.key for one in here.media.list()} == {"secret.json"}


def test_a_source_that_changed_is_told_as_by_the_storage_itself(there: Stores, here: Stores, ref: SourceRef) -> None:
    here.uploads.put("a.mp4", b"another film")
    with pytest.raises(StreamifyError) as changed:
        there.open_source(ref)
    assert (changed.value.code, changed.value.exit_code) == ("source-changed", 3)


FAR = b'{"kind": "read", "at": 1%s}' % (b"0" * 30)


@pytest.mark.parametrize(
    "said",
    [
        (LONGEST_HEAD + 1).to_bytes(4, "big"),
        b"\0\0\0\2{}",
        b'\0\0\0\x0b{"kind": 5}',
        b"\xff" * 9,
        len(FAR).to_bytes(4, "big") + FAR,
    ],
)
def test_what_is_no_request_ends_the_worker(said: bytes, here: Stores) -> None:
    ours, theirs = socket.socketpair()
    server = StoreServer(ours)
    server.begin(here, Reach())
    with theirs:
        theirs.sendall(said)
        with pytest.raises(ValueError, match=r"head|request"):
            server.serve()
    server.close()


def test_many_objects_are_written_in_groups(there: Stores, here: Stores) -> None:
    files = {f"subtitles/en-1/{number:05d}.vtt": bytes(number) for number in range(3000)}
    there.media.put_new_many(files.items())
    assert {one.key: one.size for one in here.media.list("subtitles")} == {
        key: len(data) for key, data in files.items()
    }
    assert here.media.get("subtitles/en-1/02999.vtt") == bytes(2999)
    with pytest.raises(DestinationError) as conflict:
        there.media.put_new_many([("subtitles/en-1/00001.vtt", b"other")])
    assert conflict.value.code == "dest-conflict"


def test_a_group_with_one_object_out_of_reach_is_refused(there: Stores, here: Stores) -> None:
    with pytest.raises(StreamifyError):
        there.media.put_new_many([("subtitles/en-1/00001.vtt", b"a"), ("subtitles/de-2/00001.vtt", b"a")])
    assert list(here.media.list("subtitles")) == []
