"""The page of `play` in a real browser: it plays, it says what it plays, and it asks nobody else for anything."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.make import Clip
from e2e import chromium
from players_harness import Browsers

pytestmark = [
    pytest.mark.players,
    pytest.mark.skipif(not chromium.PATH.exists(), reason="no Chromium"),
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg"),
]
SECONDS = 6
VIDEO = "document.getElementById('video')"
REPORT = {
    "source": {"ref": {"key": "<b>holiday #2.mov"}, "duration": "6"},
    "tracks": [
        {"kind": "video", "folder": "video/360p-3f9a2c1b", "codecs": "avc1.64001e", "width": 640, "height": 360,
         "bytes": 940_000, "bandwidth": 765_600, "average_bandwidth": 622_000},
        {"kind": "audio", "folder": "audio/en-aac-8d41e07a", "codecs": "mp4a.40.2", "width": None, "height": None,
         "bytes": 140_000, "bandwidth": 131_000, "average_bandwidth": 128_000},
    ],
    "certificate": {"promised": 144, "decoded": 144, "encoded": 144, "damaged": 0, "duplicated": 0, "dropped": 0,
                    "lost": [], "seams": 2, "audio_over_video": ["1/100"]},
    "notes": [{"kind": "dropped", "what": "data stream 2", "why": "no place in CMAF"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream that another program made: what is tested here is the page."""
    folder = tmp_path_factory.mktemp("stream é #1")
    command = (
        f"ffmpeg -v error -f lavfi -i testsrc2=s=640x360:r=24:d={SECONDS} -f lavfi -i sine=440:d={SECONDS} "
        "-c:v libx264 -preset veryfast -g 48 -sc_threshold 0 -c:a aac -f hls -hls_time 2 -hls_playlist_type vod "
        "-hls_segment_type fmp4 -var_stream_map v:0,a:0 -master_pl_name master.m3u8 video_%v.m3u8"
    )
    subprocess.run(command.split(), cwd=folder, check=True)
    return folder


@contextmanager
def played(stream: Path) -> Iterator[str]:
    command = [str(Path(sys.executable).with_name("streamify")), "play", str(stream), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["url"]
        server.send_signal(signal.SIGINT)
        rest = server.communicate(timeout=60)[0]
    assert (server.returncode, rest) == (130, "")


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    with chromium.chromium() as found:
        yield found


@pytest.fixture
def url(foreign: Path) -> Iterator[str]:
    with played(foreign) as url:
        yield url


def opened(page: chromium.Page, url: str) -> dict[str, Any]:
    page.call("Page.navigate", url=url)
    page.wait("document.documentElement?.dataset.ready")
    text: dict[str, Any] = json.loads(page.run(
        "JSON.stringify(Object.fromEntries([...document.querySelectorAll('[id]')].map("
        "(one) => [one.id, one.hidden ? null : one.value ?? one.innerText])))"
    ))  # fmt: skip
    return text


def test_it_plays_to_the_end_and_asks_nobody_else(browser: chromium.Browser, url: str) -> None:
    with browser.page() as page:
        shown = opened(page, url)
        assert shown["notice"] is None
        assert shown["proof"] is None
        assert "360p" in shown["ladder"]
        page.run(f"{VIDEO}.play()")
        page.wait(f"{VIDEO}.ended && document.getElementById('now').innerText.startsWith('Ended')")
        assert page.run(f"{VIDEO}.error") is None
        assert page.run(f"{VIDEO}.currentTime") == pytest.approx(SECONDS, abs=0.2)
        assert page.run(f"{VIDEO}.videoWidth") == 640
        assert page.run("document.getElementById('now').innerText") == "Ended at 640 \u00d7 360"
        outside = [one for one in page.requests if not one.startswith((url, "data:"))]
        assert outside == []
        assert any(one.endswith(".m4s") for one in page.requests)
        assert page.complaints == []  # not even of the report that this stream does not have


def test_it_shows_ladder_certificate_and_notes_of_the_report(
    browser: chromium.Browser, url: str, foreign: Path
) -> None:
    (foreign / "report.json").write_text(json.dumps(REPORT))
    try:
        with browser.page() as page:
            shown = opened(page, url)
            assert page.complaints == []
            page.wait(f"{VIDEO}.videoWidth")
            assert page.wait("document.querySelector('tr[aria-current] th')?.innerText") == "360p"
            for width in (320, 375, 500, 720, 760, 1100):  # nothing of the ladder is out of sight
                page.call(
                    "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False
                )
                hidden = (
                    "[...document.querySelectorAll('body, .scroll')].map((one) => one.scrollWidth - one.clientWidth)"
                )
                assert (width, page.run(hidden)) == (width, [0, 0])
                cells = page.run("[...document.querySelectorAll('#ladder td')].map((one) => one.innerText)")
                assert {"640 \u00d7 360", "avc1.64001e", "622 kbit/s"} <= set(cells)
    finally:
        (foreign / "report.json").unlink()
    assert shown["title"] == "<b>holiday #2.mov"  # a name is text, never markup
    assert shown["proof-line"] == "144 of 144 frames, 2 seams checked"
    assert shown["proof-more"] == "Audio outlasts video by 10.0 ms"
    assert "dropped: data stream 2 (no place in CMAF)" in shown["notes"]
    for part in ("640 \u00d7 360", "avc1.64001e", "622 kbit/s", "en-aac", "sound", "mp4a.40.2"):
        assert part in shown["ladder"]
    assert shown["hls"] == f"{url}master.m3u8"


def test_a_browser_that_cannot_play_is_told_so_and_gets_the_address(browser: chromium.Browser, url: str) -> None:
    with browser.page() as page:
        script = "HTMLMediaElement.prototype.canPlayType = () => ''; delete globalThis.MediaSource"
        page.call("Page.addScriptToEvaluateOnNewDocument", source=script)
        shown = opened(page, url)
        assert "This browser cannot play the stream" in shown["notice"]
        assert shown["now"] == "Does not play: this browser has no HLS"
        assert shown["hls"] == f"{url}master.m3u8"
        assert page.run("document.activeElement.id, document.querySelector('[data-copy=hls]').click(), 1") == 1
        assert page.wait("document.getElementById('copied').innerText")


def test_it_can_be_used_with_the_keyboard_and_has_names_for_all_controls(browser: chromium.Browser, url: str) -> None:
    with browser.page() as page:
        opened(page, url)
        page.wait(f"{VIDEO}.readyState")  # without a length there is nothing to seek in
        unnamed = page.run(
            "[...document.querySelectorAll('button, input, video, [tabindex]')].filter((one) => !(one.innerText.trim() "
            "|| one.ariaLabel || one.labels?.length || one.getAttribute('aria-labelledby'))).length"
        )
        assert unnamed == 0
        reached = set()
        for _ in range(20):
            for kind in ("keyDown", "keyUp"):
                page.call("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)
            reached.add(page.run("document.activeElement.id || document.activeElement.dataset.copy || ''"))
        assert {"play", "seek", "volume", "hls", "dash"} <= reached


def used(browsers: Browsers, url: str, name: str, *flags: str) -> dict[str, Any]:
    """Return what tests/players/site.mjs saw of the page at `url`; the browser has no HLS of its own."""
    hidden = ["--hls", "none"] if name == "chromium" else []
    seen = browsers.run("use", [url, "--browser", name, *hidden, *flags], 150)
    assert "harness" not in seen, seen
    assert seen["hls"] == "own"
    assert [one for one in seen["requests"] if not one.startswith((url, "data:", "blob:"))] == []
    return seen


def goes(browsers: Browsers, stream: Path, _: Path, name: str) -> dict[str, Any]:
    """Use the page of a stream."""
    with played(stream) as url:
        return used(browsers, url, name, "--do", "plays,seeks,switches")


def misses(browsers: Browsers, stream: Path, folder: Path, name: str) -> dict[str, Any]:
    """Use the page of a stream in which a segment is missing and later comes back."""
    dest = shutil.copytree(stream, folder / "dest")
    [segment] = dest.glob("audio/*/00001.m4s")
    away = segment.rename(folder / "away")
    with played(dest) as url:
        seen = used(browsers, url, name, "--do", "fails,returns", "--timeout", "30", "--mend", f"{away}:{segment}")
    return seen | {"segment": segment.relative_to(dest)}


BROWSERS = ("chromium", "firefox")
Uses = dict[tuple[str, str], Future[dict[str, Any]]]


@pytest.fixture(scope="module")
def uses(browsers: Browsers, stream: Path, tmp_path_factory: pytest.TempPathFactory) -> Uses:
    """What was seen in each browser; they mostly wait, so two run at a time."""
    with ThreadPoolExecutor(2) as pool:
        return {
            (use.__name__, name): pool.submit(use, browsers, stream, tmp_path_factory.mktemp(name), name)
            for use in (goes, misses)
            for name in BROWSERS
        }


@pytest.mark.parametrize("name", BROWSERS)
def test_a_browser_without_hls_plays_seeks_and_switches(uses: Uses, card: Clip, name: str) -> None:
    seen = uses["goes", name].result()
    assert (seen["console"], seen["network"]) == ([], [])
    assert (seen["plays"]["decoded"], seen["plays"]["buffered"]) == (card.frames, 1)
    assert seen["plays"]["at"] == pytest.approx(float(card.end), abs=0.03)
    assert [line.partition(" ")[0] for line in seen["seeks"]] == ["Playing"] * 3
    first, second = seen["switches"]["size"]
    assert {first, second} == {360, 240}
    assert [line.partition(",")[0] for line in seen["switches"]["quality"][1:]] == ["360p", "240p"]
    words = [line.partition(" ")[0] for line in seen["statuses"]]
    assert words[0] == "Loading"
    assert words.index("Playing") < words.index("Ended") < words.index("Seeking")
    assert "Does" not in words


@pytest.mark.parametrize("name", BROWSERS)
def test_a_stream_with_a_missing_segment_says_so_and_plays_when_it_is_back(uses: Uses, name: str) -> None:
    seen = uses["misses", name].result()
    cause = f"/{seen['segment']}: the server answers 404 Not Found"
    words = ("Does not play", "Playing what is loaded, then it stops")  # by what is in the buffer when it is given up
    assert seen["fails"]["status"] in [f"{start}: {cause}" for start in words]
    assert seen["fails"]["retry"]
    assert cause in seen["fails"]["notice"]
    assert seen["returns"]["notice"]
    assert seen["returns"]["from"] == pytest.approx(0, abs=1)  # it goes on where it was
    assert seen["returns"]["status"].startswith("Ended")


def test_chapters_are_listed_and_played_and_the_poster_is_shown(browser: chromium.Browser, tmp_path: Path) -> None:
    """Titles are shown as they are: what looks like markup is text."""
    times = "".join(
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={at}\nEND={at + 2000}\n{title}"
        for at, title in ((0, "title=<b>One<\n"), (2000, "title=日本\n"), (4000, ""))
    )
    (tmp_path / "a.txt").write_text(f";FFMETADATA1\n{times}")
    film = f"-f lavfi -i testsrc2=s=320x180:r=25:d={SECONDS} -i a.txt -map_metadata 1 -map 0:v -c:v mpeg4 a.mp4"
    subprocess.run(f"ffmpeg -v error {film}".split(), cwd=tmp_path, check=True)
    report = streamify.transcode(tmp_path / "a.mp4", tmp_path / "stream", preset="ultrafast")
    assert report.poster is not None
    with played(tmp_path / "stream") as url, browser.page() as page:
        shown = opened(page, url)
        assert shown["chapters"].split() == ["0:00", "<b>One<", "0:02", "日本", "0:04", "Chapter", "3"]
        assert page.run(f"{VIDEO}.poster") == f"{url}{report.poster.stills[0].key}"
        page.run("document.querySelectorAll('#chapters button')[1].click()")
        page.wait(f"!{VIDEO}.seeking && {VIDEO}.currentTime > 2.2")
        assert page.run(f"{VIDEO}.currentTime") < 5
        assert page.run(f"{VIDEO}.paused") is False
        assert page.complaints == []
