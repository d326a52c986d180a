"""The link through which a sealed process gives FFmpeg a file: what stays of it, and who may have laid it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from streamify.machine.link import linked, readable

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="links lead to /proc")

OWNER = """
import sys, time
from streamify.machine.link import linked
with linked("table.cube") as path:
    print(path, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_processes_that_are_killed_leave_one_link_however_many_they_are(temporary: Path) -> None:
    paths = set()
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as owner:
            assert owner.stdout is not None
            paths.add(Path(owner.stdout.readline().strip()))
            owner.send_signal(signal.SIGKILL)
    assert list(temporary.rglob("*.cube")) == list(paths)
    assert len(list(temporary.rglob("*"))) == 2


def test_it_gives_the_data_and_leads_to_the_process_that_follows_it(temporary: Path) -> None:
    with linked("table.cube") as path, readable(path, b"LUT_3D_SIZE 2\n"):
        assert path.read_bytes() == b"LUT_3D_SIZE 2\n"
    assert path.suffix == ".cube"


@pytest.mark.parametrize(
    "lay",
    [
        lambda place: place.mkdir() or place.chmod(0o755),  # whatever the umask
        lambda place: place.touch(),
        lambda place: (place.parent / "elsewhere").mkdir() or place.symlink_to(place.parent / "elsewhere"),
    ],
    ids=["a folder that others may read", "a file", "a link"],
)
def test_what_somebody_else_may_have_laid_is_not_used(temporary: Path, lay: Callable[[Path], object]) -> None:
    place = temporary / f"streamify-{os.getuid()}"
    lay(place)
    before = sorted(temporary.rglob("*"))
    with linked("table.cube") as path:
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert not path.is_relative_to(place)
    assert sorted(temporary.rglob("*")) == before
