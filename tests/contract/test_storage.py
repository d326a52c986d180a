"""One suite over every kind of storage. To add one: a fixture parameter that builds it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from obstore.store import LocalStore, MemoryStore

from streamify.errors import DestinationError
from streamify.storage.base import ConflictError, ObjectStorage, Storage
from streamify.storage.local import LocalStorage

pytestmark = pytest.mark.timeout(30)

CASES: dict[str, Callable[[Path], Storage]] = {
    "local": lambda root: LocalStorage(root),
    "memory-objects": lambda root: ObjectStorage(MemoryStore(), "memory"),
    "local-objects": lambda root: ObjectStorage(LocalStore(root, mkdir=True), "objects"),
}
ODD = [
    "with space/a b.m4s", "é ü/日本.m4s", "100%d.mp4", "%20/%2F.mp4", "a#b.mp4", "a&b=c+d.mp4", "-rf/-x",
    "a'b\"c.mp4",
    "q?*[x].mp4", "back\\slash.mp4", "~home.mp4", "dot.", ".hidden/.x",
]  # fmt: skip


@pytest.fixture(params=CASES)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return CASES[request.param](tmp_path / "root")


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
def test_what_is_not_there_is_none(storage: Storage, key: str, request: pytest.FixtureRequest) -> None:
    if "local-objects" in request.node.name and key in ("file/below", "folder"):
        pytest.skip("obstore's LocalStore, which serves in tests alone, takes folders for objects that fail")
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


@pytest.mark.parametrize("kind", ["local", "local-objects"])
@pytest.mark.parametrize("method", ["put", "put_new"])
def test_a_full_disk_is_named_and_leaves_no_half_file(tiny: Path, kind: str, method: str) -> None:
    storage = CASES[kind](tiny / "root")
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
