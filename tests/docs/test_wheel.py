"""What is installed: the wheel holds every file of the package and names the pages of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build as `python -m build` does: a source distribution from the checkout, a wheel from that."""
    folder = tmp_path_factory.mktemp("build")
    checkout = folder / "checkout"
    for name in _tracked("."):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name, follow_symlinks=False)
    _build("build_sdist", checkout, folder)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as source:
        source.extractall(folder / "unpacked", filter="data")
    _build("build_wheel", next((folder / "unpacked").iterdir()), folder)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def _build(what: str, source: Path, into: Path) -> None:
    done = subprocess.run([sys.executable, "-c", BUILD, what, into], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _tracked(folder: str) -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).is_file()]


def _metadata(wheel: zipfile.ZipFile) -> Message:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: zipfile.ZipFile) -> None:
    expected = {name.removeprefix("src/") for name in _tracked("src")}
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert found == expected
    assert {"streamify/py.typed", "streamify/http/page/index.html"} <= found


def test_the_metadata_names_the_pages_of_the_project(wheel: zipfile.ZipFile) -> None:
    urls = dict(line.split(", ", 1) for line in _metadata(wheel).get_all("Project-URL", []))
    assert set(urls) == {"Homepage", "Source", "Documentation", "Changelog", "Issues"}
    forge = "https://github.com/streamify/streamify"
    for url in urls.values():
        assert url == forge or url.startswith(f"{forge}/")
        _, marker, name = url.partition("/blob/main/")
        assert not marker or (ROOT / name).is_file(), f"{url} names no file"


def test_the_unpacked_wheel_runs(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    command = [sys.executable, "-m", "streamify", "--version"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert _metadata(wheel)["Version"] in done.stdout
