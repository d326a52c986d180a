"""The page's pure modules, in Node."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import streamify.http

TESTS = Path(__file__).parent / "page" / "page.test.mjs"


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_the_modules_of_the_page_decide_right() -> None:
    done = subprocess.run(["node", "--test", str(TESTS)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_asks_for_all_its_modules_at_once() -> None:
    """A browser that learns of a module from another one asks for it only once that one is there."""
    page = Path(streamify.http.__file__).parent / "page"
    modules = {path.name for path in page.glob("*.js")} - {"player.js"}
    named = re.findall(r'<link rel="modulepreload" href="/_play/(.*?)">', (page / "index.html").read_text())
    assert sorted(named) == sorted(modules)
