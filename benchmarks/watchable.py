"""Seconds from a command to what can be watched: on demand, beside one plain ffmpeg command and Shaka Streamer.

And what it costs to publish a stream while it is made.
"""

from __future__ import annotations

import compileall
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

import psutil

import streamify
from benchmarks.command import ROOT, BenchmarkError, run
from benchmarks.figure import Figure
from benchmarks.lab import LADDER, NO_IMAGES, Lab, transcode
from benchmarks.plain import ffmpeg, ladder_command
from benchmarks.shaka import shaka_command
from benchmarks.sources import Source

HOUR = 3600
ENOUGH = 120
"""Seconds after which a benchmark gives up."""


@dataclass(frozen=True)
class Seen:
    """One session of ``streamify play SOURCE``; seconds since the command, but for `sought`."""

    master: float
    segment: float
    """The first segment of the lowest rung, and of the sound, has arrived."""
    picture: float
    """The page in Chromium shows one."""
    sought: float
    """From the request for the segment in the middle of the lowest rung to its arrival."""
    encoded: float
    """CPU seconds of the task that made it."""


def watchable(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Measure the start and a seek into what was not made, of each film and of one of an hour."""
    # As an installed package has it: each process would otherwise compile what it loads, 0.2 s of CPU time.
    compileall.compile_dir(Path(streamify.__file__).parent, quiet=1)
    films, first = [*sources, *([] if lab.quick else [_hour(lab, sources[-1])])], 0.0
    for film in films:
        seen = [_play(lab, film, number) for number in range(lab.rounds)]
        segment, picture = (median(getattr(one, name) for one in seen) for name in ("segment", "picture"))
        yield Figure(
            f"watchable {film.name}, first segment", segment, "s", 1.5,
            behind={"master playlist s": median(one.master for one in seen)},
        )  # fmt: skip
        yield Figure(f"watchable {film.name}, first picture", picture, "s", 2.0)
        late = [one.sought - one.encoded for one in seen]
        yield Figure(
            f"watchable {film.name}, seek to the middle beyond its encoding", median(late), "s", 1.0,
            behind={"answer s": median(one.sought for one in seen), "task CPU s": median(one.encoded for one in seen)},
        )  # fmt: skip
        if film in sources:
            theirs = _plain(lab, film)
            yield Figure(
                f"watchable {film.name}, ffmpeg's first segment over ours", theirs / segment, "x",
                6.0 if film is sources[0] else None, at_least=True, behind={"ffmpeg s": theirs, "ours s": segment},
            )  # fmt: skip
        first = first or segment
    film = films[0]  # Shaka Streamer writes its playlists at its end: a longer film says nothing more
    theirs = _shaka(lab, film)
    yield Figure(
        f"watchable {film.name}, Shaka Streamer's first segment over ours", theirs / first, "x",
        behind={"Shaka Streamer s": theirs, "ours s": first},
    )  # fmt: skip


def early(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Measure what a job takes that publishes while it runs, over one that publishes at its end; in turn, twice at
    least."""
    film, walls = sources[0], dict[str, list[float]](early=[], final=[])
    for number in range(max(2, lab.rounds)):
        for publish in ("early", "final") if number % 2 == 0 else ("final", "early"):
            dest = lab.work / f"{film.name}-publish-{publish}-{number}"
            flags = ["--ladder", LADDER, "--preset", lab.preset, *NO_IMAGES, "--publish", publish]
            walls[publish].append(transcode(film.path, dest, flags).took.wall)
    behind = {f"{publish} s": median(seconds) for publish, seconds in walls.items()}
    ratio = sum(walls["early"]) / sum(walls["final"])
    yield Figure(f"early {film.name}, wall clock over that of final", ratio, "x", 1.02, behind=dict(behind))


def _hour(lab: Lab, film: Source) -> Source:
    path = lab.work / f"hour-of-{film.path.name}"
    if not path.exists():
        run([*ffmpeg(), "-stream_loop", "-1", "-i", film.path, "-t", str(HOUR), "-map", "0:v:0", "-map", "0:a:0",
             "-c", "copy", path])  # fmt: skip
    return Source(f"{film.name}, an hour", path)


def _play(lab: Lab, film: Source, number: int) -> Seen:
    dest, events = lab.work / f"{film.name}-play-{number}", lab.work / f"play-{number}.ndjson"
    command = [sys.executable, "-m", "streamify", "--json", "--quiet", "--events", str(events), "play", str(film.path)]
    command += [str(dest), "--no-open", "--ladder", LADDER, "--preset", lab.preset]
    with _browser() as browser:
        began = time.time()
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as server:
            assert server.stdout is not None
            assert browser.stdin is not None
            assert browser.stdout is not None
            try:
                url = str(json.loads(server.stdout.readline())["url"])
                browser.stdin.write(url + "\n")
                browser.stdin.flush()
                master = _get(url + "master.m3u8").decode()
                planned = time.time() - began
                low, sound = _lowest(master), re.search(r'TYPE=AUDIO.*URI="([^"]+)/playlist', master)
                for folder in (low, *([sound[1]] if sound is not None else [])):
                    _get(f"{url}{folder}/00000.m4s")
                segment = time.time() - began
                picture = float(_line(browser.stdout)) - began
                middle = _get(f"{url}{low}/playlist.m3u8").decode().count("#EXTINF") // 2
                asked = time.time()
                _get(f"{url}{low}/{middle:05d}.m4s")
                sought = time.time() - asked
            finally:
                server.send_signal(signal.SIGINT)
    return Seen(planned, segment, picture, sought, _encoded(events, middle))


def _lowest(master: str) -> str:
    """Return the folder of the variant with the least BANDWIDTH."""
    variants = re.findall(r"#EXT-X-STREAM-INF:.*?BANDWIDTH=(\d+).*\n(\S+)/playlist\.m3u8", master)
    return str(min(variants, key=lambda one: int(one[0]))[1])


def _encoded(events: Path, segment: int) -> float:
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    times = [one["data"]["cpu_seconds"] for one in lines
             if one["kind"] == "task.finished" and one["task"].startswith(f"video/{segment:05d}/")]  # fmt: skip
    return float(times[0]) if times else 0.0


def _plain(lab: Lab, film: Source) -> float:
    """Return the seconds until ffmpeg's HLS of the same ladder can be watched: the lowest rung and its sound."""
    plan = streamify.plan(film.path, ladder=LADDER, preset=lab.preset)
    dest = lab.work / f"{film.name}-plain"
    # An event: playlists of a VOD are written at the end.
    command = ["event" if word == "vod" else word for word in ladder_command(plan, film.path, dest)]
    waited = [dest / plan.video[-1].name, *([dest / "audio-0"] if plan.audio else [])]
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=ROOT) as process:
        try:
            while not all((folder / "playlist.m3u8").exists() for folder in waited):
                if process.poll() or time.monotonic() - began > ENOUGH:
                    raise BenchmarkError("plain ffmpeg made nothing that could be watched")
                time.sleep(0.01)
            return time.monotonic() - began
        finally:
            process.kill()


def _shaka(lab: Lab, film: Source) -> float:
    """Return the seconds until Shaka Streamer's stream of the same ladder can be watched."""
    plan = streamify.plan(film.path, ladder=LADDER, preset=lab.preset)
    dest = lab.work / f"{film.name}-shaka-watched"
    rates = {track.name: track.recipe.maxrate // 2 for track in plan.video}
    command = shaka_command(plan, film.path, dest, rates, dest.with_suffix(".configs"))
    began = time.monotonic()
    log = dest.with_suffix(".log")
    with log.open("wb") as output, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT, start_new_session=True
    ) as process:  # fmt: skip
        try:
            while not any(dest.glob("*.m3u8")):
                if process.poll() is not None or time.monotonic() - began > 3 * ENOUGH:
                    said = log.read_text(errors="replace").split("\n")[-3:]
                    raise BenchmarkError(f"Shaka Streamer made nothing that could be watched: {' '.join(said).strip()}")
                time.sleep(0.01)
            return time.monotonic() - began
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _browser() -> Iterator[subprocess.Popen[str]]:
    """Start Chromium, which then waits for a URL and does nothing else: its own start is no part of any figure."""
    script = ROOT / "tests" / "players" / "first.mjs"
    with subprocess.Popen(["node", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if _line(process.stdout) != "ready":
                raise BenchmarkError("Chromium does not start; `make tools` installs what drives it")
            _settle(process.pid)
            yield process
            process.wait(ENOUGH)  # it ends by itself once it has told: the next one would start beside it
        finally:
            process.kill()


def _settle(pid: int) -> None:
    """Wait until a process and its children use no CPU time, 10 s at most."""
    end, before = time.monotonic() + 10, -1.0
    while (used := _used(pid)) - before > 0.01 and time.monotonic() < end:
        before = used
        time.sleep(0.5)


def _used(pid: int) -> float:
    """Return the CPU seconds of a process and its children."""
    root, spent = psutil.Process(pid), 0.0
    for one in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            spent += times.user + times.system
    return spent


def _line(stream: IO[str]) -> str:
    line = stream.readline().strip()
    if not line:
        raise BenchmarkError("the page in Chromium did not play")
    return line


def _get(url: str) -> bytes:
    """Return what is at a URL; a 503 says when to ask again."""
    end = time.monotonic() + ENOUGH
    while True:
        try:
            with urllib.request.urlopen(url, timeout=ENOUGH) as answer:  # of our own server
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > end:
                raise BenchmarkError(f"{url}: {error}") from error
            time.sleep(0.1)
