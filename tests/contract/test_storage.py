"""One suite over every kind of storage. To add one: a fixture parameter that builds it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import obstore
import pytest
from obstore.store import MemoryStore

from clouds import Cloud, Kind
from streamify.errors import DestinationError, SourceError
from streamify.storage.base import ConflictError, Storage
from streamify.storage.local import LocalStorage
from streamify.storage.locate import open_storage
from streamify.storage.objects import ObjectStorage

pytestmark = pytest.mark.timeout(30)

KINDS = ("local", "memory", "s3", "az")
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
    assert storage.size("a/b/c.bin") == 5
    storage.put("empty", b"")
    assert storage.get("empty") == b""
    assert storage.size("empty") == 0


@pytest.mark.parametrize("key", ["nothing", "no/folder/nothing", "file/below", "folder"])
def test_what_is_not_there_is_none(storage: Storage, key: str) -> None:
    storage.put("file", b"x")
    storage.put("folder/x", b"x")
    assert storage.get(key) is None
    assert storage.size(key) is None
    storage.delete(key)
    with pytest.raises(DestinationError):
        storage.open(key)
    assert storage.get("folder/x") == b"x"


def test_put_new_writes_once(storage: Storage) -> None:
    assert storage.put_new("x/y", b"one") is True
    assert storage.put_new("x/y", b"one") is False
    with pytest.raises(ConflictError) as caught:
        storage.put_new("x/y", b"two")
    assert caught.value.code == "dest-conflict"
    assert caught.value.exit_code == 5
    assert "x/y" in caught.value.message
    assert storage.get("x/y") == b"one"
    assert [key for key, _ in storage.list()] == ["x/y"]


@pytest.mark.parametrize("same", [True, False])
def test_a_race_of_put_new_has_one_winner(storage: Storage, same: bool) -> None:
    number = 24
    for lap in range(3):
        barrier = Barrier(number)

        def claim(index: int, lap: int = lap, barrier: Barrier = barrier) -> bool | None:
            data = b"same" if same else b"%d" % index
            barrier.wait(timeout=10)
            try:
                return storage.put_new(f"claims/{lap}", data)
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


@pytest.mark.parametrize("storage", ["local", "memory", "s3"], indirect=True)  # Azure turns it into a slash
def test_a_backslash_is_no_slash(storage: Storage) -> None:
    storage.put("back\\slash.mp4", b"x")
    assert list(storage.list()) == [("back\\slash.mp4", 1)]


@pytest.mark.parametrize("key", ODD)
def test_odd_keys_are_taken_literally(storage: Storage, key: str) -> None:
    assert storage.put_new(key, b"x") is True
    assert storage.put_new(key, b"x") is False
    storage.put(key, b"xy")
    assert list(storage.list()) == [(key, 2)]
    assert storage.get(key) == b"xy"
    with storage.open(key) as file:
        assert file.read() == b"xy"
    storage.delete(key)
    assert storage.get(key) is None


def test_list_is_by_folder(storage: Storage) -> None:
    for key, size in {"a/1": 1, "a/b/2": 2, "ab/3": 3, "4": 4}.items():
        storage.put(key, bytes(size))
    assert sorted(storage.list()) == [("4", 4), ("a/1", 1), ("a/b/2", 2), ("ab/3", 3)]
    assert sorted(storage.list("a")) == [("a/1", 1), ("a/b/2", 2)]
    assert sorted(storage.list("a/b")) == [("a/b/2", 2)]
    assert list(storage.list("nothing")) == []


def test_delete(storage: Storage) -> None:
    storage.put("a/x", b"x")
    storage.delete("a/x")
    storage.delete("a/x")
    assert storage.get("a/x") is None
    assert storage.put_new("a/x", b"y") is True


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


def test_a_version_changes_with_the_content(storage: Storage) -> None:
    assert storage.version("x") is None
    storage.put("x", b"one")
    first = storage.version("x")
    assert first == storage.version("x")
    storage.put("x", b"three")
    assert storage.version("x") not in (None, first)


# Object stores.


@pytest.mark.parametrize("storage", ["memory", "s3", "az"], indirect=True)
def test_swap_has_one_winner(storage: ObjectStorage) -> None:
    storage.put("x", b"old")
    assert not storage.swap("x", b"other", b"new")
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda n: storage.swap("x", b"old", b"%d" % n), range(8)))
    assert outcomes.count(True) == 1
    assert storage.get("x") == b"%d" % outcomes.index(True)
    assert not storage.swap("nothing", b"old", b"new")


@pytest.mark.parametrize("storage", ["memory", "s3", "az"], indirect=True)
def test_a_source_that_is_overwritten_while_it_is_read_is_noticed(storage: ObjectStorage) -> None:
    storage.put("in.mp4", b"a" * 2_000_000)
    with storage.open("in.mp4") as file:
        assert file.read(10) == b"a" * 10
        storage.put("in.mp4", b"b" * 2_000_000)
        file.seek(1_500_000)
        with pytest.raises(SourceError, match="overwritten") as caught:
            file.read(10)
    assert caught.value.code == "source-changed"


@pytest.mark.parametrize("storage", ["memory", "s3", "az"], indirect=True)
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


@pytest.mark.parametrize("kind", ["s3", "az"])
@pytest.mark.parametrize("call", ["get", "put", "put_new", "list", "names"])
def test_a_missing_bucket_is_named(
    kind: Kind, call: str, cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud(kind).enter(monkeypatch)
    storage = open_storage(f"{kind}://nobody-made-this/x")
    arguments: dict[str, tuple[object, ...]] = {"put": ("k", b"x"), "put_new": ("k", b"x"), "names": ()}
    with pytest.raises(DestinationError) as caught:
        list(getattr(storage, call)(*arguments.get(call, ("k",))))
    assert caught.value.code == "storage-no-bucket"
    assert caught.value.exit_code == 5
    assert "nobody-made-this" in caught.value.message


# A full disk, and a folder that refuses.


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of 256 KiB."""
    point = tmp_path / "tiny"
    point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(point)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("may not mount a tmpfs here (needs root)")
    yield point
    subprocess.run(["umount", str(point)], check=True)


@pytest.mark.parametrize("method", ["put", "put_new"])
def test_a_full_disk_is_named_and_leaves_no_half_file(tiny: Path, method: str) -> None:
    storage = LocalStorage(tiny / "root")
    storage.put("a/first", b"x" * 50_000)
    with pytest.raises(DestinationError) as caught:
        getattr(storage, method)("a/second", b"x" * 400_000)
    assert caught.value.code == "disk-full"
    assert "a/second" in caught.value.message
    assert storage.get("a/second") is None
    assert [path.name for path in tiny.rglob("*") if path.is_file()] == ["first"]
    assert storage.put_new("a/second", b"x" * 50_000) is True


LIMITED = """
import resource, sys
from pathlib import Path
from streamify.errors import DestinationError
from streamify.storage.local import LocalStorage
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    getattr(LocalStorage(Path(sys.argv[1])), sys.argv[2])("a/x", bytes(200_000))
except DestinationError as error:
    sys.exit(error.code)
"""


@pytest.mark.parametrize("method", ["put", "put_new"])
def test_a_write_that_fails_half_way_leaves_nothing(tmp_path: Path, method: str) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path), method]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stderr == "storage-failed\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("method", ["put", "put_new"])
def test_a_name_that_is_taken_by_a_folder_fails_and_leaves_nothing(tmp_path: Path, method: str) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("a/x/y", b"y")
    with pytest.raises(DestinationError):
        getattr(storage, method)("a/x", b"x")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["y"]


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("a/b/x", b"x")
    real = os.scandir

    def scandir(path: str) -> object:  # root may read everything, so a mode does not do
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr("os.scandir", scandir)
    with pytest.raises(DestinationError, match="Permission denied"):
        list(storage.list())


@pytest.mark.parametrize("method", ["put", "put_new"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, method: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    storage = LocalStorage(tmp_path / "file" / "dest")
    with pytest.raises(DestinationError, match="dest/a") as caught:
        getattr(storage, method)("a", b"x")
    assert caught.value.code == "storage-failed"
    assert caught.value.exit_code == 5
