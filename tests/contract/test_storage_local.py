"""A folder as a storage: a full disk, a folder that refuses, and what it has no tags for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamify.errors import DestinationError
from streamify.storage.base import Listed
from streamify.storage.local import LocalStorage

pytestmark = pytest.mark.timeout(120)


def test_a_listing_of_a_folder_has_no_tags(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("x", b"one")
    assert list(storage.list()) == [Listed("x", 3, None, (tmp_path / "x").stat().st_mtime)]


def test_a_pipe_that_nobody_writes_into_is_no_file_and_holds_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    storage = LocalStorage(tmp_path)
    assert storage.get("pipe") is None
    assert storage.stat("pipe") is None


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
    assert storage.put_new("a/second", b"x" * 50_000).new


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
