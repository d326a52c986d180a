"""``streamify watch --engine aws``: a folder here, jobs of the deployed stack, streams in its bucket."""

from __future__ import annotations

import signal
import uuid
from pathlib import Path

import pytest

from clips.make import Clip
from clouds import media as media_files
from e2e.driving import streamify, wait_for
from e2e.watching import Watch, watch
from emulator import Stack

FAST = ("--ladder", "240p", "--no-short-start", "--settle", "0.2")
SLOW = ("--ladder", "360p,240p", "--segment-seconds", "2", "--settle", "0.2")


@pytest.fixture(autouse=True)
def _on_aws(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMIFY_ENGINE", "aws")
    monkeypatch.setenv("STREAMIFY_STACK", stack.name)


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


@pytest.fixture
def streams(stack: Stack) -> str:
    return f"s3://{stack.media}/{uuid.uuid4().hex}"


def arrive(folder: Path, name: str, data: bytes) -> None:
    """Put an upload there as a whole."""
    (folder / f".{name}.part").write_bytes(data)
    (folder / f".{name}.part").rename(folder / name)


def executions(watching: Watch) -> set[str]:
    """Return the ARNs of all executions that jobs started or were attached to."""
    return {note["data"]["execution"] for note in watching.events("note") if "execution" in note["data"]}


@pytest.mark.long
def test_uploads_become_streams_and_a_failure_blocks_nobody(
    stack: Stack, uploads: Path, streams: str, small: Path, tmp_path: Path
) -> None:
    arrive(uploads, "broken.mp4", b"hello, no video\n" * 20)
    arrive(uploads, "a film.mp4", small.read_bytes())
    with watch(uploads, streams, tmp_path / "events", *FAST) as watching:
        ended = watching.ended(2, 200)
        arrive(uploads, "late.mp4", small.read_bytes() + b"\0\0\0\x08free")
        ended = watching.ended(3, 200)
        code, err = watching.stop()
    assert code == 130, err
    assert {key: one["outcome"] for key, one in ended.items()} == {
        "broken.mp4": "failed", "a film.mp4": "complete", "late.mp4": "complete",
    }  # fmt: skip
    assert (ended["broken.mp4"]["code"], bool(ended["broken.mp4"]["hint"])) == ("source-not-media", True)
    local = streamify("transcode", small, tmp_path / "out", *FAST[:3], "--preset", "ultrafast", "--engine", "local")
    assert local.code == 0, local.err
    assert media_files(f"{streams}/a film.mp4") == media_files(str(tmp_path / "out"))

    again = streamify("watch", uploads, streams, *FAST, "--preset", "ultrafast", "--once", "--json")
    assert (again.code, again.json["ended"]) == (0, []), again.err
    listed = streamify("jobs", streams, "--json")
    assert listed.code == 0, listed.err


@pytest.mark.long
def test_a_job_goes_on_while_nobody_watches(
    stack: Stack, uploads: Path, streams: str, card: Clip, tmp_path: Path
) -> None:
    """Ctrl-C ends the watching alone; the next run attaches to the execution, and starts no other."""
    arrive(uploads, "a.mp4", card.path.read_bytes())
    with stack.holding(), watch(uploads, streams, tmp_path / "events", *SLOW, "--preset", "veryslow") as watching:
        wait_for(lambda: watching.events("plan.ready"), 120)
        code, err = watching.stop()
    assert code == 130, err
    [first] = executions(watching)
    with watch(uploads, streams, tmp_path / "events", *SLOW, "--preset", "veryslow") as watching:
        ended = watching.ended(1, 200)
        code, err = watching.stop(signal.SIGTERM)
    assert code == 143, err
    assert ended["a.mp4"]["outcome"] == "complete", ended
    assert executions(watching) <= {first}  # on a quick machine it has ended meanwhile


def test_streams_of_aws_go_to_its_bucket(uploads: Path, small: Path, tmp_path: Path) -> None:
    """Told at once, and not by the failure of every upload."""
    arrive(uploads, "a.mp4", small.read_bytes())
    ran = streamify("watch", uploads, tmp_path / "streams", "--once")
    assert (ran.code, "[aws-dest]" in ran.line) == (2, True), ran.err
    assert not (tmp_path / "streams").exists()
