"""Plays a finished stream in real players and returns what they report."""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Lock, Thread
from typing import Any, Literal

import pytest

from clips.make import Clip
from streamify.media import testcard

PLAYERS = Path(__file__).parent / "players"

Player = Literal["native", "own", "firefox", "hlsjs", "shaka", "dashjs"]
Scenario = Literal["play", "seek", "switch", "sync", "watch", "words", "reads", "captions"]

ALL: tuple[Player, ...] = ("native", "own", "firefox", "hlsjs", "shaka", "dashjs")
SOUNDING: tuple[Player, ...] = ("native", "own", "hlsjs", "shaka", "dashjs")
"""Not Firefox: its AudioContext, which measures, does not start on a machine without an audio device."""
AGAIN = 2
"""How often a play that stood still is played again: a busy machine loads and decodes too slowly at times. So are plays
of dash.js without any words."""
LOOKS = 10
"""Looks of the page, 50 ms apart or more, in which a player may stand still."""
SPAN, ENOUGH, STEADY = 0.3, 5, 0.002
"""A sample of the sound counts where in so many seconds on each side so many pairs of both clocks were taken, and their
difference is the same on both sides, in seconds."""
LANES = 3
"""Plays at a time, of those that mostly wait."""

LATENCY = 0.5
"""Seconds before a segment is answered where rungs are switched. Without it hls.js may have loaded a short stream to
its end before the first switch can be asked for.
"""
BARCODE = {
    "rows": testcard.ROWS,
    "columns": testcard.COLUMNS,
    "area": [float(edge) for edge in testcard.BARCODE],
}

TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml", ".m4s": "video/iso.segment"}
TYPES |= {".vtt": "text/vtt"}


class _Handler(SimpleHTTPRequestHandler):
    """Serves a folder with byte ranges and CORS; says nothing."""

    protocol_version = "HTTP/1.1"
    latency = 0.0
    steps: Iterator[Callable[[], object]] = iter(())
    extensions_map = SimpleHTTPRequestHandler.extensions_map | TYPES | {".mp4": "video/mp4"}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "Range")
        self.send_header("Access-Control-Expose-Headers", "Content-Length, Content-Range")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def do_OPTIONS(self) -> None:
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """Take the next step with a viewer; say whether the stream is complete."""
        step = next(self.steps, None)
        if step is not None:
            step()
        told = b"complete" if Path(self.translate_path("/report.json")).exists() else b"grows"
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        if path.suffix == ".m4s":
            time.sleep(self.latency)
        data = path.read_bytes()
        start, end, status = 0, len(data), 200
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if asked and any(asked.groups()):
            first, last = asked.groups()
            start = int(first) if first else max(0, len(data) - int(last))
            end = min(len(data), int(last) + 1) if first and last else len(data)
            status = 206
            if start >= len(data) or end <= start:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(data)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(status)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(end - start))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        self.end_headers()
        try:
            self.wfile.write(data[start:end])
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # players give up requests they no longer need


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def served(folder: Path, latency: float = 0, steps: Sequence[Callable[[], object]] = ()) -> Iterator[str]:
    """Serve `folder` on the loopback interface; give its URL, ending in a slash.

    Args:
        folder: What is served.
        latency: Seconds after which a segment is sent.
        steps: Of a stream that grows: each is called once, as a viewer tells where he is.
    """

    class Handler(_Handler):
        pass

    Handler.latency = latency
    Handler.steps = iter(steps)
    with _Server(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def install() -> None:
    """Install the players with npm, once; several processes may ask at the same time. No browser is downloaded."""
    with (PLAYERS / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = json.load(lock)["dependencies"]
        for name, version in wanted.items():
            manifest = PLAYERS / "node_modules" / name / "package.json"
            if not manifest.exists() or json.loads(manifest.read_text())["version"] != version:
                subprocess.run(["npm", "install", "--silent"], cwd=PLAYERS, check=True, timeout=600)
                return


class Browsers:
    """Browsers that run the scripts of tests/players, and start when the first one needs them.

    A browser takes longer to start and to end than most plays, so each stays for all of them; every play has a page of
    its own, with a cache of its own. Several threads may use it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._number = 0

    def run(self, script: Literal["play", "use"], args: Sequence[str], timeout: float) -> dict[str, Any]:
        """Return what `script` tells, as tests/players/serve.mjs runs it."""
        with self._lock:
            if self._process is None:
                self._process = self._start()
            self._number += 1
            answer = self._waiting[self._number] = Future[dict[str, Any]]()
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"id": self._number, "script": script, "args": args}) + "\n")
            self._process.stdin.flush()
        told = answer.result(timeout)
        assert "error" not in told, told["error"]
        result: dict[str, Any] = told["result"]
        return result

    def close(self) -> None:
        """End the browsers."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(60)

    def _start(self) -> subprocess.Popen[str]:
        install()
        process = subprocess.Popen(
            ["node", "serve.mjs"], cwd=PLAYERS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        Thread(target=self._read, args=(process,), daemon=True).start()
        return process

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            self._waiting.pop(told["id"]).set_result(told)
        for answer in self._waiting.values():
            answer.set_exception(AssertionError(f"serve.mjs ended with status {process.wait()}"))
        process.stdout.close()


def play(
    browsers: Browsers,
    dest: Path | str,
    player: Player,
    scenario: Scenario = "play",
    timeout: float = 120,
    *,
    rate: float = 4,
    points: Sequence[float] = (),
    start: float = 0,
    rung: Literal["high", "low", "auto"] = "high",
    entry: str = "",
    again: bool = False,
    times: Sequence[Fraction] = (),
    late: int = 0,
    cues: Sequence[tuple[str, int]] | Sequence[int] = (),
    listen: bool = False,
    steps: Sequence[Callable[[], object]] = (),
    length: float = 0,
) -> dict[str, Any]:
    """Play `dest` and return the observations of tests/players/play.mjs, with `problems` worked out from them.

    Args:
        browsers: Where it plays.
        dest: Folder of the stream, or of any file named by `entry`; or the URL, ending in a slash, where it is served.
        player: Native HLS, the player of our page (`own`; `firefox`: it in Firefox, the others play in Chromium) and
            hls.js play master.m3u8, shaka and dash.js manifest.mpd.
        scenario: To the end; seek to `points`; change the rung at each of `points`; sound against picture; watch: seek
            to `points`, now and then to another rung, and from the last on to the end; captions: to the end, and the
            cues of all text tracks (hls.js, shaka); reads: a stream that grows, with a track of words.
        timeout: Seconds for the whole run.
        rate: Playback rate of play and switch.
        points: Seconds.
        start: Where it begins to play, seconds.
        rung: The rung to start with; only `auto` lets the player adapt. The native player always does.
        entry: Another file of `dest` to play than its manifest.
        again: Where it stalls, play it again, twice at most, and the last play counts: on a busy machine that happens
            at times, by a fault of the stream in each play. The run's summary says so. Plays of words by dash.js that
            show none are played again in any case.
        times: When each picture of the film is shown. A seek then waits for its picture, and pictures that Firefox's
            canvas held too late are looked at again.
        late: Milliseconds of each 1.3 s in which the page does nothing, as on a busy machine.
        cues: Of the scenario ``words``: name and number of cues of each track of words; of ``reads``: how many cues
            there are to be before the stream is complete, and in all, of the track that is the first of `points`.
        listen: Hold sound against picture as well, where it watches to the end.
        steps: `dest` is a stream that grows: they are called when its first picture is shown, and when it plays. It
            plays at normal speed until the stream is complete.
        length: Of the film that grows, seconds.
    """
    latency = LATENCY if scenario == "switch" else 0
    with nullcontext(dest) if isinstance(dest, str) else served(dest, latency, steps) as url:
        name, browser = ("own", player) if player == "firefox" else (player, "chromium")
        args = [url + entry, name, "--scenario", scenario, "--rate", str(rate), "--browser", browser]
        args += ["--start", str(start), "--points", ",".join(map(str, points)), "--rung", rung]
        args += ["--timeout", str(timeout), "--barcode", json.dumps(BARCODE), "--cues", json.dumps(cues)]
        pictures = [(float(time), _bits(number)) for number, time in enumerate(times)]
        args += ["--pictures", json.dumps(pictures), "--late", str(late)]
        args += ["--listen"] if listen else []
        args += ["--grows", url, "--length", str(length)] if steps else []
        result = _observed(browsers, args, timeout)
        for _ in range(AGAIN):
            wrong = [f"stalled at {time:.3f} s" for time in _stalls(result)] if again else []
            # dash.js 5.2.1 loses at times a file of words that it has loaded: the track stays empty, play after play.
            empty = [one["name"] for one in result.get("words", ()) if not one["cues"]] if player == "dashjs" else []
            wrong += [f"no cue of {name}" for name in empty]
            if not wrong:
                break
            tell_again(player, scenario, wrong)
            result = _observed(browsers, args, timeout)
    return result


def tell_again(player: Player, scenario: Scenario, wrong: Sequence[str]) -> None:
    """Let the summary of the run say that something was played once more, and what was wrong with the first play.

    pytest names the test; for plays of `in_lanes` the first one of their file.
    """
    what = f"played once more: {player}, {scenario}: {len(wrong)} problems, at first {wrong[0]}"
    warnings.warn(what, pytest.PytestWarning, stacklevel=3)


def _observed(browsers: Browsers, args: Sequence[str], timeout: float) -> dict[str, Any]:
    result = browsers.run("play", args, timeout + 60)
    for seek in result.get("seeks", ()):
        seek["id"] = _number(seek["bits"])
    result["shown"] = [(time, _number(bits)) for time, bits in result.get("shown", ())]
    if "beeps" in result:
        result["offsets"] = _offsets(result)
    result["firefox"] = "firefox" in args
    result["problems"] = problems(result)
    return result


def in_lanes(
    request: pytest.FixtureRequest, kinds: Mapping[str, Callable[..., dict[str, Any]]]
) -> dict[str, Future[dict[str, Any]]]:
    """Return the plays of all selected tests of a file, by the id of the test; several run at a time.

    For plays that mostly wait. Those that must play at 4x without a stall get the machine to themselves instead.

    Args:
        request: Of a fixture of the module.
        kinds: What plays, by the name of the test; it is called with the test's parameters.
    """
    with ThreadPoolExecutor(LANES) as pool:
        return {
            item.nodeid: pool.submit(kinds[item.originalname], **_parameters(item))
            for item in request.session.items
            if isinstance(item, pytest.Function) and item.path == request.path and item.originalname in kinds
        }


def _parameters(item: pytest.Function) -> dict[str, Any]:
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}


def _offsets(result: dict[str, Any]) -> list[tuple[float, float]]:
    """Return for each flash seen its media time and by how many milliseconds its beep comes after it.

    The beep's time is the media time that the element itself reported as that sample passed through WebAudio. What the
    output device or the screen add lies beyond this measurement. A beep that a busy machine disturbed is left out; how
    many remain is for the test to judge.
    """
    clock = result.pop("clock")
    heard = [media_time(beep, clock) for beep in result.pop("beeps")]
    beeps = [beep for beep in heard if beep is not None]
    found = []
    for flash in result["flashes"] if clock else ():
        beep = min(beeps, key=lambda time: abs(time - flash), default=None)
        if flash > clock[0][1] + 0.5 and beep is not None and abs(beep - flash) < 0.4:  # the first is in the start-up
            found.append((flash, (beep - flash) * 1000))
    return found


def media_time(beep: float, clock: Sequence[tuple[float, float]]) -> float | None:
    """Return the media time at a time of the audio context, seconds; None where both clocks did not run side by side.

    Their difference is constant (seen: standard deviation below 1 ms in 1,700 pairs, 0.04 ms from beep to beep) until
    the sound is late for the audio context of a busy machine, which then puts silence of 41.3 ms (1,984 samples), or
    of a multiple of it, between two samples, while the media clock stands. So the difference is taken around the beep.

    Args:
        beep: By the audio context, seconds.
        clock: Pairs of the audio context's time and the media time that were taken together, seconds.
    """
    near = [(context, media - context) for context, media in clock if abs(context - beep) < SPAN]
    before, after = ([shift for context, shift in near if (context > beep) is later] for later in (False, True))
    if min(len(before), len(after)) < ENOUGH or abs(median(before) - median(after)) > STEADY:
        return None
    return beep + median([*before, *after])


def sound_delays(result: dict[str, Any], clip: Clip) -> list[float]:
    """Return by how many milliseconds more than in the clip each beep that was heard comes after its flash."""
    truth = {round(float(flash), 3): float(second - flash) * 1000 for second, flash in enumerate(clip.flashes)}
    return [offset - truth[min(truth, key=lambda time: abs(time - flash))] for flash, offset in result["offsets"]]


def _number(bits: str) -> int | None:
    return testcard.number_of(tuple(bit == "1" for bit in bits))


def _bits(number: int) -> str:
    return "".join("01"[cell] for cell in testcard.barcode(number))


def misplaced(result: dict[str, Any], times: Sequence[Fraction]) -> list[tuple[float, int | None]]:
    """Return the pictures that were shown (media time, number) and are out of their place.

    `buffered` and the decoder's count cannot see swapped or repeated pictures, nor native HLS a gap; the barcode can.
    In Chromium a picture tells its own time. Firefox's canvas holds another one than is announced, hence a tolerance.
    """
    tolerance = 0.2 if result["firefox"] else 0.001
    return [
        (time, number)
        for time, number in result["shown"]
        if number is None or number >= len(times) or abs(float(times[number]) - time) > tolerance
    ]


def problems(result: dict[str, Any]) -> list[str]:
    """Return everything that must not happen when a sound stream is played; an empty list means none of it did."""
    found = [*result["errors"], *result["console"], *result["network"]]
    if result["scenario"] in ("play", "switch", "watch", "reads"):
        if not result["ended"]:
            found.append("not ended")
        found += [f"jumped to {time:.3f} s" for time in result.get("jumps", ())]
        found += [f"stalled at {time:.3f} s" for time in _stalls(result)]
    if result["scenario"] in ("play", "switch"):
        if result.get("bufferedMax") != 1:
            found.append(f"buffered.length was {result.get('bufferedMax')}: {result.get('buffered')}")
        if result.get("startTime") != 0:
            found.append(f"the buffer starts at {result.get('startTime')} s")
        if result.get("firstFrame") != 0:
            found.append(f"the first picture is shown at {result.get('firstFrame')} s")
    found += [f"{name}: {result[name]}" for name in ("gapsJumped", "stallsDetected", "corrupted") if result.get(name)]
    return found


def _stalls(result: dict[str, Any]) -> list[float]:
    """Return where it stood still. A busy machine makes short ones; a fault of the stream makes the player wait."""
    return [time for time, looks in result.get("stalls", ()) if looks > LOOKS]


def gstreamer_plays(dest: Path, manifest: str = "master.m3u8", timeout: float = 120) -> bool:
    """Whether GStreamer's playbin3 plays the stream to its end, as fast as it can."""
    with served(dest) as url:
        command = ["gst-launch-1.0", "-q", "playbin3", f"uri={url}{manifest}"]
        command += ["video-sink=fakesink sync=false", "audio-sink=fakesink sync=false"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    return done.returncode == 0 and "ERROR" not in done.stderr + done.stdout


def ffprobe_counts(dest: Path, manifest: str = "master.m3u8", timeout: float = 120) -> list[dict[str, Any]]:
    """Return what ffprobe counts by decoding: one mapping per stream, with codec_type, width, nb_read_frames ..."""
    with served(dest) as url:
        command = ["ffprobe", "-v", "error", "-count_frames", "-count_packets", "-of", "json", "-show_entries"]
        command += ["stream=index,codec_type,codec_name,width,height,start_time,nb_read_frames,nb_read_packets"]
        done = subprocess.run([*command, url + manifest], capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr.strip(), done.stderr
    streams: list[dict[str, Any]] = json.loads(done.stdout)["streams"]
    return streams
