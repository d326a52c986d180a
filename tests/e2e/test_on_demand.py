"""A stream that is played while it is made: whole from the start, in its viewers' order, equal in the end."""

from __future__ import annotations

import io
import json
import random
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import psutil
import pytest

import streamify
from clips.identity import read_ids
from clips.make import ClipSpec, make_clip
from e2e.driving import COMMAND, media, playing, published, rungs, verify, wait_for
from e2e.driving import streamify as run
from e2e.halting import Halt

SETTINGS: dict[str, Any] = {
    "ladder": rungs(240, 120), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast",
}  # fmt: skip
FLAGS = ["--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "ultrafast"]
SECONDS = 24


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    spec = ClipSpec(seconds=Fraction(SECONDS), rate=Fraction(25), size=(426, 240), gop=50, bframes=2)
    return make_clip(spec, shared / "clips").path


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ladder") / "small.yaml"
    path.write_text(json.dumps(SETTINGS["ladder"]))
    return path


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stream as `transcode` makes it."""
    dest = tmp_path_factory.mktemp("whole")
    streamify.transcode(source, dest, engine="inline", **SETTINGS)
    return dest


@pytest.mark.long
def test_what_is_watched_at_random_leaves_the_stream_that_transcode_makes(
    source: Path, ladder: Path, whole: Path, tmp_path: Path
) -> None:
    dest, chance = tmp_path / "dest", random.Random(7)
    with playing(source, dest, "--ladder", ladder, *FLAGS) as play:
        tracks = play.tracks()
        assert len(tracks) == 3
        for _ in range(12):
            key = f"{chance.choice(tracks)}/{chance.randrange(SECONDS):05d}.m4s"
            assert play.get(key) == (whole / key).read_bytes()
        for track in tracks:
            assert play.get(f"{track}/init.mp4") == (whole / track / "init.mp4").read_bytes()
        wait_for(lambda: published(dest) == published(whole))
        wait_for(lambda: play.get("master.m3u8") == (whole / "master.m3u8").read_bytes())
        assert play.end() == 130
    assert media(dest) == media(whole)
    for name in ("master.m3u8", "manifest.mpd", f"{tracks[0]}/playlist.m3u8", f"{tracks[0]}/iframes.m3u8"):
        assert (dest / name).read_bytes() == (whole / name).read_bytes()
    assert verify(dest, source).faults == ()


def test_the_manifests_of_the_plan_say_what_the_finished_ones_say(
    source: Path, ladder: Path, whole: Path, tmp_path: Path
) -> None:
    halt = Halt(tmp_path, 3)
    with playing(source, tmp_path / "dest", "--ladder", ladder, *FLAGS, env=halt.env) as play:
        before = [play.get(f"{track}/playlist.m3u8").decode() for track in play.tracks()]
        master = play.get("master.m3u8").decode()
        mpd = play.get("manifest.mpd").decode()
        assert "report.json" not in published(tmp_path / "dest")  # they came from the plan
        tracks = play.tracks()
        play.end()
    for track, text in zip(tracks, before, strict=True):
        assert text == (whole / track / "playlist.m3u8").read_text()  # every EXTINF is exact
    finished = (whole / "master.m3u8").read_text()
    for line in master.splitlines():
        assert "I-FRAME" not in line
        for word in ("CODECS", "RESOLUTION", "FRAME-RATE"):
            if f"{word}=" in line:
                value = line.split(f"{word}=")[1].split(",V")[0].split(",FRAME")[0]
                assert value in finished
    whole_mpd = (whole / "manifest.mpd").read_text()  # which also has thumbnails: they come last of all
    thumbnails = re.compile(r' *<AdaptationSet id="\d" contentType="image".*?</AdaptationSet>\n', re.DOTALL)
    assert without_rates(mpd) == without_rates(thumbnails.sub("", whole_mpd))


def without_rates(mpd: str) -> str:
    parts = mpd.split('bandwidth="')
    return parts[0] + "".join(part.partition('"')[2] for part in parts[1:])


def made_by(segment: Path) -> list[Path]:
    """Return the segments of pictures that are no younger than one of them."""
    last = segment.stat().st_mtime_ns
    return [path for path in segment.parents[2].glob("video/*/0*.m4s") if path.stat().st_mtime_ns <= last]


def attempts(dest: Path) -> str:
    """Return what is kept of the attempts that have begun."""
    return "".join(path.read_text() for path in dest.glob(".streamify/runs/*/attempts/*"))


def test_a_segment_far_ahead_comes_before_the_rest_is_made(source: Path, ladder: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    slow = ["--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "veryslow", "--workers", "1"]
    halt = Halt(tmp_path, 1)
    with playing(source, dest, "--ladder", ladder, *slow, env=halt.env) as play, ThreadPoolExecutor(1) as pool:
        low = play.tracks()[-2]
        wanted = pool.submit(play.get, f"{low}/{SECONDS - 2:05d}.m4s")
        wait_for(lambda: f'"video/{SECONDS - 2:05d}/' in attempts(dest))
        halt.release()
        wanted.result()
        made = {path.name for path in made_by(dest / f"{low}/{SECONDS - 2:05d}.m4s")}
        assert len(made) < SECONDS // 2
        assert f"{SECONDS - 10:05d}.m4s" not in made
        assert play.end() == 130


@pytest.mark.long
def test_the_same_command_goes_on_where_it_was_ended(source: Path, ladder: Path, whole: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with playing(source, dest, "--ladder", ladder, *FLAGS, "--preset", "ultrafast") as play:
            low = play.tracks()[1]
            play.get(f"{low}/{random.Random(number).randrange(SECONDS):05d}.m4s")
            assert play.end(number) == {signal.SIGKILL: -9}.get(signal.Signals(number), 128 + number)
    with playing(source, dest, "--ladder", ladder, *FLAGS) as play:
        wait_for(lambda: published(dest) == published(whole))
        assert play.end() == 130
    assert media(dest) == media(whole)


@pytest.mark.long
def test_without_a_dest_the_stream_is_kept_in_the_cache(source: Path, ladder: Path, tmp_path: Path) -> None:
    import os

    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    with playing(source, "--ladder", ladder, *FLAGS, env=env) as play:
        play.get(f"{play.tracks()[0]}/00000.m4s")
        [kept] = (tmp_path / "streamify").iterdir()
        assert kept.name.endswith(source.name)
        wait_for(lambda: (kept / "report.json").exists())
        assert play.end() == 130
    with playing(kept) as again:
        assert again.get("master.m3u8").startswith(b"#EXTM3U")
        assert again.end() == 130


@pytest.mark.long
def test_fifty_viewers_of_a_fresh_film_share_what_is_made(
    source: Path, ladder: Path, whole: Path, tmp_path: Path
) -> None:
    """40 start at the beginning and 10 anywhere; each plays 8 s of one rung and the sound, as a player asks for it."""
    dest, viewers = tmp_path / "dest", 50
    with playing(source, dest, "--ladder", ladder, *FLAGS) as play, ThreadPoolExecutor(viewers) as pool:
        *rungs, sound = play.tracks()
        server = psutil.Process(play.process.pid)
        used: list[int] = []

        def view(number: int) -> None:
            start = random.Random(number).randrange(SECONDS - 8) if number < 10 else 0
            for place in range(start, start + 8):
                for track in (rungs[number % 2], sound):
                    key = f"{track}/{place:05d}.m4s"
                    assert play.get(key) == (whole / key).read_bytes()
                used.append(server.memory_info().rss)

        list(pool.map(view, range(viewers)))
        # Code that is loaded meanwhile takes a few MB; answers that were kept would add up.
        assert max(used) - max(used[: len(used) // 4]) < 16 << 20, "memory grows while the film is made"
        wait_for(lambda: published(dest) == published(whole))
        memory = server.memory_info().rss
        for _ in range(3):
            list(pool.map(view, range(viewers)))
        assert server.memory_info().rss - memory < 8 << 20
        play.end()
    assert media(dest) == media(whole)
    attempts = [
        attempt
        for path in dest.glob(".streamify/runs/*/attempts/*")
        for attempt in map(json.loads, path.read_text().splitlines())
        if attempt["outcome"] == "finished"
    ]
    assert not [key for key, count in Counter(one["task"] for one in attempts).items() if count > 1]
    rendered = defaultdict[tuple[str, str], list[dict[str, Any]]](list)
    for attempt in attempts:
        if attempt["task"].startswith("video/"):
            _, segment, names = attempt["task"].split("/")
            for name in names.split(","):
                rendered[segment, name].append(attempt)
    assert len(rendered) == 2 * SECONDS
    for made in rendered.values():
        assert len(made) <= 2
        if len(made) == 2:  # a worker had begun it for both rungs when a viewer wanted one of them
            both, one = sorted(made, key=lambda attempt: "," not in attempt["task"])
            assert "," in both["task"]
            assert both["started"] <= one["started"]  # perhaps after its end, of which the job had not heard


@pytest.mark.long
def test_no_picture_is_missing_or_repeated_where_viewers_jump_about(source: Path, ladder: Path, tmp_path: Path) -> None:
    """A second player reads the film in order, while others make its segments in any other order."""
    with playing(source, tmp_path / "dest", "--ladder", ladder, *FLAGS, "--workers", "1") as play:
        track = play.tracks()[0]
        chance = random.Random(11)
        with ThreadPoolExecutor(4) as pool:
            jumps = [pool.submit(play.get, f"{track}/{chance.randrange(SECONDS):05d}.m4s") for _ in range(20)]
            command = ["ffmpeg", "-nostdin", "-v", "error", "-i", f"{play.url}{track}/playlist.m3u8", "-map", "0:v"]
            command += ["-fps_mode", "passthrough", "-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-f", "nut", "-"]
            decoded = subprocess.run(command, capture_output=True, timeout=60, check=True)
            for jump in jumps:
                jump.result()
        play.end()
    assert decoded.stderr == b""
    assert read_ids(io.BytesIO(decoded.stdout)) == list(range(25 * SECONDS))


def test_what_the_stream_does_not_have_is_not_found(source: Path, ladder: Path, tmp_path: Path) -> None:
    with playing(source, tmp_path / "dest", "--ladder", ladder, *FLAGS) as play:
        low = play.tracks()[0]
        for key in (f"{low}/{SECONDS:05d}.m4s", f"{low}/{'9' * 400}.m4s", f"{low}/0.m4s", "video/other/00000.m4s"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                play.get(key)
            with caught.value as refused:
                assert refused.code == 404
        play.end()


def test_a_source_that_cannot_be_used_ends_the_command_with_its_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all")
    command = [str(COMMAND), "play", str(broken), str(tmp_path / "dest"), "--no-open"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 3
    assert "streamify: error: " in ran.stderr


def test_what_fails_at_once_has_no_address(source: Path, tmp_path: Path) -> None:
    """A browser would be opened for nothing, and the one JSON document be an address where nobody answers."""
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "holiday.jpg").touch()
    for given, dest, code in ((tmp_path / "no.mp4", "dest", "source-missing"), (source, "taken", "dest-occupied")):
        done = run("play", given, tmp_path / dest, "--no-open", "--json")
        assert done.json["error"]["code"] == code
        assert "http://127" not in done.out


@pytest.mark.long
def test_a_viewer_who_leaves_frees_his_place(source: Path, ladder: Path, tmp_path: Path) -> None:
    """A client that goes away is noticed while its segment waits behind those of others."""
    import socket

    slow = ["--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "veryslow", "--workers", "1"]
    halt = Halt(tmp_path, 1)
    with (
        playing(source, tmp_path / "dest", "--ladder", ladder, *slow, env=halt.env) as play,
        ThreadPoolExecutor(1) as pool,
    ):
        low = play.tracks()[0]
        port = int(play.url.rstrip("/").rpartition(":")[2])
        for index in range(10, SECONDS):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(f"GET /{low}/{index:05d}.m4s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        wanted = pool.submit(play.get, f"{low}/00005.m4s")
        time.sleep(0.6)  # that those who left are noticed, before anything is made
        halt.release()
        wanted.result()
        made = {int(path.stem) for path in made_by(tmp_path / "dest" / low / "00005.m4s")}
        assert len(made & set(range(10, SECONDS))) < 10, made  # of 14: what was made until it was noticed
        play.end()
