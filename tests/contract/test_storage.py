"""One suite over every kind of storage. To add one: a fixture parameter that builds it."""

from __future__ import annotations

import io
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import boto3
import obstore
import pytest
from obstore.store import MemoryStore

from clouds import Cloud, Kind
from faults import proxy
from faults.proxy import Faults, Proxy
from leaks import own_threads
from selection import sample
from stores import open_storage
from streamify.errors import DestinationError, SourceError
from streamify.storage.base import ConflictError, Storage
from streamify.storage.local import LocalStorage
from streamify.storage.objects import ObjectStorage

pytestmark = pytest.mark.timeout(120)

KINDS = ("local", "memory", "s3", "ministack", "az")
FEW = pytest.mark.parametrize("storage", sample(KINDS, "local", "memory", "ministack"), indirect=True)
"""For tests of which `make test` leaves out the slower servers."""

ODD = [
    "with space/a b.m4s", "é ü/日本.m4s", "100%d.mp4", "%20/%2F.mp4", "a#b.mp4", "a&b=c+d.mp4", "-rf/-x",
    "a'b\"c.mp4",
    "q?*[x].mp4", "~home.mp4", "dot.", ".hidden/.x",
]  # fmt: skip


@pytest.fixture(params=KINDS)
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch
) -> Storage:
    match request.param:
        case "local":
            return LocalStorage(tmp_path / "root")
        case "memory":
            return ObjectStorage(MemoryStore(), "memory")
        case kind:
            store = cloud(kind)
            store.enter(monkeypatch)
            return open_storage(f"{store.make_bucket(f'b-{uuid.uuid4().hex}')}/a prefix/é+%20")


def test_gives_back_what_was_put(storage: Storage) -> None:
    storage.put("a/b/c.bin", b"one")
    assert storage.get("a/b/c.bin") == b"one"
    storage.put("a/b/c.bin", b"three")
    assert storage.get("a/b/c.bin") == b"three"
    storage.put("empty", b"")
    assert storage.get("empty") == b""


@pytest.mark.parametrize("key", ["nothing", "no/folder/nothing", "file/below", "folder"])
def test_what_is_not_there_is_none(storage: Storage, key: str) -> None:
    storage.put("file", b"x")
    storage.put("folder/x", b"x")
    assert storage.get(key) is None
    assert storage.stat(key) is None
    storage.delete(key)
    with pytest.raises(DestinationError):
        storage.open(key)
    assert storage.get("folder/x") == b"x"


@FEW
def test_get_many_gives_what_get_gives_in_order(storage: Storage) -> None:
    keys = [f"a/{number:03d}" for number in range(150)]
    for key in keys[::2]:
        storage.put(key, key.encode())
    assert list(storage.get_many(reversed(keys))) == [storage.get(key) for key in reversed(keys)]
    assert list(storage.get_many([])) == []
    some = storage.get_many(iter(keys))
    assert next(some) == b"a/000"
    del some  # to leave early is no error


@FEW
def test_get_many_holds_few(storage: Storage) -> None:
    asked = []

    def keys() -> Iterator[str]:
        for number in range(1000):
            asked.append(number)
            yield "nothing"

    for count, found in enumerate(storage.get_many(keys()), 1):
        assert found is None
        assert len(asked) - count <= 128
    assert len(asked) == 1000


def test_put_new_writes_once(storage: Storage) -> None:
    assert storage.put_new("x/y", b"one").new
    assert not storage.put_new("x/y", b"one").new
    with pytest.raises(ConflictError) as caught:
        storage.put_new("x/y", b"two")
    assert caught.value.code == "dest-conflict"
    assert caught.value.exit_code == 5
    assert "x/y" in caught.value.message
    assert storage.get("x/y") == b"one"
    assert [one.key for one in storage.list()] == ["x/y"]


@FEW
def test_put_new_many_writes_each_once(storage: Storage) -> None:
    files = [(f"x/{number:03d}", str(number).encode()) for number in range(120)]
    storage.put_new_many(files[:50])
    storage.put_new_many(iter(files))
    assert {one.key: storage.get(one.key) for one in storage.list("x")} == dict(files)
    with pytest.raises(ConflictError, match="x/007"):
        storage.put_new_many([("x/007", b"other")])
    assert storage.get("x/007") == b"7"


@pytest.mark.parametrize("same", [True, False])
def test_a_race_of_put_new_has_one_winner(storage: Storage, same: bool) -> None:
    number = 24
    for lap in range(3):
        barrier = Barrier(number)

        def claim(index: int, lap: int = lap, barrier: Barrier = barrier) -> bool | None:
            data = b"same" if same else b"%d" % index
            barrier.wait(timeout=60)
            try:
                return storage.put_new(f"claims/{lap}", data).new
            except ConflictError:
                return None

        with ThreadPoolExecutor(number) as pool:
            outcomes = list(pool.map(claim, range(number)))
        assert outcomes.count(True) == 1
        assert outcomes.count(False if same else None) == number - 1
        assert storage.get(f"claims/{lap}") == (b"same" if same else b"%d" % outcomes.index(True))
    assert len(list(storage.list())) == 3


def test_a_reader_never_sees_half_an_object(storage: Storage) -> None:
    old, new = b"a" * 200_000, b"b" * 300_000
    storage.put("x", old)

    def write() -> None:
        for data in (new, old) * 20:
            storage.put("x", data)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not writing.done():
            assert storage.get("x") in (old, new)
        writing.result()


@pytest.mark.parametrize(
    "storage", ["local", "memory", "s3", "ministack"], indirect=True
)  # Azure turns it into a slash
def test_a_backslash_is_no_slash(storage: Storage) -> None:
    storage.put("back\\slash.mp4", b"x")
    assert sizes(storage) == [("back\\slash.mp4", 1)]


@pytest.mark.parametrize("key", ODD)
def test_odd_keys_are_taken_literally(storage: Storage, key: str) -> None:
    assert storage.put_new(key, b"x").new
    assert not storage.put_new(key, b"x").new
    storage.put(key, b"xy")
    assert sizes(storage) == [(key, 2)]
    assert storage.get(key) == b"xy"
    with storage.open(key) as file:
        assert file.read() == b"xy"
    storage.delete(key)
    assert storage.get(key) is None


def test_list_is_by_folder(storage: Storage) -> None:
    for key, size in {"a/1": 1, "a/b/2": 2, "ab/3": 3, "4": 4}.items():
        storage.put(key, bytes(size))
    assert sizes(storage) == [("4", 4), ("a/1", 1), ("a/b/2", 2), ("ab/3", 3)]
    assert sizes(storage, "a") == [("a/1", 1), ("a/b/2", 2)]
    assert sizes(storage, "a/b") == [("a/b/2", 2)]
    assert list(storage.list("nothing")) == []


def test_the_top_tells_folders_and_objects_apart(storage: Storage) -> None:
    assert storage.top() == (set(), set())
    for key in ("a/1", "a/b/2", "ab/3", "4", "é/x", "with space"):
        storage.put(key, b"x")
    assert storage.top() == ({"a", "ab", "é"}, {"4", "with space"})
    assert storage.names() == {"a", "ab", "é", "4", "with space"}


def sizes(storage: Storage, prefix: str = "") -> list[tuple[str, int]]:
    return sorted((one.key, one.size) for one in storage.list(prefix))


def test_names_that_begin_alike(storage: Storage) -> None:
    """Folders lie among them, before and behind."""
    for key in (
        "film.a/x.srt",
        "film.en.srt",
        "film.mp4",
        "film.p/y",
        "film.sv.srt",
        "film",
        "filma.en.srt",
        "fil.en.srt",
    ):
        storage.put(key, b"x")
    assert storage.beginning("film.") == {"film.en.srt", "film.mp4", "film.sv.srt"}
    assert storage.beginning("none.") == set()


def test_delete(storage: Storage) -> None:
    storage.put("a/x", b"x")
    storage.delete("a/x")
    storage.delete("a/x")
    assert storage.get("a/x") is None
    assert storage.put_new("a/x", b"y").new


def test_open_reads_by_ranges(storage: Storage) -> None:
    data = bytes(range(256)) * 4096
    storage.put("in.mp4", data)
    with storage.open("in.mp4") as file:
        assert file.seekable()
        assert file.readable()
        assert file.seek(-3, io.SEEK_END) == len(data) - 3
        assert file.read(10) == data[-3:]
        assert file.read(10) == b""
        assert file.seek(700_001) == 700_001
        assert file.read(300_000) == data[700_001:1_000_001]
        assert file.seek(-5, io.SEEK_CUR) == file.tell() == 999_996
        assert type(file.read(1)) is bytes
        assert file.seek(len(data) + 10) == len(data) + 10
        assert file.read(1) == b""
        file.seek(0)
        assert file.read() == data
    assert file.closed


def test_names_are_what_lies_at_the_root(storage: Storage) -> None:
    assert storage.names() == set()
    for key in ("a/b/x", "a/y", ".streamify/plan.json", "z.mpd"):
        storage.put(key, b"x")
    assert storage.names() == {"a", ".streamify", "z.mpd"}


def test_stat_gives_the_size_and_a_version_that_changes_with_the_content(storage: Storage) -> None:
    assert storage.stat("x") is None
    storage.put("x", b"one")
    first = storage.stat("x")
    assert first is not None
    assert (first.size, storage.stat("x")) == (3, first)
    storage.put("x", b"three")
    second = storage.stat("x")
    assert second is not None
    assert second.size == 5
    assert second.version != first.version
    storage.put("empty", b"")
    empty = storage.stat("empty")
    assert empty is not None
    assert empty.size == 0


def tag_of(storage: Storage, key: str) -> str | None:
    return next(one.tag for one in storage.list() if one.key == key)


def test_a_listing_gives_the_tag_that_the_writer_was_told(storage: Storage) -> None:
    written = storage.put_new("video/é x.m4s", b"one")
    assert tag_of(storage, "video/é x.m4s") == written.tag
    assert (written.tag is None) == isinstance(storage, LocalStorage)
    assert storage.put_new("video/é x.m4s", b"one").tag == written.tag  # it is that of what is there
    if written.tag is not None:
        assert '"' not in written.tag
        storage.put("video/é x.m4s", b"two")
        assert tag_of(storage, "video/é x.m4s") not in (None, written.tag)


def test_when_it_was_written(storage: Storage) -> None:
    storage.put("x", b"one")
    found = storage.stat("x")
    assert found is not None
    assert abs(found.modified - time.time()) < 60


# Object stores.


def holding_back(way: Proxy, number: int) -> None:
    """Answer nothing before that many requests are under way at once."""
    reached = Event()

    def watch(_: object) -> None:
        if way.under_way >= number:
            reached.set()
        reached.wait(60)

    way.watch = watch
    way.faults = Faults(delay=0.1)


def test_get_many_asks_for_many_at_once(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy.before(cloud("s3")) as way:
        way.cloud.enter(monkeypatch)
        storage = open_storage(way.cloud.make_bucket(f"b-{uuid.uuid4().hex}"))
        storage.put("x", b"x")
        holding_back(way, 32)
        assert list(storage.get_many(["x"] * 200)) == [b"x"] * 200
        assert 32 <= way.most <= 64


def test_put_new_many_writes_many_at_once(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy.before(cloud("s3")) as way:
        way.cloud.enter(monkeypatch)
        storage = open_storage(way.cloud.make_bucket(f"b-{uuid.uuid4().hex}"))
        holding_back(way, 32)
        storage.put_new_many((f"{number}", b"x") for number in range(200))
        assert 32 <= way.most <= 64


def test_get_many_ends_with_the_first_error(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> None:
    cloud("s3").enter(monkeypatch)
    storage = open_storage("s3://nobody-made-this/x")
    before = own_threads()
    with pytest.raises(DestinationError):
        list(storage.get_many(["x"] * 500))
    assert own_threads() <= before


@pytest.mark.parametrize("storage", ["memory", "s3", "ministack", "az"], indirect=True)
def test_a_listing_may_begin_behind_a_key(storage: ObjectStorage) -> None:
    for number in range(5):
        storage.put(f"a/{number:05d}.json", b"x")
    storage.put("b/00004.json", b"x")
    assert sorted(one.key for one in storage.list("a", after="a/00002.json")) == ["a/00003.json", "a/00004.json"]
    assert list(storage.list("a", after="a/00004.json")) == []


@pytest.mark.parametrize("storage", ["memory", "s3", "ministack", "az"], indirect=True)
def test_swap_has_one_winner(storage: ObjectStorage) -> None:
    storage.put("x", b"old")
    assert not storage.swap("x", b"other", b"new")
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda n: storage.swap("x", b"old", b"%d" % n), range(8)))
    assert outcomes.count(True) == 1
    assert storage.get("x") == b"%d" % outcomes.index(True)
    assert not storage.swap("nothing", b"old", b"new")


@pytest.mark.parametrize("storage", ["memory", "s3", "ministack", "az"], indirect=True)
def test_a_source_that_is_overwritten_while_it_is_read_is_noticed(storage: ObjectStorage) -> None:
    storage.put("in.mp4", b"a" * 2_000_000)
    with storage.open("in.mp4") as file:
        assert file.read(10) == b"a" * 10
        storage.put("in.mp4", b"b" * 2_000_000)
        file.seek(1_500_000)
        with pytest.raises(SourceError, match="overwritten") as caught:
            file.read(10)
    assert caught.value.code == "source-changed"


@pytest.mark.parametrize("storage", ["s3"], indirect=True)  # ministack gives all of a version for a range of it
def test_a_bucket_that_keeps_versions_goes_on_giving_the_one_that_was_planned(storage: ObjectStorage) -> None:
    keep_versions(storage)
    storage.put("in.mp4", b"a" * 2_000_000)
    planned = storage.stat("in.mp4")
    assert planned is not None
    with storage.open("in.mp4", planned.version) as file:
        assert file.read(10) == b"a" * 10
        storage.put("in.mp4", b"b" * 1_000_000)
        file.seek(1_500_000)
        assert file.read() == b"a" * 500_000
    with storage.open("in.mp4", planned.version) as file:
        assert file.read() == b"a" * 2_000_000
    with storage.open("in.mp4") as file:
        assert file.read() == b"b" * 1_000_000
    storage.delete("in.mp4")
    for version in (planned.version, '"0123456789abcdef"'):
        with pytest.raises(SourceError) as caught:
            storage.open("in.mp4", version)
        assert caught.value.code == "source-changed"


@pytest.mark.parametrize("storage", ["s3", "ministack"], indirect=True)
def test_a_bucket_whose_versions_were_switched_off_calls_all_of_them_the_same(storage: ObjectStorage) -> None:
    keep_versions(storage)
    keep_versions(storage, "Suspended")
    storage.put("in.mp4", b"a" * 1000)
    planned = storage.stat("in.mp4")
    storage.put("in.mp4", b"b" * 1000)
    now = storage.stat("in.mp4")
    assert planned is not None
    assert now is not None
    assert planned.version != now.version
    with pytest.raises(SourceError) as caught:
        storage.open("in.mp4", planned.version)
    assert caught.value.code == "source-changed"


def keep_versions(storage: ObjectStorage, status: str = "Enabled") -> None:
    """Switch versions of the bucket that a storage is in on, or off."""
    s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    bucket = repr(storage).split("'")[1].removeprefix("s3://").split("/")[0]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


@pytest.mark.parametrize("storage", ["memory", "s3", "ministack", "az"], indirect=True)
def test_objects_say_what_they_are_and_how_long_they_keep(storage: ObjectStorage) -> None:
    for key in ("video/1/0.m4s", "audio/1/0.m4s", "a/master.m3u8", "manifest.mpd", ".streamify/plan.json"):
        storage.put(key, b"x")
    media = "public, max-age=31536000, immutable"
    assert attributes(storage, "video/1/0.m4s") == ("video/mp4", media)
    assert attributes(storage, "audio/1/0.m4s") == ("audio/mp4", media)
    assert attributes(storage, "a/master.m3u8") == ("application/vnd.apple.mpegurl", "public, max-age=5")
    assert attributes(storage, "manifest.mpd") == ("application/dash+xml", "public, max-age=5")
    assert attributes(storage, ".streamify/plan.json") == ("application/json", "no-store")


def attributes(storage: ObjectStorage, key: str) -> tuple[str, str]:
    found = obstore.get(storage._store, key).attributes
    return str(found["Content-Type"]), str(found["Cache-Control"])


@pytest.mark.parametrize("kind", ["s3", "ministack", "az"])
@pytest.mark.parametrize("call", ["get", "get_many", "put", "put_new", "list", "names"])
def test_a_missing_bucket_is_named(
    kind: Kind, call: str, cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = cloud(kind)
    store.enter(monkeypatch)
    storage = open_storage(f"{store.scheme}://nobody-made-this/x")
    arguments: dict[str, tuple[object, ...]] = {"put": ("k", b"x"), "put_new": ("k", b"x"), "names": ()}
    with pytest.raises(DestinationError) as caught:
        list(getattr(storage, call)(*arguments.get(call, ("k",))))
    assert caught.value.code == "storage-no-bucket"
    assert caught.value.exit_code == 5
    assert "nobody-made-this" in caught.value.message
