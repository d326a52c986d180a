"""Has workers wait before they publish a file: a job can then neither end nor go on, however quick the machine is.

To wait for an event of a job and then to stop its processes would lose against a job that ends in between. So each
worker looks itself: at its start, Python loads `sitecustomize` from a folder in PYTHONPATH, which workers inherit.
"""

from __future__ import annotations

import json
import os
import runpy
from pathlib import Path

import pytest

CODE = """
import fnmatch, json, os, time

link = os.link


def waits(path):
    try:
        with open({rule!r}) as file:
            pattern, most = json.load(file)
    except FileNotFoundError:
        return False
    there = [name for name in os.listdir(os.path.dirname(path)) if name.endswith(".m4s") and name[0] != "."]
    return fnmatch.fnmatch(path, pattern) and len(there) >= most


def wait_and_link(source, target, **more):
    while waits(os.fspath(target)):
        time.sleep(0.02)
    return link(source, target, **more)


os.link = wait_and_link
"""
VIDEO = "*/video/*/[0-9]*.m4s"
"""All segments of pictures."""


class Halt:
    """How far workers may go that are started with `env`, until `release`.

    Args:
        folder: For its own files.
        most: Segments that may be published of a track.
        pattern: Of the paths (fnmatch) of the files for which that holds.
    """

    def __init__(self, folder: Path, most: int, pattern: str = VIDEO) -> None:
        self._folder, self._pattern = folder / "halting", pattern
        self._rule = self._folder / "rule"
        self._folder.mkdir()
        (self._folder / "sitecustomize.py").write_text(CODE.format(rule=str(self._rule)))
        self.allow(most)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a command whose workers wait."""
        return os.environ | {"PYTHONPATH": str(self._folder)}

    def enter(self, patch: pytest.MonkeyPatch) -> None:
        """Have this process wait as well, in which the tasks of an inline engine run."""
        patch.setattr(os, "link", os.link)  # which is put back
        runpy.run_path(str(self._folder / "sitecustomize.py"))

    def allow(self, most: int, pattern: str | None = None) -> None:
        """Let workers go on up to so many segments of a track; from now on of what `pattern` names, if it is given."""
        self._pattern = pattern or self._pattern
        part = self._rule.with_suffix(".part")
        part.write_text(json.dumps([self._pattern, most]))
        part.replace(self._rule)

    def release(self) -> None:
        """Let workers go on to the end."""
        self._rule.unlink(missing_ok=True)
