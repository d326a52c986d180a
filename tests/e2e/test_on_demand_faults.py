"""What goes wrong while a film is watched: what exists plays on, every other request is answered with its cause."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest

import streamify
from clips.long_mp4 import write_long_mp4
from clips.make import ClipSpec, make_clip
from e2e.driving import COMMAND, Playing, disk, playing, published, wait_for
from e2e.halting import Halt
from selection import sample

SECONDS = 40
FLAGS = ("--ladder", "240p", "--segment-seconds", "1", "--keyframe-seconds", "1", "--workers", "1")
SLOW = (*FLAGS, "--preset", "veryslow")
FAST = (*FLAGS, "--preset", "ultrafast")
LAST = SECONDS - 1


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    spec = ClipSpec(seconds=Fraction(SECONDS), rate=Fraction(25), size=(426, 240), gop=50, bframes=2)
    return make_clip(spec, shared / "clips").path


class Answer(NamedTuple):
    """An answer, as it came over the wire."""

    status: int
    retry: str | None
    body: bytes
    seconds: float


def ask(play: Playing, key: str) -> Answer:
    """Return the answer to a request; while what is asked for is being made it is asked again, as players do."""
    found: Answer = wait_for(lambda: None if (answer := ask_once(play, key)).status == 503 else answer)
    return found


def ask_once(play: Playing, key: str, address: str = "127.0.0.1") -> Answer:
    """Return the answer to one request from an address of this machine, whatever it is."""
    began = time.monotonic()
    port = int(play.url.rstrip("/").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(address, 0))
    try:
        connection.request("GET", f"/{key}")
        answer = connection.getresponse()
        body = answer.read()
        return Answer(answer.status, answer.getheader("Retry-After"), body, time.monotonic() - began)
    finally:
        connection.close()


def fill(ballast: Path) -> None:
    """Take all that is left of a disk."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert shutil.disk_usage(ballast).free == 0


def watched(play: Playing, dest: Path) -> tuple[str, str]:
    """Return the folders of picture and sound once the first segment was seen, with most of the film unmade."""
    video, sound = play.tracks()
    assert ask(play, f"{video}/00000.m4s").status == 200
    assert not (dest / video / f"{LAST:05d}.m4s").exists()
    return video, sound


@pytest.mark.parametrize("fault", sample(["deleted", "replaced", "cut"], "replaced"))
def test_a_source_that_changes_is_named_and_what_exists_plays_on(source: Path, tmp_path: Path, fault: str) -> None:
    copy, dest, halt = tmp_path / "holiday.mp4", tmp_path / "dest", Halt(tmp_path, 2)
    shutil.copy(source, copy)
    with playing(copy, dest, *SLOW, env=halt.env) as play:
        video, _ = watched(play, dest)
        if fault == "deleted":
            copy.unlink()
        elif fault == "replaced":
            other = tmp_path / "other.mp4"
            other.write_bytes(source.read_bytes()[::-1])
            other.replace(copy)
        else:
            os.truncate(copy, copy.stat().st_size // 2)
        halt.release()
        refused = ask(play, f"{video}/{LAST:05d}.m4s")
        assert refused.status == 500
        assert b"holiday.mp4" in refused.body
        assert b"[source-changed]" in refused.body
        assert refused.body.count(b"\n") == 1
        wait_for(lambda: streamify.status(dest).state == "failed")
        again = ask(play, f"{video}/{LAST - 5:05d}.m4s")
        assert again.status == 500  # an answer that is waited for in vain is 503
        assert ask(play, f"{video}/00000.m4s").status == 200
        assert ask(play, "master.m3u8").status == 200
        assert play.end() == 3  # each task failed, and of all of them the source is the cause
    assert published(dest) == []


@pytest.mark.long
def test_a_film_with_a_broken_end_plays_and_is_not_published(source: Path, tmp_path: Path) -> None:
    """A disk error: what it holds reads as zeros from there on. What is lost is named, and no job publishes it."""
    broken, dest = tmp_path / "broken.mp4", tmp_path / "dest"
    data = bytearray(source.read_bytes())
    start = data.index(b"mdat") + (len(data) - data.index(b"mdat")) * 2 // 3
    end = data.rindex(b"moov") - 4 if data.rindex(b"moov") > start else len(data)
    data[start:end] = bytes(end - start)
    broken.write_bytes(data)
    with playing(broken, dest, *FAST) as play:
        video, sound = play.tracks()
        for track in (video, sound):
            assert ask(play, f"{track}/00003.m4s").status == 200
        assert ask(play, f"{video}/{LAST:05d}.m4s").status == 200  # the last picture that decodes stands
        assert ask(play, f"{video}/00005.m4s").status == 200
        play.end()
    assert "report.json" not in published(dest)


@pytest.mark.long
def test_a_job_that_makes_another_stream_there_is_named(source: Path, tmp_path: Path) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 2)
    with playing(source, dest, *SLOW, env=halt.env) as play:
        watched(play, dest)
        command = [str(COMMAND), "play", str(source), str(dest), "--no-open", *FAST]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 5
        assert "[dest-busy]" in second.stderr
        halt.release()
        assert ask(play, f"{play.tracks()[0]}/{LAST:05d}.m4s").status == 200
        play.end()


@pytest.mark.long
def test_what_exists_of_a_job_that_is_cancelled_plays_on(source: Path, tmp_path: Path) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 2)
    with playing(source, dest, *SLOW, env=halt.env) as play:
        video, _ = watched(play, dest)
        told = subprocess.run(
            [str(COMMAND), "cancel", str(dest)], capture_output=True, text=True, timeout=60, check=False
        )
        assert told.returncode == 0, told.stderr
        assert ask_once(play, f"{video}/00000.m4s").status == 200
        assert play.process.poll() is None
        assert play.end() == 143


@pytest.mark.long
def test_what_somebody_else_removes_is_refused_at_once_and_made_again_by_the_next_run(
    source: Path, tmp_path: Path
) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 2)
    with playing(source, dest, *SLOW, env=halt.env) as play:
        video, _ = watched(play, dest)
        (dest / video / "00000.m4s").unlink()
        gone = ask(play, f"{video}/00000.m4s")
        assert gone.status == 404
        play.end()
    with playing(source, dest, *SLOW) as play:
        assert ask(play, f"{video}/00000.m4s").status == 200
        play.end()


@pytest.mark.long
def test_a_disk_that_fills_up_ends_the_job_and_the_same_command_goes_on(source: Path, tmp_path: Path) -> None:
    with disk(tmp_path / "small", "size=8m") as folder:
        dest, ballast, halt = folder / "dest", folder / "ballast", Halt(tmp_path, 2)
        with playing(source, dest, *SLOW, env=halt.env) as play:
            video, _ = watched(play, dest)
            fill(ballast)
            halt.release()
            full = ask(play, f"{video}/{LAST:05d}.m4s")
            assert full.status == 502
            assert b"[disk-full]" in full.body
            assert ask(play, f"{video}/00000.m4s").status == 200
            assert play.end() == 5
        ballast.unlink()
        with playing(source, dest, *SLOW) as play:
            assert ask(play, f"{video}/{LAST:05d}.m4s").status == 200
            play.end()


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """25 minutes, of which little can be made while it is watched."""
    path = tmp_path_factory.mktemp("long") / "film.mp4"
    write_long_mp4(path, 1500)
    return path


def patient(play: Playing, key: str, address: str) -> Answer:
    """Return the answer to a request, which a busy machine may have to be asked for three times."""
    for _ in range(2):
        if (answer := ask_once(play, key, address)).status == 200:
            return answer
    return ask_once(play, key, address)


@pytest.mark.long
def test_a_thousand_requests_of_one_client_do_not_keep_others_waiting(long_film: Path, tmp_path: Path) -> None:
    flags = ("--ladder", "auto", "--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "ultrafast")
    with playing(long_film, tmp_path / "dest", *flags, "--workers", "1") as play, ThreadPoolExecutor(200) as pool:
        video, _ = play.tracks()
        asked = [pool.submit(ask_once, play, f"{video}/{place:05d}.m4s") for place in range(400, 1400)]
        others = [patient(play, f"{video}/{place:05d}.m4s", f"127.0.0.{number}")
                  for number, place in enumerate((200, 210, 220, 230, 240, 250), start=2)]  # fmt: skip
        answers = [one.result() for one in asked]
        play.end()
    assert [other.status for other in others] == [200] * 6
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) == {200, 503}
    assert statuses[503] > 100
    assert all(answer.retry is not None for answer in answers if answer.status == 503)
    assert max(answer.seconds for answer in answers) < 30
