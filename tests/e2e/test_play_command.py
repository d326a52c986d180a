"""`streamify play` as a process: what it prints, how it ends, and where it listens."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from ports import reserved_port
from selection import sample
from streamify.http.connections import SEND_SECONDS

COMMAND = [sys.executable, "-m", "streamify", "play"]


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    dest = tmp_path / "my stream"
    dest.mkdir()
    (dest / "master.m3u8").write_text("#EXTM3U\n")
    (dest / "large.m4s").write_bytes(bytes(16 * 1024 * 1024))
    return dest


@pytest.mark.parametrize(
    ("number", "code"), sample([(signal.SIGINT, 130), (signal.SIGTERM, 143)], (signal.SIGINT, 130))
)
def test_it_prints_one_document_and_ends_at_once_whatever_is_being_sent(dest: Path, number: int, code: int) -> None:
    command = [*COMMAND, str(dest), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(url + "master.m3u8", timeout=60) as answer:
            assert answer.read() == b"#EXTM3U\n"
        port = int(url.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as reader:  # which takes nothing
            reader.sendall(b"GET /large.m4s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert reader.recv(1, socket.MSG_PEEK)  # it is being sent
            process.send_signal(number)
            rest, errors = process.communicate(timeout=SEND_SECONDS / 2)
    assert (process.returncode, rest, errors) == (code, "", "")


def test_a_port_that_is_taken_and_one_that_is_given(dest: Path) -> None:
    with reserved_port() as port:
        command = [*COMMAND, str(dest), "--port", str(port)]
        with socket.create_server(("127.0.0.1", port)):
            refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert refused.returncode == 2
        assert "[cannot-listen]" in refused.stderr
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == f"http://127.0.0.1:{port}/  (Ctrl-C ends)\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
