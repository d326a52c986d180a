"""Temporary folders of processes that were killed."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from streamify.machine.folder import LOCK, sweep, temporary_folder


def test_a_folder_is_removed_at_the_end_and_those_of_dead_processes_with_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tempfile.TemporaryDirectory(prefix="x", dir="/tmp") as base:
        monkeypatch.setattr(tempfile, "tempdir", base)
        with temporary_folder(longest=len(base) - 1) as short:
            assert str(short.parent) == "/tmp"
        dead, young, other = (Path(base) / name for name in ("streamify-dead", "streamify-young", "streamify"))
        for folder in (dead, young, other):
            (folder / "session").mkdir(parents=True)
        (dead / LOCK).touch()
        (other / LOCK).touch()
        with temporary_folder() as first, temporary_folder(len(base)) as second:
            assert {path.name for path in Path(base).iterdir()} == {
                "streamify-young", "streamify", first.name, second.name,
            }  # fmt: skip
        assert {path.name for path in Path(base).iterdir()} == {"streamify-young", "streamify"}


def test_a_lock_that_somebody_holds_keeps_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "streamify-x"
    folder.mkdir()
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    sweep(tmp_path)
    assert folder.exists()
    os.close(lock)
    sweep(tmp_path)
    assert not folder.exists()


def test_without_locks_there_is_a_folder_that_nobody_sweeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with monkeypatch.context() as without:
        without.setattr(fcntl, "flock", refuse)
        made = temporary_folder()
        folder = made.__enter__()
    sweep(tmp_path)
    assert folder.is_dir()
    made.__exit__(None, None, None)
    assert not folder.exists()
