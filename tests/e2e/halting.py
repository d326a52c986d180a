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
        with open({rules!r}) as file:
            rules = json.load(file)
    except FileNotFoundError:
        return False
    there = [name for name in os.listdir(os.path.dirname(path)) if name.endswith(".m4s") and name[0] != "."]
    return any(fnmatch.fnmatch(path, pattern) and len(there) >= most for pattern, most in rules.items())


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
        self._rules: dict[str, int] = {}
        self._file = self._folder / "rules"
        self._folder.mkdir()
        (self._folder / "sitecustomize.py").write_text(CODE.format(rules=str(self._file)))
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
        """Let workers go on up to so many segments of a track; with `pattern`, this holds for those files besides."""
        self._rules[pattern or self._pattern] = most
        self._write()

    def release(self, pattern: str | None = None) -> None:
        """Let workers go on to the end; with `pattern`, only what was said of that one holds no more."""
        self._rules = {other: most for other, most in self._rules.items() if pattern not in (None, other)}
        self._write()

    def _write(self) -> None:
        if not self._rules:
            self._file.unlink(missing_ok=True)
            return
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(self._rules))
        part.replace(self._file)
