"""The page's pure modules, in Node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parent / "page" / "page.test.mjs"


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_the_modules_of_the_page_decide_right() -> None:
    done = subprocess.run(["node", "--test", str(TESTS)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
