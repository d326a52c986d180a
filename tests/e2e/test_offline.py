"""The main job needs no network and asks for none: no telemetry, no look-ups, no second file."""

from __future__ import annotations

import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from clips.make import ClipSpec, make_clip
from e2e.driving import published, streamify

GUARD = """
import os, socket
def refuse(*what, **more):
    with open(os.environ["PYTHONPYCACHEPREFIX"] + "/asked", "a") as file:
        print(os.getpid(), what, file=file)
    raise OSError("the network is denied")
socket.getaddrinfo = socket.create_connection = socket.gethostbyname = refuse
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = socket.socket.bind = refuse
open(os.environ["PYTHONPYCACHEPREFIX"] + f"/guarded-{os.getpid()}", "w").close()
"""
"""Runs at the start of every Python process, workers included: of the environment only PYTHON* reaches them."""


@pytest.mark.long
def test_nothing_asks_for_the_network(tmp_path: Path) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(3)), tmp_path).path
    guard, scratch = tmp_path / "guard", tmp_path / "scratch"
    for folder in (guard, scratch):
        folder.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD)
    env = {"PYTHONPATH": str(guard), "PYTHONPYCACHEPREFIX": str(scratch)}
    dest = tmp_path / "dest"
    ran = streamify("transcode", source, dest, "--preset", "ultrafast", env=env)
    assert ran.code == 0, ran.err
    assert streamify("verify", dest, "--source", source, env=env).code == 0
    assert not (scratch / "asked").exists(), (scratch / "asked").read_text()
    assert len(list(scratch.glob("guarded-*"))) >= 4  # both commands and their workers


@pytest.mark.long
def test_it_works_without_a_network(tmp_path: Path) -> None:
    denied = (
        subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False) if shutil.which("unshare") else None
    )
    if denied is None or denied.returncode:
        pytest.skip("denying the network needs the right to unshare it")
    source = make_clip(ClipSpec(seconds=Fraction(3)), tmp_path).path
    ran = streamify("transcode", source, tmp_path / "dest", "--preset", "ultrafast", prefix=("unshare", "-n"))
    assert ran.code == 0, ran.err
    assert published(tmp_path / "dest") == ["master.m3u8", "manifest.mpd", "report.json"]
    assert streamify("verify", tmp_path / "dest", "--source", source, prefix=("unshare", "-n")).code == 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_no_process_opens_a_network_socket(tmp_path: Path) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(2)), tmp_path).path
    prefix = ("strace", "-f", "-qq", "-e", "trace=socket,connect", "-o", str(tmp_path / "calls"))
    ran = streamify("transcode", source, tmp_path / "dest", "--preset", "ultrafast", prefix=prefix)
    assert ran.code == 0, ran.err
    calls = (tmp_path / "calls").read_text()
    assert "AF_INET" not in calls, calls


def test_credentials_of_the_shell_do_not_reach_workers(tmp_path: Path) -> None:
    """Untrusted media is decoded in there."""
    source = make_clip(ClipSpec(seconds=Fraction(2)), tmp_path).path
    guard, scratch = tmp_path / "guard", tmp_path / "scratch"
    for folder in (guard, scratch):
        folder.mkdir()
    look = (
        'import os, sys\nopen(os.environ["PYTHONPYCACHEPREFIX"] + f"/{os.getpid()}", "w").write(repr(dict(os.environ)))'
    )
    (guard / "sitecustomize.py").write_text(look)
    env = {"PYTHONPATH": str(guard), "PYTHONPYCACHEPREFIX": str(scratch), "AWS_SECRET_ACCESS_KEY": "hush-hush"}
    assert streamify("transcode", source, tmp_path / "dest", "--preset", "ultrafast", env=env).code == 0
    seen = [file.read_text() for file in scratch.iterdir() if file.is_file()]
    assert sum("hush-hush" in one for one in seen) == 1  # the driver's own
    assert len(seen) > 1  # and that of each worker
    written = {path: path.read_bytes() for path in (tmp_path / "dest").rglob("*") if path.is_file()}
    assert not any(b"hush-hush" in data for data in written.values())
    # Nothing published holds an absolute path; the job's own record, which `resume` reads, is never served.
    named = {
        path.relative_to(tmp_path / "dest").as_posix()
        for path, data in written.items()
        if os.fsencode(tmp_path) in data
    }
    assert named <= {".streamify/job.json"}
