"""What a confined process reads: tried in a child, for it cannot be undone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import json, os, sys
from streamify.machine.confine import confine
def refused(path):
    try:
        with open(path, "rb") as file:
            file.read(1)
    except PermissionError:
        return True
    return False
paths = [*sys.argv[1:], f"/proc/{os.getppid()}/environ", "/etc/hostname"]
before = [refused(path) for path in paths]
held = confine()
import wave  # of Python, read only now
after = [refused(path) for path in paths]
print(json.dumps([held, before, after, refused("/proc/self/status"), os.listdir("/usr") != []]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock is part of Linux")
def test_a_confined_process_reads_python_and_the_system_and_nothing_else(tmp_path: Path) -> None:
    secret = tmp_path / "credentials"
    secret.write_text("secret")
    library = tmp_path / "libraries" / "libx.so"
    library.parent.mkdir()
    library.write_text("x")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, secret, library], capture_output=True, text=True, check=True,
        env=os.environ | {"LD_LIBRARY_PATH": f"{tmp_path / 'none'}:{library.parent}"},
    )  # fmt: skip
    held, before, after, own, system = json.loads(done.stdout)
    if not held:
        pytest.skip("this kernel has no Landlock")
    assert before == [False] * 4
    assert after == [True, False, True, True]
    assert not own
    assert system
